"""Where an array of a torch network lies among ours: the names, without JAX, which a peer's process does not import."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

COUNTERS = "num_batches_tracked"  # of torch's BatchNorm: decides nothing where the momentum is a number
NORM = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}
LITE0 = (1, 2, 2, 3, 3, 4, 1)  # blocks of EfficientNet-Lite0's stages
FILTERS = {"_expand_conv": "expand", "_depthwise_conv": "filter", "_project_conv": "project"}
NORMS = {"_bn0": "expand.norm", "_bn1": "filter.norm", "_bn2": "project.norm"}
DENSE = {"norm1": "before.norm", "conv1": "reduce", "norm2": "reduce.norm", "conv2": ""}
HEAD = {
    "head.preprocess.weight": "head.preprocess.kernel",
    "head.postprocess.weight": "head.postprocess.kernel",
    "head.quantum.weights": "head.quantum",
}


class Place(NamedTuple):
    """An array of ours, or the `third` third of one: torch has queries, keys and values apart."""

    name: str
    third: int | None = None


def place(family: str, name: str) -> Place:
    """Where the array `name` of a torch classifier lies; family: the backbone's, `name` of its section.

    `backbone.encoder.stages.0.layers.1.layer.2.convolution.weight` -> `backbone.stages.0.blocks.1.convs.2.kernel`. A
    name that fits no rule is returned as it is.
    """
    part, _, rest = name.partition(".")
    if part != "backbone":
        return Place(HEAD.get(name, name))
    layer, _, leaf = rest.rpartition(".")
    for pattern, rename in RULES[family]:
        if found := re.fullmatch(pattern, layer):
            ours = rename(*(int(group) if group.isdecimal() else group for group in found.groups()))
            layers, third = ours if isinstance(ours, tuple) else (ours, None)
            norm = layers.rpartition(".")[2].startswith("norm")
            return Place(".".join(filter(None, ("backbone", layers, NORM[leaf] if norm else _leaf(leaf)))), third)
    return Place(f"backbone.{WHOLE.get(rest, rest)}")


def _leaf(leaf: str) -> str:
    return "kernel" if leaf == "weight" else leaf


def _block(index: int) -> str:
    """The index-th block of the whole EfficientNet."""
    stage = 0
    while index >= LITE0[stage]:
        index -= LITE0[stage]
        stage += 1
    return f"stages.{stage}.blocks.{index}"


WHOLE = {"embeddings.cls_token": "cls", "embeddings.position_embeddings": "positions"}
NORMED = {"convolution": "", "normalization": ".norm"}
Rules = list[tuple[str, Callable[..., Any]]]
RULES: dict[str, Rules] = {
    "resnet": [
        (r"embedder\.embedder\.(\w+)", lambda sub: f"stem{NORMED[sub]}"),
        (
            r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.(\w+)",
            lambda s, b, c, sub: f"stages.{s}.blocks.{b}.convs.{c}{NORMED[sub]}",
        ),
        (
            r"encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.(\w+)",
            lambda s, b, sub: f"stages.{s}.blocks.{b}.shortcut{NORMED[sub]}",
        ),
    ],
    "densenet": [
        (r"features\.(conv|norm)0", lambda sub: "stem" if sub == "conv" else "stem.norm"),
        (
            r"features\.denseblock(\d+)\.denselayer(\d+)\.(\w+)",
            lambda s, i, sub: f"stages.{s - 1}.layers.{i - 1}.{DENSE[sub]}".rstrip("."),
        ),
        (
            r"features\.transition(\d+)\.(conv|norm)",
            lambda s, sub: f"stages.{s}.transition{'' if sub == 'conv' else '.before.norm'}",
        ),
        (r"features\.norm(\d+)", lambda s: f"stages.{s - 2}.after.norm"),  # norm5 of four blocks
    ],
    "efficientnet-lite0": [
        (r"_conv_(stem|head)", lambda sub: "stem" if sub == "stem" else "top"),
        (r"_bn([01])", lambda k: f"{('stem', 'top')[k]}.norm"),
        (r"_blocks\.(\d+)\.(\w+)", lambda i, sub: f"{_block(i)}.{(FILTERS | NORMS)[sub]}"),
    ],
    "vit": [
        (r"embeddings\.patch_embeddings\.projection", lambda: "patches"),
        (r"layernorm", lambda: "norm"),
        (
            r"layers\.(\d+)\.attention\.([qkv])_proj",
            lambda b, sub: (f"blocks.{b}.attention.qkv", "qkv".index(sub)),
        ),
        (r"layers\.(\d+)\.attention\.o_proj", lambda b: f"blocks.{b}.attention.out"),
        (
            r"layers\.(\d+)\.layernorm_(before|after)",
            lambda b, sub: f"blocks.{b}.norm{1 if sub == 'before' else 2}",
        ),
        (r"layers\.(\d+)\.mlp\.fc([12])", lambda b, k: f"blocks.{b}.mlp.{('inner', 'outer')[k - 1]}"),
    ],
}


def to_torch(value: np.ndarray, place: Place, shape: tuple[int, ...]) -> np.ndarray:
    """Our array, or its third, in torch's order of axes and shape."""
    if place.third is not None:
        value = np.split(value, 3, axis=-1)[place.third]
    if place.name.endswith(".kernel"):
        value = value.transpose((3, 2, 0, 1) if value.ndim == 4 else (1, 0))
    return np.ascontiguousarray(value).reshape(shape)  # a class token's and embeddings' axes of length 1


def from_torch(value: np.ndarray, name: str) -> np.ndarray:
    """A torch array in our order of axes; `name`: ours."""
    if name.endswith(".kernel"):
        value = value.transpose((2, 3, 1, 0) if value.ndim == 4 else (1, 0))
    elif name == "backbone.cls":
        value = value.reshape(-1)
    elif name == "backbone.positions":
        value = value[0]
    return np.ascontiguousarray(value)
