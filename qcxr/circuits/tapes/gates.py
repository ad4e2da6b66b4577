"""The gates and channels of a tape, as tables: unitaries for state vectors, Pauli transfer matrices for all else.

Every parametrised gate here is U(t) = U_0 + cos(t/2) U_1 + sin(t/2) U_2 with constant matrices, so its Pauli transfer
matrix (order I, Z, X, Y of `pauli`) is a sum of constant matrices too, over 1, cos(t/2), sin(t/2), cos t, sin t; a
channel's is one over 1, its rates, their product and sqrt(1 - rate). What has more parameters (Rot, U3) is written in
these before it reaches a tape.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Complex, Float

from qcxr.circuits.pauli import IDENTITY, X, Y, Z

_I2 = np.eye(2, dtype=complex)
PAULIS: Complex[np.ndarray, "4 2 2"] = np.stack(
    [_I2, np.diag([1, -1]).astype(complex), np.array([[0, 1], [1, 0]], complex), np.array([[0, -1j], [1j, 0]])]
)
ZERO = np.array([1.0, 1.0, 0.0, 0.0])  # |0><0|, times 2: I + Z
_NONE, _ONE = np.diag([1, 0]).astype(complex), np.diag([0, 1]).astype(complex)


class Kind(NamedTuple):
    """One kind of gate or channel.

    wires: 1 or 2. parameters: how many. unitary: U_0, U_1, U_2 above, or None for a channel. parts: Pauli transfer
    matrices, to be summed with the features of these numbers (`features`); two wires: the first one's index is the
    slower.
    """

    wires: int
    parameters: int
    unitary: Complex[np.ndarray, "3 d d"] | None
    parts: Float[np.ndarray, "parts dd dd"]
    used: tuple[int, ...]

    def features(self, values: Float[Array, " parameters *batch"]) -> Float[Array, " parts *batch"]:
        """What the parts are multiplied by; values: the gate's parameters (radians, or rates)."""
        if not self.parameters:
            return jnp.ones((1, *values.shape[1:]), values.dtype)
        if self.unitary is not None:
            t = values[0]
            every = [jnp.ones_like(t), jnp.cos(t / 2), jnp.sin(t / 2), jnp.cos(t), jnp.sin(t)]
        else:
            a, b = values[0], values[-1]
            below = a < 1  # the slope of the root at a rate of 1 is infinite; a finite one keeps NaN out of gradients
            root = jnp.where(below, jnp.sqrt(jnp.where(below, 1 - a, 1)), 0)
            every = [jnp.ones_like(a), a, b, a * b, root]
        return jnp.stack([every[i] for i in self.used])

    def transfer(self, values: Float[Array, " parameters *batch"]) -> Float[Array, "dd dd *batch"]:
        """The Pauli transfer matrix; acts on the coefficients of a state."""
        parts = jnp.asarray(self.parts, values.dtype)
        return jnp.tensordot(parts, self.features(values), (0, 0), precision=jax.lax.Precision.HIGHEST)

    def matrix(self, values: Float[Array, " parameters"], dtype: np.dtype) -> Complex[Array, "d d"]:
        """The unitary; of gates only."""
        assert self.unitary is not None
        parts = jnp.asarray(self.unitary, dtype)
        if not self.parameters:
            return parts[0]
        return parts[0] + jnp.cos(values[0] / 2) * parts[1] + jnp.sin(values[0] / 2) * parts[2]


def _transfer(a: Complex[np.ndarray, "d d"], b: Complex[np.ndarray, "d d"]) -> Float[np.ndarray, "dd dd"]:
    """Re Tr(P_i a P_j b^dagger) / d over all Pauli strings."""
    strings = PAULIS if len(a) == 2 else np.einsum("iab,jcd->ijacbd", PAULIS, PAULIS).reshape(16, 4, 4)
    return np.einsum("iab,bc,jcd,ad->ij", strings, a, strings, b.conj(), optimize=True).real / len(a)


def _gate(
    fixed: Complex[np.ndarray, "d d"] | None,
    cos: Complex[np.ndarray, "d d"] | None = None,
    sin: Complex[np.ndarray, "d d"] | None = None,
) -> Kind:
    given = [m for m in (fixed, cos, sin) if m is not None]
    u = np.stack([np.zeros_like(given[0]) if m is None else m for m in (fixed, cos, sin)])
    r = [[_transfer(a, b) for b in u] for a in u]
    # cos^2 = (1 + cos t) / 2, sin^2 = (1 - cos t) / 2, cos sin = sin t / 2 of the half angle
    parts = np.stack(
        [
            r[0][0] + (r[1][1] + r[2][2]) / 2,
            r[0][1] + r[1][0],
            r[0][2] + r[2][0],
            (r[1][1] - r[2][2]) / 2,
            (r[1][2] + r[2][1]) / 2,
        ]
    )
    used = tuple(i for i in range(5) if np.abs(parts[i]).max() > 1e-12)
    parts = np.where(np.abs(parts) < 1e-12, 0, parts)[list(used)]
    return Kind(1 if len(u[0]) == 2 else 2, 0 if cos is None else 1, u, parts, used)


def _channel(parameters: int, **parts: Float[np.ndarray, "4 4"]) -> Kind:
    names = ("one", "a", "b", "ab", "root")
    used = tuple(i for i, name in enumerate(names) if name in parts)
    return Kind(1, parameters, None, np.stack([parts[names[i]] for i in used]), used)


def _diagonal(**of: float) -> Float[np.ndarray, "4 4"]:
    return np.diag([of.get(p, 0.0) for p in "IZXY"])


def _controlled(p: int) -> tuple[Complex[np.ndarray, "4 4"], ...]:
    return np.kron(_NONE, _I2), np.kron(_ONE, _I2), -1j * np.kron(_ONE, PAULIS[p])


def _both(p: int) -> tuple[None, Complex[np.ndarray, "4 4"], Complex[np.ndarray, "4 4"]]:
    return None, np.eye(4, dtype=complex), -1j * np.kron(PAULIS[p], PAULIS[p])


_TO_Z = np.zeros((4, 4))
_TO_Z[Z, IDENTITY] = 1.0
_MIXED = _diagonal(Z=-1, X=-1, Y=-1)
_FLIP = np.zeros((4, 4), complex)
_FLIP[1, 2] = _FLIP[2, 1] = 1
_OUTER, _INNER = np.diag([1, 0, 0, 1]).astype(complex), np.diag([0, 1, 1, 0]).astype(complex)

KINDS: dict[str, Kind] = {
    "Hadamard": _gate((PAULIS[X] + PAULIS[Z]) / np.sqrt(2)),
    "PauliX": _gate(PAULIS[X]),
    "PauliY": _gate(PAULIS[Y]),
    "PauliZ": _gate(PAULIS[Z]),
    "S": _gate(np.diag([1, 1j])),
    "T": _gate(np.diag([1, np.exp(0.25j * np.pi)])),
    "Adjoint(S)": _gate(np.diag([1, -1j])),
    "Adjoint(T)": _gate(np.diag([1, np.exp(-0.25j * np.pi)])),
    "SX": _gate(np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2),
    "RX": _gate(None, _I2, -1j * PAULIS[X]),
    "RY": _gate(None, _I2, -1j * PAULIS[Y]),
    "RZ": _gate(None, _I2, -1j * PAULIS[Z]),
    "CNOT": _gate(np.kron(_NONE, _I2) + np.kron(_ONE, PAULIS[X])),
    "CY": _gate(np.kron(_NONE, _I2) + np.kron(_ONE, PAULIS[Y])),
    "CZ": _gate(np.kron(_NONE, _I2) + np.kron(_ONE, PAULIS[Z])),
    "ISWAP": _gate(_OUTER + 1j * _FLIP),
    "CRX": _gate(*_controlled(X)),
    "CRY": _gate(*_controlled(Y)),
    "CRZ": _gate(*_controlled(Z)),
    "IsingXX": _gate(*_both(X)),
    "IsingYY": _gate(*_both(Y)),
    "IsingZZ": _gate(*_both(Z)),
    "IsingXY": _gate(_OUTER, _INNER, 1j * _FLIP),
    "SingleExcitation": _gate(_OUTER, _INNER, np.triu(-_FLIP) + np.tril(_FLIP)),
    "DepolarizingChannel": _channel(1, one=np.eye(4), a=4 / 3 * _MIXED),
    "BitFlip": _channel(1, one=np.eye(4), a=_diagonal(Z=-2, Y=-2)),
    "PhaseFlip": _channel(1, one=np.eye(4), a=_diagonal(X=-2, Y=-2)),
    "AmplitudeDamping": _channel(1, one=_diagonal(I=1, Z=1), a=_TO_Z + _diagonal(Z=-1), root=_diagonal(X=1, Y=1)),
    "PhaseDamping": _channel(1, one=_diagonal(I=1, Z=1), root=_diagonal(X=1, Y=1)),
    "GeneralizedAmplitudeDamping": _channel(
        2, one=_diagonal(I=1, Z=1), a=_diagonal(Z=-1) + _TO_Z, ab=-2 * _TO_Z, root=_diagonal(X=1, Y=1)
    ),
    "ResetError": _channel(2, one=np.eye(4), a=_MIXED + _TO_Z, b=_MIXED - _TO_Z),
}


class Halves(NamedTuple):
    """A two-qubit gate as sum_r first[r] (x) (sum_f feature_f second[f, r]): a bond of r values between its wires."""

    first: Float[np.ndarray, "bond 4 4"]
    second: Float[np.ndarray, "parts bond 4 4"]

    @property
    def bond(self) -> int:
        """Values of the bond: the operator-Schmidt rank over all parameters."""
        return len(self.first)


@functools.cache
def halves(name: str) -> Halves:
    """The operator-Schmidt form of a two-qubit gate's Pauli transfer matrix, with few nonzero entries.

    Rows are pairs (out, in) of the first wire, columns those of the second. What never shares a row or column is split
    apart; in each block proportional rows are one term (CNOT, CZ, controlled and Ising rotations are then done: four
    terms that each move strings about), and only a block with more such rows than its rank takes an SVD.
    """
    parts = KINDS[name].parts
    flat = parts.reshape(-1, 4, 4, 4, 4).transpose(1, 3, 0, 2, 4).reshape(16, -1, 16)
    first, second = [], []
    for rows in _blocks(np.abs(flat).max(1) > 0):
        block = flat[rows].reshape(len(rows), -1)
        for a, b in _terms(block):
            whole = np.zeros(16)
            whole[rows] = a
            first.append(whole.reshape(4, 4))
            second.append(b.reshape(-1, 4, 4))
    return Halves(np.stack(first), np.stack(second, 1))


def _blocks(filled: np.ndarray) -> list[list[int]]:
    """Rows that are joined by columns they share."""
    blocks: list[list[int]] = []
    left = {int(i) for i in np.flatnonzero(filled.any(1))}
    while left:
        block, columns = {min(left)}, np.zeros(filled.shape[1], bool)
        while True:
            columns |= filled[sorted(block)].any(0)
            more = {i for i in left if (filled[i] & columns).any()}
            if more == block:
                break
            block = more
        blocks.append(sorted(block))
        left -= block
    return blocks


def _terms(block: Float[np.ndarray, "rows columns"]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(a, b) with block = sum a b^T."""
    u, s, v = np.linalg.svd(block, full_matrices=False)
    rank = int((s > 1e-10).sum())
    groups: list[tuple[np.ndarray, np.ndarray]] = []
    for i, row in enumerate(block):
        for a, b in groups:
            ratio = row @ b / (b @ b)
            if np.allclose(row, ratio * b, atol=1e-12):
                a[i] = ratio
                break
        else:
            groups.append((np.eye(len(block))[i], row))
    if len(groups) == rank:
        return groups
    return [(u[:, i] * s[i], v[i]) for i in range(rank)]
