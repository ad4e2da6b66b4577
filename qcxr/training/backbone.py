"""The backbone that the configuration names: its own section, and the normalisation of what it reads."""

from __future__ import annotations

from typing import Any

import jax

from qcxr.errors import InputError
from qcxr.models import backbones
from qcxr.models.features import Extractor
from qcxr.models.hub import Outside
from qcxr.study import processor
from qcxr.study.sections import Backbone, Image


def section(backbone: Backbone) -> dict[str, Any]:
    """The part of the `backbone:` section that says which network it is."""
    told = backbone.decides()
    keys = ("library", "weights", "pooling") if backbone.on_torch else ("name", "weights", "config")
    return {key: told[key] for key in keys if key in told}


def normalisation(backbone: Backbone, image: Image) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, on [0, 1], of what the network reads: the configured, else its own."""
    if image.mean is not None and image.std is not None:
        return list(image.mean), list(image.std)
    if backbone.on_torch:
        try:
            said = processor.read(str(backbone.weights))
        except ValueError as error:
            raise InputError(str(error)) from None
        return list(image.mean or said.mean), list(image.std or said.std)
    own = backbones.describe(section(backbone))
    return list(image.mean or own.mean), list(image.std or own.std)


def extractor(backbone: Backbone, precision: str, *, threads: int | None = None) -> Extractor:
    """The frozen backbone by itself; one from scratch is that of a classifier with seed 0. threads: torch's."""
    described = backbones.describe(section(backbone))
    if backbone.on_torch:
        return Extractor(Outside(described.section, precision, threads), described.section, precision)
    key = jax.random.fold_in(jax.random.key(0), 0)
    network = backbones.create(section(backbone), key=key, batch_norm="running", precision=precision)
    return Extractor(network, described.section, precision)
