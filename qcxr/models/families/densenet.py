"""DenseNets from scratch: the known shape and shapes of one's own; torchvision's names of their arrays."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from qcxr.errors import InputError
from qcxr.models.densenet import DenseNet, DenseNetConfig
from qcxr.models.description import Description, normalisation

NAMES = ("densenet", "densenet121")
NORM = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}
LAYERS = {"norm1": "before.norm", "conv1": "reduce", "norm2": "reduce.norm", "conv2": ""}


def describe(section: Mapping[str, Any]) -> Description:
    """What a section with one of these names means."""
    if section.get("weights") is not None:
        raise InputError(
            f"backbone.weights of {section.get('name')} must be null, got {section['weights']!r}; set it to null, or "
            "backbone.name to xrv-densenet121 for a torchxrayvision file"
        )
    return from_scratch(DenseNetConfig.from_dict(section.get("config") or {}))


def from_scratch(config: DenseNetConfig) -> Description:
    """A DenseNet of that shape with random arrays, normalised as ImageNet's are."""
    mean, std = normalisation(config.num_channels)
    return Description(
        section={"name": "densenet", "config": config.to_dict()},
        n_features=width(config),
        mean=mean,
        std=std,
        network=partial(DenseNet, config),
        smallest=4 * (2 ** (len(config.block_config) - 1) - 1) + 1,  # a quarter, rounded up, then halves, rounded down
    )


def width(config: DenseNetConfig) -> int:
    """Channels of the last dense block's output."""
    channels = config.num_init_features
    for index, depth in enumerate(config.block_config):
        channels = (channels // 2 if index else channels) + depth * config.growth_rate
    return channels


def rename(name: str) -> str | None:
    """Our name for a tensor of torchvision's DenseNet; None for what is not of the backbone.

    `features.denseblock2.denselayer5.norm2.running_mean` -> `stages.1.layers.4.reduce.norm.mean`. A name that fits no
    rule is returned as it is.
    """
    *place, part = name.split(".")
    if part == "num_batches_tracked" or not place or place[0] == "classifier":
        return None
    match place[1:]:
        case [("conv0" | "norm0") as layer]:
            return f"stem.{_leaf('' if layer == 'conv0' else 'norm', part)}"
        case [block, layer, sub] if sub in LAYERS:
            stage, index = number(block, "denseblock"), number(layer, "denselayer")
            if stage is not None and index is not None:
                return f"stages.{stage - 1}.layers.{index - 1}.{_leaf(LAYERS[sub], part)}"
        case [transition, ("norm" | "conv") as sub] if (stage := number(transition, "transition")) is not None:
            return f"stages.{stage}.transition.{_leaf('before.norm' if sub == 'norm' else '', part)}"
        case [norm] if (stage := number(norm, "norm")) is not None:  # norm5 of four blocks: one more than theirs
            return f"stages.{stage - 2}.after.{_leaf('norm', part)}"
    return name


def number(word: str, stem: str) -> int | None:
    """The number behind a word's stem; None of another word."""
    digits = word.removeprefix(stem)
    return int(digits) if word.startswith(stem) and digits.isdecimal() else None


def _leaf(layer: str, part: str) -> str:
    """A layer's array: a convolution has its kernel, a normalisation four vectors."""
    leaf = NORM.get(part, part) if layer.endswith("norm") else "kernel" if part == "weight" else part
    return f"{layer}.{leaf}" if layer else leaf
