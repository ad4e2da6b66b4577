"""The state's exact Schmidt values across every cut, at any width: how entangled an ansatz really is.

A gate between neighbours is a sum over one bit, so the state is a matrix-product state with 2^L values between
neighbours and 2^L on the closing gates; QR sweeps from both ends bring it into canonical form, without truncation.
"""

import numpy as np
from jax import Array
from jaxtyping import Complex, Float, Int

from qcxr.circuits.ansatz import Ansatz
from qcxr.errors import InputError

_PAULI = {
    "RX": np.array([[0, 1], [1, 0]], complex),
    "RY": np.array([[0, -1j], [1j, 0]]),
    "RZ": np.array([[1, 0], [0, -1]], complex),
}


def bond_dimensions(
    ansatz: Ansatz,
    weights: Float[Array | np.ndarray, "layers qubits"],
    angles: Float[Array | np.ndarray, " qubits"],
    *,
    tolerance: float = 1e-10,
) -> Int[np.ndarray, " qubits-1"]:
    """How many Schmidt values across each cut exceed `tolerance`; the exact bond dimension of the state."""
    return np.array([(values > tolerance).sum() for values in schmidt_values(ansatz, weights, angles)], int)


def schmidt_values(
    ansatz: Ansatz, weights: Float[Array | np.ndarray, "layers qubits"], angles: Float[Array | np.ndarray, " qubits"]
) -> list[Float[np.ndarray, " _values"]]:
    """Descending Schmidt values between qubits 0 .. k and the others, for k = 0 .. n - 2.

    weights, angles: radians. Raises InputError for gates between far wires.
    """
    if ansatz.pattern == "all_to_all":
        raise InputError(
            "Schmidt values need pattern ring, chain or none, got 'all_to_all'; set pattern to one of them"
        )
    n = ansatz.n_qubits
    sites = [_site(ansatz, np.asarray(weights, float), np.asarray(angles, float), k) for k in range(n)]
    left = [_triangle(sites[0].transpose(2, 0, 1))]  # (rows, closing, bond)
    for site in sites[1:-1]:
        left.append(_triangle(np.einsum("acl,lrp->apcr", left[-1], site)))
    right = [_triangle(sites[-1].transpose(2, 1, 0))] if n > 1 else []
    for site in sites[-2:0:-1]:
        right.append(_triangle(np.einsum("acr,lrp->apcl", right[-1], site)))
    return [
        np.linalg.svd(a.reshape(len(a), -1) @ b.reshape(len(b), -1).T, compute_uv=False)
        for a, b in zip(left[: n - 1], reversed(right), strict=True)
    ]


def _triangle(vectors: Complex[np.ndarray, "*vectors closing bond"]) -> Complex[np.ndarray, "rows closing bond"]:
    """Rows with the same overlaps as the vectors, as few as can be."""
    shape = vectors.shape[-2:]
    rows = np.linalg.qr(vectors.reshape(-1, shape[0] * shape[1]), mode="r")
    return rows.reshape(-1, *shape)  # type: ignore[attr-defined]  # mode "r" gives the array; numpy's stubs say Q and R


def _site(
    ansatz: Ansatz, weights: Float[np.ndarray, "layers qubits"], angles: Float[np.ndarray, " qubits"], k: int
) -> Complex[np.ndarray, "left right 2"]:
    """Column of wire k over its bonds left and right; a ring closes left of wire 0 and right of wire n - 1."""
    n, ring = ansatz.n_qubits, ansatz.pattern == "ring" and ansatz.n_qubits > 2
    control = np.stack([np.diag([1, 0]), np.diag([0, 1])])
    target = np.stack([np.eye(2), [[0, 1], [1, 0]] if ansatz.entangler == "CNOT" else np.diag([1, -1])])
    nothing = np.eye(2)[None]
    as_target = target if ansatz.pattern != "none" and (k > 0 or ring) else nothing
    as_control = control if ansatz.pattern != "none" and (k < n - 1 or ring) else nothing
    first, second = (as_target[:, None], as_control[None]) if k else (as_control[None], as_target[:, None])
    gates = second @ first
    column = np.full((1, 1, 2), np.sqrt(0.5), complex)
    for layer in range(ansatz.n_layers):
        turn = _turn(ansatz.rotation, weights[layer, k])
        if layer == 0 or ansatz.reupload:
            turn = turn @ _turn(ansatz.encoding, angles[k])
        column = np.einsum("LRp,qp,lrsq->LlRrs", column, turn, gates)
        column = column.reshape(column.shape[0] * column.shape[1], -1, 2)
    return column


def _turn(name: str, angle: float) -> Complex[np.ndarray, "2 2"]:
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * _PAULI[name]
