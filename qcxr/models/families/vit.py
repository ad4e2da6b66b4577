"""Vision Transformers: shapes of one's own, and Hugging Face's checkpoints of ViT and DINOv2 (RAD-DINO is one)."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from qcxr.errors import InputError
from qcxr.models import huggingface
from qcxr.models.arrays import channels_last
from qcxr.models.description import Description, normalisation
from qcxr.models.vit import ViT, ViTConfig

NAMES = ("vit",)
POOLING = ("cls", "mean")
IGNORED = ("classifier.", "pooler.", "embeddings.mask_token")  # ImageNet's classifier, and what pretraining had
LAYERS = {
    "attention.output.dense": "attention.out",
    **{"intermediate.dense": "mlp.inner", "output.dense": "mlp.outer"},  # ViT's names
    **{"layernorm_before": "norm1", "layernorm_after": "norm2"},
    **{"mlp.fc1": "mlp.inner", "mlp.fc2": "mlp.outer", "norm1": "norm1", "norm2": "norm2"},  # DINOv2's
    **{"mlp.weights_in": "mlp.inner", "mlp.weights_out": "mlp.outer"},
}
PROJECTIONS = ("query", "key", "value")


def describe(section: Mapping[str, Any]) -> Description:
    """What a section with the name vit, or with a checkpoint of model_type vit or dinov2, means."""
    weights, config, pooling = (section.get(key) for key in ("weights", "config", "pooling"))
    if weights is None:
        return _from_scratch(ViTConfig.from_dict(config or {}), pooling)
    shape = read(huggingface.config(weights, ("vit", "dinov2")), weights)
    mean, std = huggingface.normalisation(weights, shape.num_channels)
    return replace(_from_scratch(shape, pooling), mean=mean, std=std, load=partial(load, weights), source=weights)


def _from_scratch(config: ViTConfig, pooling: str | None) -> Description:
    mean, std = normalisation(config.num_channels)
    return Description(
        section={"name": "vit", "config": config.to_dict(), "pooling": pooling or POOLING[0]},
        n_features=config.hidden_size,
        mean=mean,
        std=std,
        network=partial(ViT, config, pooling or POOLING[0]),
        multiple=config.patch_size,
    )


def read(told: Mapping[str, Any], source: str) -> ViTConfig:
    """The shape that a checkpoint's config.json says; a key that it lacks has its library's default."""
    dino = told["model_type"] == "dinov2"
    defaults = {"patch_size": 14, "layer_norm_eps": 1e-6} if dino else {}
    own = {key: told[key] for key in ViTConfig.__dataclass_fields__ if key in told}
    given: dict[str, Any] = {**defaults, **own}
    for key in ("image_size", "patch_size"):
        sides = given.get(key)
        if isinstance(sides, list):
            if len(set(map(repr, sides))) != 1:
                raise InputError(f"{source}: {key} must be of a square, got {sides}; use another checkpoint")
            given[key] = sides[0]
    if dino:
        width, ratio = given.get("hidden_size", 768), told.get("mlp_ratio", 4)
        if type(width) is not int or type(ratio) not in (int, float):
            raise InputError(
                f"{source}: hidden_size and mlp_ratio must be numbers, got {width!r} and {ratio!r}; "
                "fetch the checkpoint again"
            )
        inner = int(width * ratio)
        given["intermediate_size"] = -(-int(inner * 2 / 3) // 8) * 8 if given.get("use_swiglu_ffn") else inner
        given.setdefault("layerscale_value", 1.0)
    else:
        given |= {"layerscale_value": None, "use_swiglu_ffn": False}
    try:
        return ViTConfig(**given)
    except InputError as error:  # of a shape of one's own the config is set; this one is the checkpoint's
        said = str(error).partition(";")[0]
        raise InputError(
            f"{source}: {said}, for the network in JAX; set backbone.library to torch and name to null"
        ) from None


def load(source: str) -> dict[str, np.ndarray]:
    """All backbone arrays of a checkpoint, by our names; queries, keys and values are one array."""
    values: dict[str, np.ndarray] = {}
    for name, tensor in huggingface.tensors(source).items():
        name = name.removeprefix("vit.").removeprefix("dinov2.")
        if not name.startswith(IGNORED):
            values[rename(name)] = _ordered(rename(name), tensor)
    for name in [name for name in values if ".attention.query." in name]:
        parts = [name.replace("query", projection) for projection in PROJECTIONS]
        if all(part in values for part in parts):
            values[name.replace("query", "qkv")] = np.concatenate([values.pop(part) for part in parts], axis=-1)
    return values


def _ordered(name: str, tensor: np.ndarray) -> np.ndarray:
    """A tensor by our name in our order: matrices transposed, embeddings without axes of length 1."""
    if name == "cls":
        return tensor.reshape(-1)
    if name == "positions" and tensor.ndim == 3:
        return tensor[0]
    if name.endswith(".kernel") and tensor.ndim == 2:
        return np.ascontiguousarray(tensor.T)
    return channels_last(tensor)


def rename(name: str) -> str:
    """Our name for a tensor of Hugging Face's ViT or DINOv2; a name that fits no rule is returned as it is.

    `encoder.layer.3.output.dense.weight` -> `blocks.3.mlp.outer.kernel`; a query's, key's or value's is
    `blocks.3.attention.query.kernel`, of which `load` makes one.
    """
    match name.split("."):
        case ["embeddings", "cls_token"]:
            return "cls"
        case ["embeddings", "position_embeddings"]:
            return "positions"
        case ["embeddings", "patch_embeddings", "projection", part]:
            return f"patches.{'kernel' if part == 'weight' else part}"
        case ["layernorm", part]:
            return f"norm.{'scale' if part == 'weight' else part}"
        case ["encoder", "layer", block, "attention", "attention", projection, part] if projection in PROJECTIONS:
            return f"blocks.{block}.attention.{projection}.{'kernel' if part == 'weight' else part}"
        case ["encoder", "layer", block, "layer_scale1" | "layer_scale2" as scale, "lambda1"]:
            return f"blocks.{block}.{scale.removeprefix('layer_')}"
        case ["encoder", "layer", block, *layer, part] if ".".join(layer) in LAYERS:
            ours = LAYERS[".".join(layer)]
            weight = "scale" if ours.startswith("norm") else "kernel"
            return f"blocks.{block}.{ours}.{weight if part == 'weight' else part}"
    return name
