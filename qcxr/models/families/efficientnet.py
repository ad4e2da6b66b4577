"""EfficientNet-Lite0, from scratch or with ImageNet's weights from the package registry."""

from collections.abc import Mapping
from typing import Any

from qcxr.errors import InputError
from qcxr.models import efficientnet, imagenet
from qcxr.models.description import Description

NAMES = (efficientnet.NAME,)


def describe(section: Mapping[str, Any]) -> Description:
    """What a section with that name means."""
    weights = section.get("weights")
    if weights not in (None, "imagenet"):
        raise InputError(
            f"backbone.weights of {efficientnet.NAME} must be imagenet or null, got {weights!r}; set backbone.weights"
        )
    return Description(
        section={"name": efficientnet.NAME},
        n_features=efficientnet.N_FEATURES,
        mean=efficientnet.MEAN,
        std=efficientnet.STD,
        network=efficientnet.EfficientNetLite0,
        load=imagenet.load if weights else None,
        source=imagenet.FILE,
    )
