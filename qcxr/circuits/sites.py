"""One qubit's column of the circuit as a tensor over the bonds to its neighbours.

Read along the qubits, the circuit is a chain of columns: column k holds everything that ever happens on wire k, and
each layer's gate to the neighbour is cut into a sum over a bond (`pauli.bonds`). A column's entry for given bonds is
one product of 4 x 4 matrices between the observable (I or Z) and the wire's start, so an *entry* is named by its
observable and, per layer, its left and right bond. Only entries that can differ from zero are ever computed.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Inexact, Int

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.contract import contract

LARGEST_CONSTANT = 2**20  # coefficients; four megabytes in the compiled program


class Entries(NamedTuple):
    """observable: 0 (I), 1 (Z) or 4 (the entry is zero); left, right: bonds per layer."""

    observable: Int[np.ndarray, " entries"]
    left: Int[np.ndarray, "layers entries"]
    right: Int[np.ndarray, "layers entries"]


Matrix = Float[Array, "4 4"] | Float[np.ndarray, "4 4"]  # a constant, or made of traced rates
Parts = Float[Array, "3 4 4"] | Float[np.ndarray, "3 4 4"]
Gates = Float[Array, "left right 4 4"] | Float[np.ndarray, "left right 4 4"]
Rows = Float[Array, "entries ..."] | Float[np.ndarray, "entries ..."]
Turn = Float[Array, "sites 4 4"] | Float[Array, "sites 4 4 batch"]  # a rotation of every site, of every sample or one


class Tables(NamedTuple):
    """One layer's entangling gates (and their noise) on a wire over its bonds left and right, by place of the wire.

    A ring's closing bond is the first wire's left and the last wire's right bond; an open chain has one value there.
    """

    first: Gates
    inner: Gates
    last: Gates


class Rotations(NamedTuple):
    """The rotations of layers 1 .. L - 1, as functions of the weights (and, re-uploaded, of the angles).

    rotate, encode: parts that go with 1, cos and sin of the weight and of the angle (None: no re-uploading).
    """

    rotate: Parts
    weights: Float[Array, "turns sites"]
    encode: Parts | None
    angles: Float[Array, "batch sites"]

    def at(self, sites: slice) -> "Rotations":
        """Those of some sites."""
        return self._replace(weights=self.weights[:, sites], angles=self.angles[:, sites])

    def each(self) -> list[Turn]:
        """One matrix per layer and site, and per sample where the angles enter again."""
        turns = contract("gpq,gln->lnpq", self.rotate, pauli.waves(self.weights))
        if self.encode is None:
            return list(turns)
        encode = contract("gpq,gbn->npqb", self.encode, pauli.waves(self.angles))
        return [contract("nij,njkb->nikb", turn, encode) for turn in turns]

    def products(self) -> Float[Array, "products sites"]:
        """All products of one of 1, cos w, sin w per layer, the first of these layers the fastest."""
        found = jnp.ones_like(self.weights, shape=(1, self.weights.shape[1]))
        for layer in pauli.waves(self.weights).swapaxes(0, 1)[::-1]:
            found = (found[:, None] * layer).reshape(3 * len(found), found.shape[1])
        return found


def tables(ansatz: Ansatz, channel: Matrix) -> Tables:
    """channel: what follows every two-qubit gate on each of its wires."""
    control, target = (contract("pq,bqr->bpr", channel, m.astype(channel.dtype)) for m in pauli.bonds(ansatz.entangler))
    inner = contract("rpq,lqs->lrps", control, target)  # a wire is its left neighbour's target first
    if is_ring(ansatz):
        first = contract("lpq,rqs->lrps", target, control)  # but on wire 0 the closing gate comes last
        return Tables(first, inner, inner)
    return Tables(control[None], inner, target[:, None])


def is_ring(ansatz: Ansatz) -> bool:
    """Whether a gate closes the chain (from three qubits on)."""
    return ansatz.pattern == "ring" and ansatz.n_qubits > 2


def columns(
    table: Gates,
    entries: Entries,
    rotations: Rotations,
    start: Inexact[Array, "sites 4 batch"],
    rows: Int[np.ndarray, " rows"],
) -> Inexact[Array, "sites entries batch"]:
    """The entries' values.

    table: of these sites' place. start: coefficients after layer 0's rotation, of which only `rows` may differ from
    zero.
    """
    size = 3 ** (entries.left.shape[0] - 1) * entries.left.shape[1] * len(rows)
    if rotations.encode is None and size <= LARGEST_CONSTANT:
        constant = _constant(table, entries, rotations.rotate)[..., rows]
        sites = contract("fkp,fn->nkp", constant, rotations.products())
        return contract("nkp,npb->nkb", sites, start[:, rows])
    return _each(table, entries, rotations.each(), start)


def _constant(
    table: Gates, entries: Entries, rotate: Parts
) -> Float[Array, "products entries 4"] | Float[np.ndarray, "products entries 4"]:
    """An entry is multilinear in (1, cos w, sin w) of every layer's weight and linear in the start: its coefficients.

    The same for every site and sample, and without traced rates a constant: one dot then makes all sites' entries.
    """
    row, gates = _gates(table, entries)
    row = row[None]
    for gate in gates:
        row = contract("fkp,gpq,kqr->fgkr", row, rotate, gate)
        row = row.reshape(row.shape[0] * 3, *row.shape[2:])
    return row


def _gates(table: Gates, entries: Entries) -> tuple[Rows, list[Rows]]:
    """The entries' observables after the last layer's gates, then the gates of each layer before it."""
    observables = np.concatenate([np.eye(4), np.zeros((1, 4))]).astype(table.dtype)[entries.observable]
    gates = [table[left, right] for left, right in zip(entries.left, entries.right, strict=True)]
    return contract("kp,kpq->kq", observables, gates[-1]), gates[-2::-1]


def _each(
    table: Gates, entries: Entries, turns: list[Turn], start: Inexact[Array, "sites 4 batch"]
) -> Inexact[Array, "sites entries batch"]:
    """The entries from one matrix after the other, site by site: where the angles enter again, or the dot's constant
    would be too large."""
    row, gates = _gates(table, entries)
    row = jnp.broadcast_to(jnp.asarray(row), (start.shape[0], *row.shape))
    for gate, turn in zip(gates, turns[::-1], strict=True):
        sample = "b" if row.ndim == 4 else ""
        samples = "b" if row.ndim == 4 or turn.ndim == 4 else ""
        row = contract(f"nkp{sample},npq{samples if turn.ndim == 4 else ''}->nkq{samples}", row, turn)
        row = contract(f"nkp{samples},kpq->nkq{samples}", row, gate)
    return contract("nkpb,npb->nkb" if row.ndim == 4 else "nkp,npb->nkb", row, start)
