"""A tape read along the qubits: column k is everything that happens on wire k, in the Heisenberg picture.

Each two-qubit gate is cut into a sum over a bond (`gates.halves`), which crosses every cut between its two wires, so a
gate between far wires, such as the one that closes a ring, is a bond that passes through the columns between. A
column names kinds of gates and no parameters: equal columns are equal objects, and share their plan.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from qcxr.circuits.tapes.gates import KINDS, ZERO, halves
from qcxr.circuits.tapes.tape import Tape


class Turn(NamedTuple):
    """A one-qubit gate or channel; own: whether every sample has parameters of its own."""

    name: str
    own: bool


class Step(NamedTuple):
    """Against time: one-qubit gates and channels (the last to act first), then one half of a two-qubit gate.

    own: whether every sample has its own parameter of that gate. second: whether this is the gate's second wire, whose
    half holds the parameter. opens: whether the gate's bond leads on (to the right) or is one that came from the left;
    place: of the bond among the column's right or left bonds.
    """

    turns: tuple[Turn, ...]
    gate: str
    own: bool
    second: bool
    opens: bool
    place: int


class Column(NamedTuple):
    """left, right: sizes of the bonds that cross the cuts; through: (place left, place right) of those that pass.

    rest: one-qubit gates and channels before the wire's first two-qubit gate, the last to act first.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    through: tuple[tuple[int, int], ...]
    steps: tuple[Step, ...]
    rest: tuple[Turn, ...]

    def mirrored(self) -> "Column":
        """The same column, to be passed from right to left."""
        steps = tuple(step._replace(opens=not step.opens) for step in self.steps)
        return Column(self.right, self.left, tuple((r, l) for l, r in self.through), steps, self.rest)  # noqa: E741


class Line(NamedTuple):
    """The columns of all qubits and, for each, the indices of its parameters in `tape.split`, as its steps use them."""

    columns: tuple[Column, ...]
    shared: tuple[tuple[int, ...], ...]
    own: tuple[tuple[int, ...], ...]

    @classmethod
    @functools.lru_cache(maxsize=64)
    def of(cls, tape: Tape) -> "Line":
        """Bonds cross a cut in the order in which their gates act."""
        crossing: list[list[int]] = [[] for _ in range(tape.n_qubits + 1)]  # by cut: gates over wires cut - 1 | cut
        on: list[list[int]] = [[] for _ in range(tape.n_qubits)]
        for i, gate in enumerate(tape.gates):
            for wire in gate.wires:
                on[wire].append(i)
            for cut in range(min(gate.wires) + 1, max(gate.wires) + 1):
                crossing[cut].append(i)
        columns = [_column(tape, wire, on[wire][::-1], *crossing[wire : wire + 2]) for wire in range(tape.n_qubits)]
        shared, own = (
            tuple(
                tuple(place for i in on[wire][::-1] if _fed(tape, i, wire) for place in places[i])
                for wire in range(tape.n_qubits)
            )
            for places in (_places(tape, own=False), _places(tape, own=True))
        )
        return cls(tuple(columns), shared, own)

    def bounds(self) -> list[int]:
        """By cut between neighbours: the product of the bonds that cross it, which no environment can exceed."""
        return [math.prod(column.right) for column in self.columns[:-1]]


def _places(tape: Tape, *, own: bool) -> list[list[int]]:
    """Of each gate's parameters, among those that are (not) the samples' own."""
    out, at = [], 0
    for gate in tape.gates:
        count = sum((feed.source == "angle") == own for feed in gate.feeds)
        out.append(list(range(at, at + count)))
        at += count
    return out


def _fed(tape: Tape, gate: int, wire: int) -> bool:
    """Whether the gate's parameters enter on that wire: the last one it acts on."""
    return tape.gates[gate].wires[-1] == wire


def _column(tape: Tape, wire: int, gates: list[int], left: list[int], right: list[int]) -> Column:
    steps: list[Step] = []
    turns: list[Turn] = []
    places = [{gate: place for place, gate in enumerate(side)} for side in (left, right)]
    for i in gates:
        gate = tape.gates[i]
        own = any(feed.source == "angle" for feed in gate.feeds)
        if len(gate.wires) == 1:
            turns.append(Turn(gate.name, own))
            continue
        opens, second = wire == min(gate.wires), _fed(tape, i, wire)
        place = places[opens][i]
        steps.append(Step(tuple(turns), gate.name, own and second, second, opens, place))
        turns = []
    through = tuple((places[0][i], places[1][i]) for i in left if i in places[1])
    sizes = [tuple(halves(tape.gates[i].name).bond for i in side) for side in (left, right)]
    return Column(sizes[0], sizes[1], through, tuple(steps), tuple(turns))


def pattern(step: Step) -> Bool[np.ndarray, "bond 4 4"]:
    """Where the step's matrices may differ from zero: [bond, Pauli after, Pauli before the gates], time forward."""
    half = halves(step.gate)
    table = np.abs(half.second).sum(0) if step.second else np.abs(half.first)
    return _turns(step.turns) @ table > 0


def start(column: Column) -> Bool[np.ndarray, " 4"]:
    """Where the wire's coefficients may differ from zero before its first two-qubit gate."""
    return _turns(column.rest) @ ZERO > 0


def _turns(turns: tuple[Turn, ...]) -> Float[np.ndarray, "4 4"]:
    out = np.eye(4)
    for turn in turns:
        out = (out @ np.abs(KINDS[turn.name].parts).sum(0) > 0).astype(float)
    return out
