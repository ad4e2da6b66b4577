"""Several devices for one run: batches are cut over them film by film, all else is on each of them.

XLA adds the sums over films across devices (losses, gradients, BatchNorm's statistics), so a run on several devices is
the run on one, up to the rounding of those sums.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from qcxr.data.feed import place
from qcxr.errors import InputError


class Layout:
    """Where a run's arrays lie: `films` cuts the first axis over the devices, `whole` repeats an array on each.

    Both are None for one device, which needs no layout.
    """

    def __init__(self, devices: int = 1):
        """Raises InputError if there are fewer devices, or if several hosts bring more."""
        found = jax.devices()
        if devices > len(found):
            raise InputError(
                f"train.devices must be at most the {len(found)} devices of this job "
                f"({found[0].platform}), got {devices}; lower it, or give the job more cards"
            )
        if jax.process_count() > 1 and devices != len(found):
            raise InputError(
                f"train.devices must be {len(found)}, all devices of {jax.process_count()} hosts, got {devices}; set it"
            )
        self.films = self.whole = None
        if devices > 1:
            mesh = Mesh(np.array(found[:devices]), ("films",))
            self.films = NamedSharding(mesh, PartitionSpec("films"))
            self.whole = NamedSharding(mesh, PartitionSpec())

    @property
    def writes(self) -> bool:
        """Whether this process writes the run's files: the first of several hosts does, for all."""
        return jax.process_index() == 0

    def repeat(self, tree: Any) -> Any:
        """The arrays of `tree` on every device."""
        return jax.tree.map(jnp.asarray, tree) if self.whole is None else place(tree, self.whole)
