"""The backbone that the configuration names: its own section, and the normalisation of what it reads."""

from __future__ import annotations

from typing import Any

import jax

from qcxr.errors import InputError
from qcxr.models import backbones
from qcxr.models.features import Extractor
from qcxr.study import processor
from qcxr.study.sections import Backbone, Image


def section(backbone: Backbone) -> dict[str, Any]:
    """The part of the `backbone:` section that says which network it is."""
    told = backbone.decides()
    keys = ("library", "weights", "pooling") if backbone.on_torch else ("name", "weights", "config", "pooling")
    return {key: told[key] for key in keys if key in told}


def normalisation(backbone: Backbone, image: Image) -> tuple[list[float], list[float]]:
    """Mean and standard deviation per channel, on [0, 1], of what the network reads: the configured, else its own.

    Raises InputError where those configured are of another number of channels.
    """
    if backbone.on_torch:
        return _of_processor(str(backbone.weights), image)
    own = backbones.describe(section(backbone))
    for key, given in (("mean", image.mean), ("std", image.std)):
        if given is not None and len(given) != len(own.mean):
            raise InputError(
                f"image.{key} must have a value for each of the backbone's {len(own.mean)} channels, got {given}; "
                f"set image.{key} in the config"
            )
    return list(image.mean or own.mean), list(image.std or own.std)


def _of_processor(weights: str, image: Image) -> tuple[list[float], list[float]]:
    """For a model that torch computes: three values each, of which one of a single channel reads the first."""
    mean, std = image.mean, image.std
    if mean is None or std is None:
        try:
            said = processor.read(weights)
        except ValueError as error:
            raise InputError(str(error)) from None
        mean, std = mean or said.mean, std or said.std
    return mean * (3 // len(mean)), std * (3 // len(std))


def check_size(backbone: Backbone, image: Image) -> None:
    """Raises InputError unless the backbone reads films of that size whole."""
    side = image.crop or 0  # a recipe's is a number
    if backbone.on_torch:
        from qcxr.models import hub  # here: its code counts for what torch computes only (slices.backbone_code)

        hub.check_side(section(backbone), side)
        return
    described = backbones.describe(section(backbone))
    multiple, smallest = described.multiple, described.smallest
    if side < smallest:
        raise InputError(
            f"image.crop must be at least {smallest}, below which nothing is left of the backbone's map, got {side}; "
            f"set image.crop to {smallest} or more"
        )
    if side % multiple:
        raise InputError(
            f"image.crop must be a multiple of {multiple}, the side of the backbone's patches, got {side}; "
            f"set image.crop to {max(1, round(side / multiple)) * multiple}, say"
        )


def extractor(backbone: Backbone, precision: str, *, threads: int | None = None) -> Extractor:
    """The frozen backbone by itself; one from scratch is that of a classifier with seed 0. threads: torch's."""
    described = backbones.describe(section(backbone))
    if backbone.on_torch:
        from qcxr.models import hub  # here: see `check_size`

        return Extractor(hub.Outside(described.section, precision, threads), described.section, precision)
    key = jax.random.fold_in(jax.random.key(0), 0)
    network = backbones.create(section(backbone), key=key, batch_norm="running", precision=precision)
    return Extractor(network, described.section, precision)
