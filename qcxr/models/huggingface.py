"""Hugging Face ResNet checkpoints: `config.json` and `model.safetensors` -> our names, kernels transposed.

A checkpoint is a repository on the hub or a local folder. Pickles (`pytorch_model.bin`) execute code when read
and are refused.
"""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from qcxr.errors import InputError
from qcxr.models.arrays import read
from qcxr.models.resnet import ResNetConfig

log = logging.getLogger("qcxr.models")
CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"
IGNORED = ("classifier.", "num_batches_tracked")  # ImageNet's classifier, and torch's step counters
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PARTS = {
    "convolution.weight": "kernel",
    "normalization.weight": "norm.scale",
    "normalization.bias": "norm.bias",
    "normalization.running_mean": "norm.mean",
    "normalization.running_var": "norm.var",
}


def describe(source: str) -> tuple[ResNetConfig, tuple[float, ...], tuple[float, ...]]:
    """(config, mean, std) of a checkpoint; the normalisation is preprocessor_config.json's, else ImageNet's."""
    config = _json(locate(source, CONFIG))
    if config.get("model_type") != "resnet":
        raise InputError(
            f"{source}: model_type must be 'resnet', got {config.get('model_type')!r}; "
            "set backbone.weights to a ResNet checkpoint, or backbone.library to torch (frozen)"
        )
    try:
        path = locate(source, PREPROCESSOR)
    except InputError as error:  # not every checkpoint has one
        log.warning("%s; ImageNet's normalisation is used", str(error).partition(";")[0])
        return ResNetConfig.from_dict(config, strict=False), *IMAGENET
    given = {"image_mean": IMAGENET[0], "image_std": IMAGENET[1]} | _json(path)
    for key in ("image_mean", "image_std"):
        values = given[key]
        if not isinstance(values, list | tuple) or [type(v) for v in values if type(v) not in (int, float)]:
            raise InputError(f"{path}: {key} must be a list of numbers, got {values!r}; fetch the checkpoint again")
    return ResNetConfig.from_dict(config, strict=False), tuple(given["image_mean"]), tuple(given["image_std"])


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}); fetch the checkpoint again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a JSON object, got {type(content).__name__}; fetch the checkpoint again")
    return content


def load(source: str) -> dict[str, np.ndarray]:
    """All backbone arrays of a checkpoint, by our names, kernels as (rows, columns, channels_in, channels_out)."""
    path = locate(source, WEIGHTS)
    tensors, _ = read(path)
    values = {}
    for name, tensor in tensors.items():
        if name.startswith(IGNORED[0]) or name.endswith(IGNORED[1]):
            continue
        ours = rename(name)
        values[ours] = np.ascontiguousarray(tensor.transpose(2, 3, 1, 0)) if tensor.ndim == 4 else tensor
    return values


def rename(name: str) -> str:
    """Our name for a tensor of Hugging Face's ResNet; a name that fits no rule is returned as it is.

    `resnet.encoder.stages.0.layers.1.layer.2.convolution.weight` -> `stages.0.blocks.1.convs.2.kernel`
    """
    stem, _, rest = name.removeprefix("resnet.").partition("embedder.embedder.")
    if not stem and rest in PARTS:
        return f"stem.{PARTS[rest]}"
    words = name.removeprefix("resnet.").split(".")
    part = PARTS.get(".".join(words[-2:]))
    match words[:-2]:
        case ["encoder", "stages", stage, "layers", block, "layer", conv] if part:
            return f"stages.{stage}.blocks.{block}.convs.{conv}.{part}"
        case ["encoder", "stages", stage, "layers", block, "shortcut"] if part:
            return f"stages.{stage}.blocks.{block}.shortcut.{part}"
    return name


def locate(source: str, file: str) -> Path:
    """Path of one file of a checkpoint: in the local folder `source`, else from the hub (or its local cache)."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        if (folder / file).is_file():
            return folder / file
        if file == WEIGHTS and (folder / "pytorch_model.bin").is_file():
            raise InputError(
                f"{folder} must have {WEIGHTS}, got pytorch_model.bin only, a pickle, which executes code when read; "
                "convert it with transformers' save_pretrained"
            )
        raise InputError(
            f"{folder} must have {file}, got none; set backbone.weights to a folder that has config.json and {WEIGHTS}"
        )
    if folder.is_absolute() or source.startswith((".", "~")) or source.count("/") != 1:
        raise InputError(
            f"backbone.weights: no folder {source!r}; give a folder that exists or a name like microsoft/resnet-50"
        )
    return download(source, file)


def download(repository: str, file: str) -> Path:
    """Fetch one file from the hub, or take it from the hub's cache."""
    try:
        return Path(hf_hub_download(repository, file))
    except HFValidationError:
        raise InputError(
            f"backbone.weights: no folder {repository!r}, and no name on the hub either; give a folder that exists or "
            "a name like microsoft/resnet-50"
        ) from None
    except (OSError, HfHubHTTPError, EntryNotFoundError, LocalEntryNotFoundError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"backbone.weights {repository!r}: {file} could not be fetched ({reason}); without a network, set "
            f"backbone.weights to a local folder with config.json and {WEIGHTS}"
        ) from None
