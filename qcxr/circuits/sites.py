"""One qubit's column of the circuit as a tensor over the bonds to its neighbours.

Read along the qubits, the circuit is a chain of columns: column k holds everything that ever happens on wire k, and
each layer's gate to the neighbour is cut into a sum over a bond (`pauli.bonds`). A column's entry for given bonds is
one product of 4 x 4 matrices between the observable (I or Z) and the wire's start, so an *entry* is named by its
observable and, per layer, its left and right bond. Only entries that can differ from zero are ever computed.
"""

from types import ModuleType
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz


class Entries(NamedTuple):
    """observable: 0 (I), 1 (Z) or 4 (the entry is zero); left, right: bonds per layer."""

    observable: Int[np.ndarray, " entries"]
    left: Int[np.ndarray, "layers entries"]
    right: Int[np.ndarray, "layers entries"]


class Tables(NamedTuple):
    """One layer's entangling gates (and their noise) on a wire over its bonds left and right, by place of the wire.

    A ring's closing bond is the first wire's left and the last wire's right bond; an open chain has one value there.
    """

    first: Float[Array | np.ndarray, "left right 4 4"]
    inner: Float[Array | np.ndarray, "left right 4 4"]
    last: Float[Array | np.ndarray, "left right 4 4"]


def tables(ansatz: Ansatz, channel: Float[Array | np.ndarray, "4 4"], xp: ModuleType = jnp) -> Tables:
    """channel: what follows every two-qubit gate on each of its wires; `xp`: numpy or jax.numpy."""
    control, target = (xp.asarray(m, channel.dtype) for m in pauli.bonds(ansatz.entangler))
    control, target = channel @ control, channel @ target
    inner = control[None] @ target[:, None]  # a wire is its left neighbour's target first
    if is_ring(ansatz):
        first = target[:, None] @ control[None]  # but on wire 0 the closing gate comes last
        return Tables(first, inner, inner)
    return Tables(control[None], inner, target[:, None])


def is_ring(ansatz: Ansatz) -> bool:
    """Whether a gate closes the chain (from three qubits on)."""
    return ansatz.pattern == "ring" and ansatz.n_qubits > 2


def columns(
    table: Float[Array | np.ndarray, "left right 4 4"],
    entries: Entries,
    turns: list[Float[Array, "sites 4 4"] | Float[Array, "sites 4 4 batch"]],
    start: Float[Array, "sites 4 batch"],
) -> Float[Array, "sites entries batch"]:
    """The entries' values.

    table: of these sites' place. turns: for layers 1 .. L - 1 the rotation before the layer's gates, with a batch
    where it depends on the sample. start: coefficients after layer 0's rotation.
    """
    observables = jnp.asarray(np.concatenate([np.eye(4), np.zeros((1, 4))]), start.dtype)[entries.observable]
    gates = [table[left, right] for left, right in zip(entries.left, entries.right, strict=True)]
    row = jnp.einsum("kp,kpq->kq", observables, gates[-1])[None]
    for gate, turn in zip(gates[-2::-1], turns[::-1], strict=True):
        if turn.ndim == 4 and row.ndim == 3:
            row = jnp.einsum("nkp,npqb->nkqb", jnp.broadcast_to(row, (turn.shape[0], *row.shape[1:])), turn)
        elif turn.ndim == 4:
            row = jnp.einsum("nkpb,npqb->nkqb", row, turn)
        else:
            row = jnp.einsum("nkp,npq->nkq", jnp.broadcast_to(row, (turn.shape[0], *row.shape[1:])), turn)
        row = jnp.einsum("nkpb,kpq->nkqb" if row.ndim == 4 else "nkp,kpq->nkq", row, gate)
    row = jnp.broadcast_to(row, (start.shape[0], *row.shape[1:]))
    return jnp.einsum("nkpb,npb->nkb" if row.ndim == 4 else "nkp,npb->nkb", row, start)
