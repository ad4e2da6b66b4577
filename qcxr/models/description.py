"""What a backbone must offer, and what is known of one before anything is built."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Array, Bool, Float

from qcxr.errors import InputError

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@runtime_checkable
class Backbone(Protocol):
    """What a backbone must offer: a network (a `flax.nnx` module) from images to pooled features."""

    n_features: int

    def __call__(
        self,
        images: Float[Array, "batch height width channels"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        """Features in float32 of normalised images; in training, rows with mask False count in no statistics."""
        ...

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """Where the stages that `trainable: last:N` counts lie in the network, first to last."""
        ...


@dataclass(frozen=True)
class Description:
    """What a backbone is, known before anything is built.

    `section` builds the same network without its weights' source; `mean` and `std`, one value a channel, are its own
    input normalisation; images' sides must be multiples of `multiple` pixels, and at least `smallest`.
    `network(numerics=..., rng=...)` makes it, `load()` reads its weights from `source` (None: from scratch).
    """

    section: dict[str, Any]
    n_features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    network: Callable[..., Backbone]
    load: Callable[[], dict[str, np.ndarray]] | None = None
    source: str = ""
    multiple: int = 1
    smallest: int = 1

    @property
    def pretrained(self) -> bool:
        """Whether it starts from a checkpoint."""
        return self.load is not None


def normalisation(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """ImageNet's mean and standard deviation, of one channel those of its three on the average.

    Raises InputError for other numbers of channels: a film's gray is one, or repeated to three.
    """
    if channels not in (1, 3):
        raise InputError(
            f"num_channels of a backbone must be 1 or 3 (a film's gray once, or repeated), got {channels}; "
            "set it in backbone.config, or choose another checkpoint"
        )
    mean, std = IMAGENET
    return (mean, std) if channels == 3 else ((sum(mean) / 3,), (sum(std) / 3,))
