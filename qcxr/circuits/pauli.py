"""Gates and channels as real 4 x 4 matrices on one wire's Pauli coefficients.

A density matrix is a sum of Pauli strings with real coefficients, and so is an observable; a wire's index is
p = 2x + z of X^x Z^z, that is I, Z, X, Y = 0, 1, 2, 3. Rotations and channels are real matrices here even where
amplitudes are complex, RY leaves I and Y alone, and CNOT and CZ only move strings about (with a sign). Matrices act
on the coefficients of a state, forward in time; their transposes act on observables, backward.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.circuits.contract import contract

IDENTITY, Z, X, Y = range(4)

PLUS = np.array([1.0, 0.0, 1.0, 0.0])  # |+><+|, the state after H, times 2: I + X

# rotation = FIXED + cos * COS + sin * SIN; the angle's sign follows exp(-i t P / 2)
_TURNS = {"RX": (Y, Z), "RY": (Z, X), "RZ": (X, Y)}


def rotation_parts(name: str) -> Float[np.ndarray, "3 4 4"]:
    """The parts of `RX`, `RY` or `RZ` that go with 1, cos t and sin t."""
    first, second = _TURNS[name]
    parts = np.zeros((3, 4, 4))
    parts[0] = np.eye(4)
    for p in (first, second):
        parts[0, p, p], parts[1, p, p] = 0.0, 1.0
    parts[2, second, first], parts[2, first, second] = 1.0, -1.0
    return parts


def waves(angle: Float[Array, "*angles"]) -> Float[Array, " 3 *angles"]:
    """1, cos and sin of angles in radians."""
    return jnp.stack([jnp.ones_like(angle), jnp.cos(angle), jnp.sin(angle)])


def rotation(name: str, angle: Float[Array, "*angles"]) -> Float[Array, "*angles 4 4"]:
    """`RX`, `RY` or `RZ` by each angle, in radians."""
    return contract("g...,gpq->...pq", waves(angle), rotation_parts(name).astype(angle.dtype))


def bonds(entangler: str) -> tuple[Float[np.ndarray, "4 4 4"], Float[np.ndarray, "4 4 4"]]:
    """A two-qubit gate as sum_b control[b] (x) target[b] over a bond of four values: (control, target).

    CNOT takes x from control to target and z from target to control; CZ takes x either way into z. The bond
    b = 2a + d holds what each side must know of the other: a = the control's x, d = the target's z (CZ: its x). The
    sign of XZ <-> YY (CZ: XY <-> YX) splits into one factor per side, so four values are enough.
    """
    control, target = np.zeros((4, 4, 4)), np.zeros((4, 4, 4))
    for a in range(2):
        for d in range(2):
            for other in range(2):
                sign = -1.0 if a and d and other else 1.0
                control[2 * a + d, 2 * a + (other ^ d), 2 * a + other] = sign
                if entangler == "CNOT":
                    sign = -1.0 if a and d and not other else 1.0
                    target[2 * a + d, 2 * (other ^ a) + d, 2 * other + d] = sign
                else:
                    target[2 * a + d, 2 * d + (other ^ a), 2 * d + other] = sign
    return control, target
