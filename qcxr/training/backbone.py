"""The backbone that the configuration names: its own section, and the normalisation of what it reads."""

from __future__ import annotations

from typing import Any

import jax

from qcxr.models import backbones
from qcxr.models.features import Extractor
from qcxr.study.sections import Backbone, Image


def section(backbone: Backbone) -> dict[str, Any]:
    """The part of the `backbone:` section that says which network it is."""
    return backbone.model_dump(include={"name", "weights", "config"})


def normalisation(backbone: Backbone, image: Image) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, on [0, 1], of what the network reads: the configured, else its own."""
    own = backbones.describe(section(backbone))
    return list(image.mean or own.mean), list(image.std or own.std)


def extractor(backbone: Backbone, precision: str) -> Extractor:
    """The frozen backbone by itself; one from scratch is that of a classifier with seed 0."""
    described = backbones.describe(section(backbone))
    key = jax.random.fold_in(jax.random.key(0), 0)
    network = backbones.create(section(backbone), key=key, batch_norm="running", precision=precision)
    return Extractor(network, described.section, precision)
