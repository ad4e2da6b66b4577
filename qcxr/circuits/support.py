"""Where the chain's columns and environments can differ from zero, found by spreading "may be nonzero".

An environment's state names what has happened on its side of a cut: a value of the closing bonds, which run along the
whole chain, and one of the bonds across the cut. Instead of proving which states matter, boolean copies of the columns
spread through the chain: forward from the first column, backward from the last one and from the measured qubit. What
both reach is kept.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.sites import Tables, is_ring, tables


class Bonds:
    """All layers' bonds as one index, the last layer's the slowest; counts: values of each layer's."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.size = int(np.prod(counts))

    def values(self, index: Int[np.ndarray, " index"]) -> Int[np.ndarray, "layers index"]:
        """Each layer's bond, layer 0 first."""
        return np.stack(np.unravel_index(index, self.counts[::-1])[::-1])


class Columns(NamedTuple):
    """Where the columns of one observable (I or Z) may differ from zero, over the bonds left and right, by place."""

    first: Bool[np.ndarray, "closing bonds"]
    inner: Bool[np.ndarray, "bonds bonds"]
    last: Bool[np.ndarray, "bonds closing"]


@dataclasses.dataclass(frozen=True, eq=False)
class Support:
    """Where all columns may differ from zero.

    bonds: between neighbours; closing: of the gate that closes the ring (one value where none does). wraps: the
    closing bonds by which Z of qubit 0 passes over the closing gate: a left environment with one of them has Z measured
    on qubit 0 and nothing on the others; with any other closing bond nothing is measured in it yet. start: which
    coefficients of a wire may differ from zero after layer 0's rotation.
    """

    bonds: Bonds
    closing: Bonds
    wraps: Bool[np.ndarray, " closing"]
    start: Int[np.ndarray, " rows"]
    identity: Columns
    measured: Columns

    @classmethod
    def of(cls, ansatz: Ansatz, damps_one: bool, damps_two: bool) -> "Support":
        """See `structure.plan`."""
        bonds = Bonds([4] * (ansatz.n_layers - 1) + [2 if ansatz.entangler == "CNOT" else 1])
        closing = bonds if is_ring(ansatz) else Bonds([1] * ansatz.n_layers)
        places = ((closing, bonds), (bonds, bonds), (bonds, closing))
        wire = _wire(ansatz, damps_one, damps_two)
        identity, measured = (
            Columns(*(_column(wire, place, observable, *sides) for place, sides in enumerate(places)))
            for observable in (pauli.IDENTITY, pauli.Z)
        )
        # Z on qubit 0 closes the ring: its chain is the states whose top closing bond is set
        wraps = closing.values(np.arange(closing.size))[-1] == 1 if is_ring(ansatz) else np.zeros(closing.size, bool)
        return cls(bonds, closing, wraps, np.flatnonzero(wire.start), identity, measured)

    @property
    def starts(self) -> Bool[np.ndarray, "closing bonds"]:
        """The first column, as left environments begin."""
        return np.where(self.wraps[:, None], self.measured.first, self.identity.first)

    @property
    def ends(self) -> Bool[np.ndarray, "closing bonds"]:
        """The last column, as left environments end."""
        return np.where(self.wraps[:, None], self.identity.last.T, self.measured.last.T)

    def states(self) -> tuple[Int[np.ndarray, "lefts 2"], Int[np.ndarray, "rights 2"]]:
        """(closing bond, bond) of the states of the left and of the right environments that some <Z_k> needs."""
        identity, measured, wraps = self.identity, self.measured, self.wraps[:, None]
        right = _spread(np.where(wraps, False, identity.last.T), identity.inner.T)
        left = _spread(self.starts, identity.inner)
        useful = self.ends | _product(right, measured.inner.T)
        left &= _spread(useful, identity.inner.T)
        needed = _spread(np.where(wraps, False, measured.first) | _product(left, measured.inner), identity.inner)
        right &= needed
        return np.argwhere(left), np.argwhere(right)


class _Wire(NamedTuple):
    """Positive copies of what acts on a wire: gates to the neighbours, a layer's rotation, the start."""

    n_layers: int
    gates: Tables
    turn: Float[np.ndarray, "4 4"]
    start: Float[np.ndarray, " 4"]


def _wire(ansatz: Ansatz, damps_one: bool, damps_two: bool) -> _Wire:
    one, two = np.eye(4), np.eye(4)
    one[pauli.Z, pauli.IDENTITY] = damps_one
    two[pauli.Z, pauli.IDENTITY] = damps_two
    gates = Tables(*(np.abs(table) for table in tables(ansatz, two)))
    encode, rotate = (one @ np.abs(pauli.rotation_parts(name)).sum(0) for name in (ansatz.encoding, ansatz.rotation))
    turn = rotate @ encode if ansatz.reupload else rotate
    return _Wire(ansatz.n_layers, gates, turn, rotate @ encode @ one @ pauli.PLUS)


def _column(wire: _Wire, place: int, observable: int, left: Bonds, right: Bonds) -> Bool[np.ndarray, "left right"]:
    """Where the column of a wire may differ from zero; place: 0 first, 1 inner, 2 last."""
    row = np.zeros((1, 1, 4))
    row[..., observable] = 1
    for layer in reversed(range(wire.n_layers)):
        gates = wire.gates[place][: left.counts[layer], : right.counts[layer]]
        row = np.einsum("LRp,lrpq->LlRrq", row, gates).reshape(
            row.shape[0] * gates.shape[0], row.shape[1] * gates.shape[1], 4
        )
        row = ((row @ wire.turn if layer else row) > 0).astype(float)
    return row @ wire.start > 0


def _product(a: Bool[np.ndarray, "a b"], b: Bool[np.ndarray, "b c"]) -> Bool[np.ndarray, "a c"]:
    return a.astype(np.float32) @ b.astype(np.float32) > 0


def _spread(
    states: Bool[np.ndarray, "closing bonds"], step: Bool[np.ndarray, "bonds bonds"]
) -> Bool[np.ndarray, "closing bonds"]:
    """All that `states` reach by any number of steps."""
    while True:
        more = states | _product(states, step)
        if (more == states).all():
            return states
        states = more
