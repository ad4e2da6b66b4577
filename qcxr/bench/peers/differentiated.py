"""A function that JAX can differentiate as a step: jit, vmap over samples, reverse mode."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Step


def differentiated(z: Callable[[Any, Any], Any], case: Case, *, batched: bool = False) -> Step:
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
    weights, angles = jnp.asarray(case.weights, jnp.float32), jnp.asarray(case.angles, jnp.float32)

    def run() -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        (_, values), (by_weight, by_angle) = jax.block_until_ready(step(weights, angles))
        return np.asarray(values), (np.asarray(by_weight), np.asarray(by_angle))

    return run
