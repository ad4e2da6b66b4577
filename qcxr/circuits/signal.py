"""What is left to read and to learn from: the spread of <Z_k> over films, and the variance of its gradient.

Both vanish exponentially with the width where an ansatz is a barren plateau (McClean et al. 2018, arXiv 1803.11173).
At initialisation they are taken over random weights, along a run over its checkpoints' weights.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PRNGKeyArray

from qcxr.circuits.engine import Engine
from qcxr.errors import InputError

Circuit = Callable[[Array, Array], Array]  # (weights, angles of several films) -> a row of expectation values per film


class Shapes(NamedTuple):
    """What a circuit takes, where it is no engine of ours: the shape of its weights, and the number of its angles.

    Of a tape: `Shapes(tape.weights, tape.n_angles)`, and the circuit is `partial(expectations, tape)`.
    """

    weights: tuple[int, ...]
    angles: int


def signal(
    circuit: Engine | Circuit,
    weights: Float[Array | np.ndarray, "..."],
    angles: Float[Array | np.ndarray, "films angles"],
    *,
    shapes: Shapes | None = None,
) -> Float[np.ndarray, "..."]:
    """Standard deviation over films of every expectation value: what the layer after the circuit can read.

    weights: one set, or many behind leading axes (random ones, a run's checkpoints), which the result has too; angles:
    of films; both in radians. shapes: needed for what is no engine.
    Raises InputError for fewer than two films.
    """
    _several(angles, "films")
    spread = _each(lambda w: circuit(w, jnp.asarray(angles)).std(0), weights, _shapes(circuit, shapes))
    return np.asarray(spread, np.float64)


def gradient_variance_over_films(
    circuit: Engine | Circuit,
    weights: Float[Array | np.ndarray, "..."],
    angles: Float[Array | np.ndarray, "films angles"],
    *,
    observed: int | None = None,
    shapes: Shapes | None = None,
) -> Float[np.ndarray, "..."]:
    """Variance over films of d<Z_observed>/dw of every weight, of every set of weights (see `signal`).

    observed: the expectation value, by number; None: the mean of the variances of all.
    Raises InputError for fewer than two films or a value that is not there.
    """
    _several(angles, "films")
    sizes, films = _shapes(circuit, shapes), jnp.asarray(angles)
    _there(circuit, sizes, observed)

    def variance(w: Array, k: Array) -> Array:
        return jax.vmap(lambda x: jax.grad(lambda w: circuit(w, x[None])[0, k])(w))(films).var(0, ddof=1)

    def spread(w: Array) -> Array:
        if observed is not None:
            return variance(w, jnp.int32(observed))
        return jax.lax.map(lambda k: variance(w, k), jnp.arange(_values(circuit, sizes))).mean(0)

    return np.asarray(_each(spread, weights, sizes), np.float64)


def gradient_variance(
    circuit: Engine | Circuit,
    key: PRNGKeyArray,
    *,
    observed: int,
    samples: int = 256,
    draw: Callable[[PRNGKeyArray, tuple[int, ...]], Array] | None = None,
    shapes: Shapes | None = None,
) -> Float[np.ndarray, "..."]:
    """Variance over random circuits of d<Z_observed>/dw of every weight, at initialisation.

    draw: weights from a key and their shape; by default uniform on [0, 2 pi), as the paper initialises them. Angles
    are uniform on [-pi/2, pi/2]. samples: circuits. shapes: needed for what is no engine.
    Raises InputError for fewer than two samples or a value that is not there.
    """
    sizes = _shapes(circuit, shapes)
    if samples < 2:
        raise InputError(f"samples must be >= 2 for a variance, got {samples}; set samples to some hundred")
    _there(circuit, sizes, observed)
    draw = draw or (lambda key, shape: jax.random.uniform(key, shape, maxval=2 * np.pi))

    def slope(key: PRNGKeyArray) -> Array:
        one, two = jax.random.split(key)
        angles = jax.random.uniform(two, (1, sizes.angles), minval=-np.pi / 2, maxval=np.pi / 2)
        return jax.grad(lambda w: circuit(w, angles)[0, observed])(draw(one, sizes.weights))

    slopes = jax.jit(lambda keys: jax.lax.map(slope, keys))(jax.random.split(key, samples))
    return np.asarray(slopes, np.float64).var(0, ddof=1)


def film_angles(key: PRNGKeyArray, films: int, n_qubits: int) -> Float[Array, "films qubits"]:
    """Angles as a head gives them before training: pi/2 tanh of standard normal values, in radians."""
    return jnp.pi / 2 * jnp.tanh(jax.random.normal(key, (films, n_qubits)))


def _shapes(circuit: Engine | Circuit, shapes: Shapes | None) -> Shapes:
    if shapes is not None:
        return shapes
    if not isinstance(circuit, Engine):
        raise InputError("shapes must be given for a circuit that is no engine, got None; give its Shapes")
    return Shapes((circuit.ansatz.n_layers, circuit.ansatz.n_qubits), circuit.ansatz.n_qubits)


def _values(circuit: Engine | Circuit, shapes: Shapes) -> int:
    """How many expectation values a circuit has."""
    given = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (shapes.weights, (1, shapes.angles)))
    return int(jax.eval_shape(circuit, *given).shape[-1])


def _each(f: Callable[[Array], Array], weights: Float[Array | np.ndarray, "..."], shapes: Shapes) -> Array:
    """f of every set of weights, one after another."""
    weights, own = jnp.asarray(weights), len(shapes.weights)
    if weights.shape[weights.ndim - own :] != shapes.weights:
        raise InputError(
            f"weights must have shape (..., {', '.join(map(str, shapes.weights))}), got {weights.shape}; "
            "make the circuit with the shape of your weights"
        )
    before = weights.shape[: weights.ndim - own]
    values = jax.jit(lambda all_weights: jax.lax.map(f, all_weights))(weights.reshape(-1, *shapes.weights))
    return values.reshape(*before, *values.shape[1:])


def _several(angles: Float[Array | np.ndarray, "films angles"], name: str) -> None:
    if len(angles) < 2:
        raise InputError(f"{name} must be >= 2 for a spread, got {len(angles)}; give angles of some hundred films")


def _there(circuit: Engine | Circuit, shapes: Shapes, observed: int | None) -> None:
    if observed is None:
        return
    values = _values(circuit, shapes)
    if not 0 <= observed < values:
        raise InputError(f"observed must be a qubit in 0 .. {values - 1}, got {observed}; name one of them")
