"""One qubit's column of the circuit up to the last rotation, by the qubit's outcome: what `sampling` draws from.

As in `sites`, each entangler is cut into a sum over a bond; here every entry is kept, and the last layer's entanglers
are left out, for on outcomes they are classical (`bits`). Bonds of all layers are one index, the latest the slowest;
the closing gate of a ring runs from the right of the last wire to the left of the first.
"""

import math

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Inexact

from qcxr.circuits import pauli, unitaries
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.contract import contract
from qcxr.circuits.noise import Noise
from qcxr.circuits.sites import is_ring

_OUTCOME = np.array([[0.5, 0.5, 0.0, 0.0], [0.5, -0.5, 0.0, 0.0]])  # probabilities of 0 and 1 from Pauli coefficients
Gates = Inexact[Array | np.ndarray, "bond side side"]  # one wire's part of an entangler, for each value of its bond


def amplitudes(
    ansatz: Ansatz, weights: Float[Array, "layers qubits"], films: Float[Array, "films qubits"]
) -> Inexact[Array, "films qubits bond bond 2"]:
    """Of the circuit without noise: multiplied along the chain they give the amplitude of a basis state."""
    dtype = films.dtype if ansatz.is_real else jnp.result_type(films.dtype, jnp.complex64)
    control = np.stack([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])])
    other = np.array([[0.0, 1.0], [1.0, 0.0]]) if ansatz.entangler == "CNOT" else np.diag([1.0, -1.0])
    encode, rotate = (
        unitaries.rotation(name, angle).astype(dtype)
        for name, angle in ((ansatz.encoding, films), (ansatz.rotation, weights))
    )
    plus = jnp.full(2, math.sqrt(0.5), dtype)
    return _columns(ansatz, plus, encode, rotate, control, np.stack([np.eye(2), other]))


def probabilities(
    ansatz: Ansatz, weights: Float[Array, "layers qubits"], films: Float[Array, "films qubits"], noise: Noise
) -> Float[Array, "films qubits bond bond 2"]:
    """Of the circuit with noise: multiplied along the chain they give the probability of a basis state."""
    dtype = films.dtype
    one, two = noise.one_qubit.matrix(dtype), noise.two_qubit.matrix(dtype)
    encode, rotate = (
        contract("pq,...qr->...pr", one, pauli.rotation(name, angle))
        for name, angle in ((ansatz.encoding, films), (ansatz.rotation, weights))
    )
    control, target = (contract("pq,bqr->bpr", two, gate.astype(dtype)) for gate in pauli.bonds(ansatz.entangler))
    start = jnp.asarray(contract("pq,q->p", one, pauli.PLUS.astype(dtype)))
    columns = _columns(ansatz, start, encode, rotate, control, target)
    return contract("fnlrp,op->fnlro", columns, _OUTCOME.astype(dtype))


def _columns(
    ansatz: Ansatz,
    start: Inexact[Array, " side"],
    encode: Inexact[Array, "films qubits side side"],
    rotate: Inexact[Array, "layers qubits side side"],
    control: Gates,
    target: Gates,
) -> Inexact[Array, "films qubits bonds bonds side"]:
    """All columns, by what each wire holds: two amplitudes or four Pauli coefficients."""
    films, n, side, _ = encode.shape
    gates = _gates(ansatz, jnp.asarray(control, start.dtype), jnp.asarray(target, start.dtype))
    column = jnp.broadcast_to(start, (films, n, 1, 1, side))
    for layer in range(ansatz.n_layers):
        turn = (
            contract("npq,fnqr->fnpr", rotate[layer], encode) if layer == 0 or ansatz.reupload else rotate[layer][None]
        )
        column = contract("fnlrq,fnpq->fnlrp", column, jnp.broadcast_to(turn, encode.shape))
        if layer < ansatz.n_layers - 1:
            column = contract("fnabq,nlrpq->fnlarbp", column, gates)
            column = column.reshape(films, n, column.shape[2] * column.shape[3], -1, side)
    return column


def _gates(ansatz: Ansatz, control: Gates, target: Gates) -> Inexact[Array, "qubits left right side side"]:
    """One layer's entanglers on every wire; where a wire has no neighbour, only the first value of that bond."""
    n, side = ansatz.n_qubits, control.shape[-1]
    if not ansatz.pairs:
        return jnp.broadcast_to(jnp.eye(side, dtype=control.dtype), (n, 1, 1, side, side))
    inner = contract("rij,ljk->lrik", control, target)  # a wire is its left neighbour's target first
    if is_ring(ansatz):
        first, last = contract("lij,rjk->lrik", target, control), inner  # but on wire 0 the closing gate comes last
    else:
        first, last = jnp.zeros_like(inner).at[0].set(control), jnp.zeros_like(inner).at[:, 0].set(target)
    return jnp.concatenate([first[None], jnp.broadcast_to(inner, (n - 2, *inner.shape)), last[None]])
