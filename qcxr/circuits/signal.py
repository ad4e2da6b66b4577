"""What is left to read and to learn from: the spread of <Z_k> over films, and the variance of its gradient.

Both vanish exponentially with the width where an ansatz is a barren plateau (McClean et al. 2018, arXiv 1803.11173).
At initialisation they are taken over random weights, along a run over its checkpoints' weights.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from qcxr.circuits.engine import Engine
from qcxr.errors import InputError


def signal(
    engine: Engine,
    weights: Float[Array | np.ndarray, "*circuits layers qubits"],
    angles: Float[Array | np.ndarray, "films qubits"],
) -> Float[np.ndarray, "*circuits qubits"]:
    """Standard deviation over films of <Z_k>, of every set of weights: what the layer after the circuit can read.

    weights, angles: radians; weights of several circuits are random ones, or a run's checkpoints.
    Raises InputError for fewer than two films.
    """
    _several(angles, "films")
    spread = _each(lambda w: engine(w, jnp.asarray(angles)).std(0), weights, engine)
    return np.asarray(spread, np.float64)


def gradient_variance_over_films(
    engine: Engine,
    weights: Float[Array | np.ndarray, "*circuits layers qubits"],
    angles: Float[Array | np.ndarray, "films qubits"],
    *,
    observed: int,
) -> Float[np.ndarray, "*circuits layers qubits"]:
    """Variance over films of d<Z_observed>/dw of every layer and qubit, of every set of weights (see `signal`).

    Raises InputError for fewer than two films or a qubit that is not there.
    """
    _several(angles, "films")
    _there(engine, observed)
    films = jnp.asarray(angles)

    def spread(w: Float[Array, "layers qubits"]) -> Float[Array, "layers qubits"]:
        return jax.vmap(lambda x: jax.grad(lambda w: engine(w, x[None])[0, observed])(w))(films).var(0, ddof=1)

    return np.asarray(_each(spread, weights, engine), np.float64)


def gradient_variance(
    engine: Engine,
    key: PRNGKeyArray,
    *,
    observed: int,
    samples: int = 256,
    draw: Callable[[PRNGKeyArray, tuple[int, int]], Array] | None = None,
) -> Float[np.ndarray, "layers qubits"]:
    """Variance over random circuits of d<Z_observed>/dw of every layer and qubit, at initialisation.

    draw: weights from a key and their shape; by default uniform on [0, 2 pi), as the paper initialises them. Angles
    are uniform on [-pi/2, pi/2]. samples: circuits.
    Raises InputError for fewer than two samples or a qubit that is not there.
    """
    ansatz = engine.ansatz
    if samples < 2:
        raise InputError(f"samples must be >= 2 for a variance, got {samples}; set samples to some hundred")
    _there(engine, observed)
    draw = draw or (lambda key, shape: jax.random.uniform(key, shape, maxval=2 * np.pi))

    def slope(key: PRNGKeyArray) -> Float[Array, "layers qubits"]:
        one, two = jax.random.split(key)
        weights = draw(one, (ansatz.n_layers, ansatz.n_qubits))
        angles = jax.random.uniform(two, (ansatz.n_qubits,), minval=-np.pi / 2, maxval=np.pi / 2)
        return jax.grad(lambda w: engine(w, angles)[observed])(weights)

    slopes = jax.jit(lambda keys: jax.lax.map(slope, keys))(jax.random.split(key, samples))
    return np.asarray(slopes, np.float64).var(0, ddof=1)


def film_angles(key: PRNGKeyArray, films: int, n_qubits: int) -> Float[Array, "films qubits"]:
    """Angles as a head gives them before training: pi/2 tanh of standard normal values, in radians."""
    return jnp.pi / 2 * jnp.tanh(jax.random.normal(key, (films, n_qubits)))


def _each(
    f: Callable[[Array], Array], weights: Float[Array | np.ndarray, "*circuits layers qubits"], engine: Engine
) -> Float[Array, "..."]:
    """f of every set of weights, one after another."""
    weights = jnp.asarray(weights)
    shape = engine.ansatz.n_layers, engine.ansatz.n_qubits
    if weights.shape[-2:] != shape:
        raise InputError(
            f"weights must have shape (..., {shape[0]}, {shape[1]}), got {weights.shape}; "
            "make the engine with the shape of your weights"
        )
    values = jax.jit(lambda all_weights: jax.lax.map(f, all_weights))(weights.reshape(-1, *shape))
    return values.reshape(*weights.shape[:-2], *values.shape[1:])


def _several(angles: Float[Array | np.ndarray, "films qubits"], name: str) -> None:
    if len(angles) < 2:
        raise InputError(f"{name} must be >= 2 for a spread, got {len(angles)}; give angles of some hundred films")


def _there(engine: Engine, observed: int) -> None:
    if not 0 <= observed < engine.ansatz.n_qubits:
        raise InputError(
            f"observed must be a qubit in 0 .. {engine.ansatz.n_qubits - 1}, got {observed}; name one of them"
        )
