"""Rotations as what they do to a qubit's two amplitudes."""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Inexact

# -i P of each rotation exp(-i t P / 2) = cos(t / 2) - i sin(t / 2) P
_TURNS = {
    "RX": np.array([[0, -1j], [-1j, 0]]),
    "RY": np.array([[0.0, -1.0], [1.0, 0.0]]),
    "RZ": np.array([[-1j, 0], [0, 1j]]),
}


def rotation(name: str, angle: Float[Array, "*angles"]) -> Inexact[Array, "*angles 2 2"]:
    """`RX`, `RY` or `RZ` by each angle, in radians; real for RY."""
    half, turn = angle[..., None, None] / 2, _TURNS[name]
    dtype = jnp.result_type(angle.dtype, jnp.complex64) if np.iscomplexobj(turn) else angle.dtype
    return jnp.cos(half) * np.eye(2, dtype=angle.dtype) + jnp.sin(half) * turn.astype(dtype)
