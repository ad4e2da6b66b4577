"""Where the chain's columns and environments can differ from zero, found by spreading "may be nonzero".

An environment's state names what has happened on its side of a cut: a value of the closing bonds, which run along the
whole chain, and one of the bonds across the cut. Instead of proving which states matter, boolean copies of the columns
spread through the chain: forward from the first column, backward from the last one and from the measured qubit. What
both reach is kept. Only states that are reached are ever looked at, so that a circuit's cost is known long before
arrays of all bonds would fit anywhere.
"""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.sites import Tables, is_ring, tables
from qcxr.errors import InputError

MOST_PRODUCTS = 4_000_000  # per site and sample; some seconds a step for 32 samples of 19 qubits
_MOST_STEPS = MOST_PRODUCTS // 2  # of one spread; a step that counts makes three products at least


class TooCostly(InputError):
    """A chain of more products than anyone would wait for."""


class Bonds:
    """All layers' bonds as one index, the last layer's the slowest; counts: values of each layer's."""

    def __init__(self, counts: list[int]) -> None:
        self.counts = counts
        self.size = int(np.prod(counts))

    def values(self, index: Int[np.ndarray, " index"]) -> Int[np.ndarray, "layers index"]:
        """Each layer's bond, layer 0 first."""
        return np.stack(np.unravel_index(index, self.counts[::-1])[::-1])


class Edges(NamedTuple):
    """Pairs of states, by their numbers, that a column joins from left to right."""

    left: Int[np.ndarray, " edges"]
    right: Int[np.ndarray, " edges"]


@dataclasses.dataclass(frozen=True, eq=False)
class Support:
    """The states that some <Z_k> needs, and which of them the columns join.

    A state is the pair (closing bond, bond). bonds: between neighbours; closing: of the gate that closes the ring (one
    value where none does). wraps: the closing bonds by which Z of qubit 0 passes over the closing gate: a left
    environment with one of them has Z measured on qubit 0 and nothing on the others; with any other, nothing is
    measured in it yet. start: which coefficients of a wire may differ from zero after layer 0's rotation.
    lefts, rights: states of the left and of the right environments. left, right: the edges of an inner column with the
    identity, between left and between right states; measured: with Z, from left to right states. ends: left states at
    which the last column may differ from zero; begins, closes: right states at which the first one, with Z, and the
    last one, with the identity, may.
    """

    bonds: Bonds
    closing: Bonds
    wraps: Bool[np.ndarray, " closing"]
    start: Int[np.ndarray, " rows"]
    lefts: Int[np.ndarray, "lefts 2"]
    rights: Int[np.ndarray, "rights 2"]
    left: Edges
    right: Edges
    measured: Edges
    starts: Bool[np.ndarray, " lefts"]
    ends: Bool[np.ndarray, " lefts"]
    begins: Bool[np.ndarray, " rights"]
    closes: Bool[np.ndarray, " rights"]

    @classmethod
    def of(cls, ansatz: Ansatz, damps_one: bool, damps_two: bool) -> "Support":
        """See `structure.plan`. Raises TooCostly."""
        chain = _Chain(ansatz, damps_one, damps_two)
        starts = chain.at_end(0, pauli.Z, pauli.IDENTITY)
        closes = chain.at_end(2, None, pauli.IDENTITY)
        left, right = chain.spread(starts, backward=False), chain.spread(closes, backward=True)
        measured = chain.steps(np.union1d(starts, left.target), pauli.Z, backward=False)
        measured = measured.where(np.isin(measured.target, np.union1d(closes, right.target)))
        ends = np.intersect1d(chain.at_end(2, pauli.IDENTITY, pauli.Z), np.union1d(starts, left.target))
        begins = np.intersect1d(chain.at_end(0, None, pauli.Z), np.union1d(closes, right.target))
        # a left state counts if it leads to the last column or to a measured qubit, a right one if it comes from there
        lefts = left.leading_to(np.union1d(ends, measured.source))
        rights = right.leading_to(np.union1d(begins, measured.target))
        left, right = left.where(np.isin(left.target, lefts)), right.where(np.isin(right.target, rights))
        size = chain.bonds.size
        return cls(
            bonds=chain.bonds,
            closing=chain.closing,
            wraps=chain.wraps,
            start=np.flatnonzero(chain.wire.start),
            lefts=np.stack([lefts // size, lefts % size], 1),
            rights=np.stack([rights // size, rights % size], 1),
            left=Edges(np.searchsorted(lefts, left.source), np.searchsorted(lefts, left.target)),
            right=Edges(np.searchsorted(rights, right.target), np.searchsorted(rights, right.source)),
            measured=Edges(np.searchsorted(lefts, measured.source), np.searchsorted(rights, measured.target)),
            starts=np.isin(lefts, starts),
            ends=np.isin(lefts, ends),
            begins=np.isin(rights, begins),
            closes=np.isin(rights, closes),
        )


Keys = Int[np.ndarray, " _keys"]  # states as closing bond * number of bonds + bond


class _Steps(NamedTuple):
    """From which states a column leads to which."""

    source: Keys
    target: Keys

    def where(self, chosen: Bool[np.ndarray, " _keys"]) -> "_Steps":
        return _Steps(self.source[chosen], self.target[chosen])

    def leading_to(self, states: Keys) -> Keys:
        """These states and all from which steps lead to them."""
        found = states
        while True:
            more = np.union1d(found, self.source[np.isin(self.target, found)])
            if len(more) == len(found):
                return found
            found = more


class _Wire(NamedTuple):
    """Where what acts on a wire may differ from zero: gates to the neighbours, a layer's rotation, the start."""

    gates: Tables
    turn: Bool[np.ndarray, "4 4"]
    start: Bool[np.ndarray, " 4"]


class _Chain:
    """The circuit's columns, as far as they are asked for."""

    def __init__(self, ansatz: Ansatz, damps_one: bool, damps_two: bool) -> None:
        ring = is_ring(ansatz)
        self.bonds = Bonds([4] * (ansatz.n_layers - 1) + [2 if ansatz.entangler == "CNOT" else 1])
        self.closing = self.bonds if ring else Bonds([1] * ansatz.n_layers)
        # Z on qubit 0 closes the ring: its chain is the states whose top closing bond is set
        self.wraps = np.zeros(self.closing.size, bool)
        if ring:
            self.wraps = self.closing.values(np.arange(self.closing.size))[-1] == 1
        self.wire = _wire(ansatz, damps_one, damps_two)

    def at_end(self, place: int, wrapping: int | None, other: int | None) -> Keys:
        """The states at which the first (place 0) or last column (2) may differ from zero, given the observable for
        closing bonds that wrap and for those that do not (None: the column is zero)."""
        found = [np.zeros(0, int)]
        for observable, chosen in ((wrapping, self.wraps), (other, ~self.wraps)):
            given = np.flatnonzero(chosen)
            if observable is not None and len(given):
                item, bond = self._beyond(place, observable, given, backward=place == 2)
                found.append(given[item] * self.bonds.size + bond)
        return np.sort(np.concatenate(found))

    def steps(self, states: Keys, observable: int, *, backward: bool) -> _Steps:
        """What an inner column joins with these states, on its other side."""
        size = self.bonds.size
        bond, where = np.unique(states % size, return_inverse=True)
        item, other = self._beyond(1, observable, bond, backward=backward)
        first = np.searchsorted(item, np.arange(len(bond) + 1))  # items come in order
        counts = np.diff(first)[where]
        _check_cost(int(counts.sum()))
        source = np.repeat(np.arange(len(states)), counts)
        offset = np.arange(len(source)) - np.repeat(np.cumsum(counts) - counts, counts)
        target = states[source] // size * size + other[first[where][source] + offset]
        return _Steps(states[source], target)

    def spread(self, states: Keys, *, backward: bool) -> _Steps:
        """All steps by columns with the identity, from these states on."""
        found, new, taken = states, states, []
        while len(new):
            taken.append(self.steps(new, pauli.IDENTITY, backward=backward))
            _check_cost(sum(len(steps.source) for steps in taken))
            new = np.setdiff1d(taken[-1].target, found)
            found = np.union1d(found, new)
        nothing = np.zeros(0, int)
        return (
            _Steps(*(np.concatenate([nothing, *part]) for part in zip(*taken, strict=True)))
            if taken
            else _Steps(nothing, nothing)
        )

    def _beyond(
        self, place: int, observable: int, given: Int[np.ndarray, " given"], *, backward: bool
    ) -> tuple[Int[np.ndarray, " found"], Int[np.ndarray, " found"]]:
        """The bonds beyond a column for given bonds on its left (backward: on its right): (which given, bond)."""
        sides = [self.closing if place == 0 else self.bonds, self.closing if place == 2 else self.bonds]
        here, there = sides[::-1] if backward else sides
        values = here.values(given)
        item, bond, row = np.arange(len(given)), np.zeros(len(given), int), np.zeros((len(given), 4), bool)
        row[:, observable] = True
        for layer in reversed(range(len(here.counts))):
            gates = self.wire.gates[place].swapaxes(0, 1) if backward else self.wire.gates[place]
            gates = gates[: here.counts[layer], : there.counts[layer]]
            step = np.einsum("ip,irpq->irq", row, gates[values[layer][item]])
            step = step @ self.wire.turn if layer else step
            kept, chosen = np.nonzero(step.any(-1))
            _check_cost(len(kept))
            item, bond, row = item[kept], bond[kept] * there.counts[layer] + chosen, step[kept, chosen]
        kept = (row & self.wire.start).any(-1)
        return item[kept], bond[kept]


def _wire(ansatz: Ansatz, damps_one: bool, damps_two: bool) -> _Wire:
    one, two = np.eye(4), np.eye(4)
    one[pauli.Z, pauli.IDENTITY] = damps_one
    two[pauli.Z, pauli.IDENTITY] = damps_two
    gates = Tables(*(table != 0 for table in tables(ansatz, two)))
    encode, rotate = (one @ np.abs(pauli.rotation_parts(name)).sum(0) for name in (ansatz.encoding, ansatz.rotation))
    turn = rotate @ encode if ansatz.reupload else rotate
    return _Wire(gates, turn > 0, rotate @ encode @ one @ pauli.PLUS > 0)


def _check_cost(steps: int) -> None:
    if steps > _MOST_STEPS:
        raise TooCostly(f"the circuit's chain has more than {MOST_PRODUCTS:,} products per qubit and sample")
