"""Starting values of the circuit's weights, in radians, by name."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.errors import InputError


def uniform(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """U[0, 2 pi), the paper's (section III-C): every rotation equally likely."""
    return jax.random.uniform(key, shape, maxval=2 * jnp.pi)


def normal(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Normal with mean 0 and standard deviation 2 pi, as in the paper's published code."""
    return 2 * jnp.pi * jax.random.normal(key, shape)


def small(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Normal with standard deviation 0.01: near the identity, against barren plateaus (arXiv 1903.05076)."""
    return 0.01 * jax.random.normal(key, shape)


def zeros(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """All rotations 0: at the start the circuit is its entangling gates only."""
    del key
    return jnp.zeros(shape)


INITIALISERS: dict[str, Callable[[PRNGKeyArray, tuple[int, ...]], jax.Array]] = {
    "uniform": uniform,
    "normal": normal,
    "small": small,
    "zeros": zeros,
}


def circuit_weights(name: str, key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Draw weights of `shape`, float32, by the initialiser's name."""
    if name not in INITIALISERS:
        raise InputError(f"init must be one of {', '.join(INITIALISERS)}, got {name!r}; set init in the head's options")
    return INITIALISERS[name](key, shape)
