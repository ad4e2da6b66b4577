"""The backbone that the configuration names: its own section, and the normalisation of what it reads."""

from __future__ import annotations

from typing import Any

import jax

from qcxr.errors import InputError
from qcxr.models import backbones
from qcxr.models.features import Extractor
from qcxr.study.sections import Backbone, Image


def section(backbone: Backbone) -> dict[str, Any]:
    """The part of the `backbone:` section that says which network it is."""
    told = backbone.model_dump(include={"name", "weights", "config", "pooling"})
    return {key: value for key, value in told.items() if (key, value) != ("pooling", None)}


def normalisation(backbone: Backbone, image: Image) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, on [0, 1], of what the network reads: the configured, else its own.

    Raises InputError where those configured are of another number of channels.
    """
    own = backbones.describe(section(backbone))
    for key, given in (("mean", image.mean), ("std", image.std)):
        if given is not None and len(given) != len(own.mean):
            raise InputError(
                f"image.{key} must have a value for each of the backbone's {len(own.mean)} channels, got {given}; "
                f"set image.{key} in the config"
            )
    return list(image.mean or own.mean), list(image.std or own.std)


def check_size(backbone: Backbone, image: Image) -> None:
    """Raises InputError unless the backbone reads films of that size whole."""
    multiple = backbones.describe(section(backbone)).multiple
    if image.crop % multiple:
        raise InputError(
            f"image.crop must be a multiple of {multiple}, the side of the backbone's patches, got {image.crop}; "
            f"set image.crop to {max(1, round(image.crop / multiple)) * multiple}, say"
        )


def extractor(backbone: Backbone, precision: str) -> Extractor:
    """The frozen backbone by itself; one from scratch is that of a classifier with seed 0."""
    described = backbones.describe(section(backbone))
    key = jax.random.fold_in(jax.random.key(0), 0)
    network = backbones.create(section(backbone), key=key, batch_norm="running", precision=precision)
    return Extractor(network, described.section, precision)
