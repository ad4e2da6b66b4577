"""A function that JAX can differentiate as a step: jit, vmap over samples, reverse mode."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Peer, Results


def differentiated(z: Callable[[Any, Any], Any], case: Case, *, batched: bool = False) -> Peer:
    """Values of all samples, and the gradients of their sum with respect to weights and angles, in float32.

    z: from (weights, angles of one sample) to the read-outs, or, `batched`, from the angles of all.
    """
    import jax  # comes with the peer
    import jax.numpy as jnp

    every = z if batched else jax.vmap(z, (None, 0))

    def total(weights: Any, angles: Any) -> tuple[Any, Any]:
        values = every(weights, angles)
        return values.sum(), values

    step = jax.jit(jax.value_and_grad(total, (0, 1), has_aux=True))
    inputs = jnp.asarray(case.weights, jnp.float32), jnp.asarray(case.angles, jnp.float32)

    def results() -> Results:
        (_, values), (by_weight, by_angle) = step(*inputs)
        return {"values": np.asarray(values), "by weights": np.asarray(by_weight), "by angles": np.asarray(by_angle)}

    return Peer(lambda: jax.block_until_ready(step(*inputs)), results, jax.devices()[0].device_kind)


def valued(values: Callable[[], np.ndarray]) -> Peer:
    """A peer without gradients: its step is the values of all samples."""
    return Peer(values, lambda: {"values": values()})
