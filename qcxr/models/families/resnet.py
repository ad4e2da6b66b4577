"""ResNets: known shapes, shapes of one's own, and Hugging Face's checkpoints of them."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from qcxr.errors import InputError
from qcxr.models import huggingface
from qcxr.models.arrays import channels_last
from qcxr.models.description import Description, normalisation
from qcxr.models.resnet import CONFIGS, ResNet, ResNetConfig

NAMES = ("resnet", *CONFIGS)
IGNORED = ("classifier.", "num_batches_tracked")  # ImageNet's classifier, and torch's step counters
PARTS = {
    "convolution.weight": "kernel",
    "normalization.weight": "norm.scale",
    "normalization.bias": "norm.bias",
    "normalization.running_mean": "norm.mean",
    "normalization.running_var": "norm.var",
}


def describe(section: Mapping[str, Any]) -> Description:
    """What a section with a name of ours, or with a checkpoint of model_type resnet, means."""
    name, weights, config = (section.get(key) for key in ("name", "weights", "config"))
    if weights is not None:
        return _checkpoint(name, weights)
    return from_scratch(ResNetConfig.from_dict(config) if config is not None else CONFIGS[str(name)])


def from_scratch(config: ResNetConfig) -> Description:
    """A ResNet of that shape with random arrays, normalised as ImageNet's are."""
    mean, std = normalisation(config.num_channels)
    return Description(
        section={"name": "resnet", "config": config.to_dict()},
        n_features=config.hidden_sizes[-1],
        mean=mean,
        std=std,
        network=partial(ResNet, config),
    )


def _checkpoint(name: str | None, weights: str) -> Description:
    told = huggingface.config(weights, ("resnet",))
    try:
        config = ResNetConfig.from_dict(told, strict=False)
    except InputError as error:  # of a shape of one's own the config is set; this one is the checkpoint's
        said = str(error).partition(";")[0]
        way_out = "set backbone.library to torch and name to null"
        raise InputError(f"{weights}: {said}, for the network in JAX; {way_out}") from None
    if name in CONFIGS and CONFIGS[name] != config:
        raise InputError(
            f"backbone.weights {weights!r} is not a {name}: config.json says {config.to_dict()}; "
            "correct or delete backbone.name"
        )
    mean, std = huggingface.normalisation(weights, config.num_channels)
    return replace(from_scratch(config), mean=mean, std=std, load=partial(load, weights), source=weights)


def load(source: str) -> dict[str, np.ndarray]:
    """All backbone arrays of a checkpoint, by our names, kernels as (rows, columns, channels_in, channels_out)."""
    values = {}
    for name, tensor in huggingface.tensors(source).items():
        if name.startswith(IGNORED[0]) or name.endswith(IGNORED[1]):
            continue
        values[rename(name)] = channels_last(tensor)
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
