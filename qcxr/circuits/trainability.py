"""Gradient variance over random circuits, at any width: the sign of a barren plateau (arXiv 1803.11173)."""

import jax
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from qcxr.circuits.engine import Engine
from qcxr.errors import InputError


def gradient_variance(
    engine: Engine, key: PRNGKeyArray, *, observed: int, samples: int = 256
) -> Float[np.ndarray, "layers qubits"]:
    """Variance over random circuits of d<Z_observed>/dw.

    Weights are uniform on [0, 2 pi), as the paper initialises them, angles on [-pi/2, pi/2]. samples: circuits.
    Raises InputError for fewer than two samples or a qubit that is not there.
    """
    ansatz = engine.ansatz
    if samples < 2:
        raise InputError(f"samples must be >= 2 for a variance, got {samples}; set samples to some hundred")
    if not 0 <= observed < ansatz.n_qubits:
        raise InputError(f"observed must be a qubit in 0 .. {ansatz.n_qubits - 1}, got {observed}; name one of them")

    def slope(key: PRNGKeyArray) -> Float[Array, "layers qubits"]:
        one, two = jax.random.split(key)
        weights = jax.random.uniform(one, (ansatz.n_layers, ansatz.n_qubits), maxval=2 * np.pi)
        angles = jax.random.uniform(two, (ansatz.n_qubits,), minval=-np.pi / 2, maxval=np.pi / 2)
        return jax.grad(lambda w: engine(w, angles)[observed])(weights)

    slopes = jax.jit(lambda keys: jax.lax.map(slope, keys))(jax.random.split(key, samples))
    return np.asarray(slopes, np.float64).var(0, ddof=1)
