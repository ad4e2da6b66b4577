"""Any vision model of transformers, run by torch on the CPU or the card that is held: normalised films -> features.

Only safetensors are read and no code of a checkpoint's own is ever run. What of a model's output is kept (`pooling`):

- `pooler`, the default: its own pooled output (ViT, BEiT: a layer over the class token; DINOv2, CLIP: the class token,
  normalised; SigLIP: an attention over patches; Swin: the mean of patches; ConvNeXt, ResNet: the mean of the map);
  without one, or where the checkpoint lacks its arrays, the class token; without that, the mean.
- `cls`: the class token of the last layer; convolutional networks, Swin and SigLIP have none.
- `mean`: the mean over patches (no class or register tokens), or over the map.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from qcxr.errors import InputError
from qcxr.study import pretrained

PIXELS = 32 * 224 * 224  # in one call of the model, so that larger films take no more memory
# tokens before the patches', by model_type, registers not counted: of others a token's place says nothing
PREFIX = {
    **dict.fromkeys(("vit", "vit_mae", "vit_msn", "beit", "data2vec-vision", "clip_vision_model"), 1),
    **dict.fromkeys(("mlcd", "mlcd_vision_model", "metaclip_2_vision_model"), 1),
    **dict.fromkeys(("dinov2", "dinov2_with_registers", "dinov3_vit"), 1),
    **dict.fromkeys(("siglip_vision_model", "ijepa", "swin", "swinv2"), 0),
    "deit": 2,
}
Run = Callable[[Float[np.ndarray, "batch height width 3"]], Float[np.ndarray, "batch features"]]


def examine(folder: Path, pooling: str | None, names: Sequence[str], *, called: str) -> dict[str, Any]:
    """What a checkpoint's model is, found out without its arrays.

    `pooling`, resolved; `special_tokens` before the patches' (class token, registers); `n_features`; `n_parameters`.

    names: of its arrays. called: the checkpoint's name in the configuration, for errors. Raises InputError.
    """
    torch, _ = _libraries()
    model = _empty(folder, called)
    if (channels := _channels(model)) not in (1, 3):
        raise InputError(f"{called}: num_channels must be 1 or 3, got {channels}; set backbone.weights to another")
    side = getattr(model.config, "image_size", None) or 224
    side = side if isinstance(side, int) else side[0]
    out = _try(torch, model, side, called)
    special = _special_tokens(model, out)
    pooling = _pooling(model, out, pooling, special, names, called)
    return {
        "pooling": pooling,
        "special_tokens": special or 0,
        "n_features": int(_pooled(out, pooling, special or 0).shape[-1]),
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
    }


def check_side(folder: Path, side: int, *, called: str) -> None:
    """Raises InputError unless the model reads films of `side` x `side` pixels."""
    torch, _ = _libraries()
    _try(torch, _empty(folder, called), side, called)


@lru_cache(maxsize=1)
def load(folder: Path, digest: str, pooling: tuple[str, int], precision: str, threads: int | None) -> Run:
    """The model with its arrays, as a function of normalised films.

    digest: of its files, so that others in the same place are loaded anew. pooling: with the number of special tokens.
    threads: of the CPU (None: as torch is set). Raises InputError for arrays that are damaged or missing.
    """
    del digest
    torch, transformers = _libraries()
    if threads is not None:
        torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
    model = _tower(_with_arrays(transformers, folder, pooling[0])).eval().to(device=device, dtype=dtype)
    channels = _channels(model)

    def run(images: np.ndarray) -> np.ndarray:
        at_once = max(1, PIXELS // (images.shape[1] * images.shape[2]))
        parts = []
        for first in range(0, len(images), at_once):
            films = images[first : first + at_once, ..., :channels].transpose(0, 3, 1, 2)
            part = torch.from_numpy(np.ascontiguousarray(films))
            torch.manual_seed(0)  # a masked autoencoder shuffles its patches
            with torch.inference_mode():
                out = model(pixel_values=part.to(device=device, dtype=dtype))
                parts.append(_pooled(out, *pooling).float().cpu().numpy())
        return np.concatenate(parts)

    return run


def _with_arrays(transformers: Any, folder: Path, pooling: str) -> Any:
    try:
        model, found = transformers.AutoModel.from_pretrained(
            folder,
            config=_config(folder, str(folder)),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # safetensors', OSError, and RuntimeError for arrays of other shapes
        raise InputError(f"{folder} cannot be loaded ({_short(error)}); fetch the checkpoint again") from None
    needed = {f"{prefix}{name}" for prefix in ("", "vision_model.") for name in _tower(model).state_dict()}
    missing = [name for name in sorted(found["missing_keys"]) if name in needed]
    if missing := [name for name in missing if pooling == "pooler" or "pooler." not in name]:
        raise InputError(
            f"{folder}: array {missing[0]!r} is missing ({len(missing)} in all), and would be random; fetch the "
            "checkpoint again, or set backbone.weights to a complete one"
        )
    return model


def _libraries() -> tuple[Any, Any]:
    try:
        import torch  # here: optional, and slow to import
        import transformers
    except ImportError:
        raise InputError(
            "backbone.library torch needs torch, which is not installed; pip install -e '.[hub]'"
        ) from None
    transformers.logging.set_verbosity_error()  # its advice is about training, and its bar is not ours
    transformers.logging.disable_progress_bar()
    return torch, transformers


def _config(folder: Path, called: str) -> Any:
    _, transformers = _libraries()
    given = dict(pretrained.read(folder / pretrained.CONFIG))
    if not given:
        raise InputError(f"{folder / pretrained.CONFIG} is not a JSON object; fetch the checkpoint again")
    kind = given.get("model_type")
    if not isinstance(kind, str) or kind not in transformers.CONFIG_MAPPING:
        own = " and wants code of its own (auto_map), which is never run" if "auto_map" in given else ""
        raise InputError(
            f"{called}: model_type must be one that transformers {transformers.__version__} has, got {kind!r}{own}; "
            "set backbone.weights to another checkpoint"
        )
    given.pop("auto_map", None)
    try:
        config = transformers.CONFIG_MAPPING[kind].from_dict(given)
    except Exception as error:  # whatever a configuration's own code makes of wrong values
        raise InputError(f"{called}: config.json is damaged ({_short(error)}); fetch the checkpoint again") from None
    if hasattr(config, "mask_ratio"):  # a masked autoencoder sees the whole film
        config.mask_ratio = 0.0
    return config


def _empty(folder: Path, called: str) -> Any:
    """The vision model without its arrays. Raises InputError if it has none that reads pixels."""
    torch, transformers = _libraries()
    config = _config(folder, called)
    try:
        with torch.device("meta"):
            model = _tower(transformers.AutoModel.from_config(config, trust_remote_code=False)).eval()
    except Exception as error:
        raise InputError(f"{called}: no model can be made of config.json ({_short(error)}); set another") from None
    if model.main_input_name != "pixel_values":
        raise InputError(
            f"{called}: must be a vision model, got model_type {config.model_type!r}, which reads "
            f"{model.main_input_name}; set backbone.weights to another checkpoint"
        )
    return model


def _tower(model: Any) -> Any:
    """The part that sees, of a model that reads as well (CLIP, SigLIP)."""
    return model if model.main_input_name == "pixel_values" else getattr(model, "vision_model", model)


def _try(torch: Any, model: Any, side: int, called: str) -> Any:
    try:
        with torch.inference_mode():
            out = model(pixel_values=torch.zeros(1, _channels(model), side, side, device="meta"))
    except Exception as error:  # each model has its own words for a size that it does not take
        raise InputError(
            f"{called} does not take films of {side} x {side} pixels ({_short(error)}); set image.resize and "
            "image.crop, null for the checkpoint's own"
        ) from None
    if getattr(out, "last_hidden_state", None) is None or out.last_hidden_state.ndim not in (3, 4):
        raise InputError(f"{called} gives no tokens and no map ({type(out).__name__}); set backbone.weights to another")
    return out


def _channels(model: Any) -> int:
    return int(getattr(model.config, "num_channels", 3))


def _pooling(model: Any, out: Any, wanted: str | None, special: int | None, names: Sequence[str], called: str) -> str:
    if wanted == "cls" and special == 0:
        raise InputError(
            f"backbone.pooling must be mean or null with {called}, whose model_type {model.config.model_type} has no "
            "class token, got cls"
        )
    own = [name for name in model.state_dict() if name.startswith("pooler.")]
    pooled = getattr(out, "pooler_output", None) is not None
    if wanted is None and pooled and all(any(n.endswith(name) for n in names) for name in own):
        return "pooler"
    shape = tuple(out.last_hidden_state.shape)
    if len(shape) == 4 and shape[2] != shape[3]:  # a film is square, and so is its map
        raise InputError(
            f"{called} must give a map as (channels, side, side), got {shape[1:]}; set backbone.weights to another"
        )
    if special is None:
        said, way_out = "and it has none", "backbone.weights to another checkpoint"
        if wanted and pooled:
            said, way_out = "which it has", "backbone.pooling to null"
        raise InputError(
            f"{called}: which tokens of model_type {model.config.model_type} are patches is not known here, so "
            f"backbone.pooling can only be null, its own pooled output, {said}; set {way_out}"
        )
    return wanted or ("cls" if special else "mean")


def _pooled(out: Any, pooling: str, special: int) -> Any:
    if pooling == "pooler":
        return out.pooler_output.flatten(1)
    states = out.last_hidden_state
    if states.ndim == 4:
        return states.mean((2, 3))
    return states[:, 0] if pooling == "cls" else states[:, special:].mean(1)


def _special_tokens(model: Any, out: Any) -> int | None:
    """Tokens before the patches': class, distillation, registers; none in a map. None where that is not known."""
    if out.last_hidden_state.ndim == 4:
        return 0
    prefix = PREFIX.get(model.config.model_type)
    return prefix and prefix + int(getattr(model.config, "num_register_tokens", None) or 0)


def _short(error: Exception) -> str:
    said = str(error).strip().splitlines()
    return f"{type(error).__name__}: {said[0][:160]}" if said else type(error).__name__
