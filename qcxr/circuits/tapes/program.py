"""What the chain does for a tape, settled before any number is known: which environments pass which columns, in which
rows, and which runs of equal columns can be scanned.

Two kinds of environments: to the right of a cut always the identity is measured; to the left either the identity, or
the beginning of a word (a product of Paulis) whose end is yet to come. Each beginning that words share is passed on
once. A column where a word ends joins both.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np

from qcxr.circuits.pauli import IDENTITY
from qcxr.circuits.tapes.columns import Column, Line
from qcxr.circuits.tapes.sites import Sites
from qcxr.circuits.tapes.support import Move, Plan, Rows, between, plan, spread
from qcxr.circuits.tapes.tape import Tape

_LONGEST = 8  # columns of a pattern that repeats
_ORDER = "IZXY"  # of `pauli`


class Role(NamedTuple):
    """What a column does. passes: (beginning before, Pauli on the wire, beginning after), by their numbers at the cuts;
    ends: (beginning before, Pauli on the wire), one word each; left, right: whether the environment of the identity
    right of the column, and right of its left cut, is needed."""

    column: Column
    passes: tuple[tuple[int, int, int], ...]
    ends: tuple[tuple[int, int], ...]
    right: bool
    further: bool


@dataclasses.dataclass(frozen=True, eq=False)
class Phase:
    """A column's plans, in the order of its role's passes and ends; right: of the identity, from right to left."""

    role: Role
    passes: tuple[Plan, ...]
    ends: tuple[Plan, ...]
    right: Plan | None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All of them, `right` the last one."""
        return (*self.passes, *self.ends, *([self.right] if self.right else []))

    @functools.cached_property
    def sites(self) -> Sites | None:
        """The plans as products with a site tensor, in the order of `plans`; None where steps take less."""
        edges = [plan.edges for plan in self.plans]
        taken = [edge for edge in edges if edge is not None]
        if (
            not edges
            or len(taken) < len(edges)
            or sum(len(e.source) for e in taken) > sum(plan.products for plan in self.plans)
        ):
            return None
        paulis = [p for _, p, _ in self.role.passes] + [p for _, p in self.role.ends] + [IDENTITY]
        return Sites.of(self.role.column, list(zip(paulis, taken, strict=False)))

    @property
    def products(self) -> int:
        """Multiply-adds of one sample."""
        if self.sites is None:
            return sum(plan.products for plan in self.plans)
        return sum(len(plan.edges.source) for plan in self.plans if plan.edges is not None)


@dataclasses.dataclass(frozen=True, eq=False)
class Segment:
    """`repeats` times the same columns, one phase each; shared, own: of each phase, [repeat, parameter].

    enter, leave: the left environments from the rows of the cut to those that all repeats share, and back; enter_right
    and leave_right the same for the right one (coming from the right).
    """

    phases: tuple[Phase, ...]
    repeats: int
    shared: tuple[np.ndarray, ...]
    own: tuple[np.ndarray, ...]
    enter: tuple[Move, ...]
    leave: tuple[Move, ...]
    enter_right: Move | None
    leave_right: Move | None


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """order: where each of the tape's words comes out, the segments' words one after the other, then a one."""

    segments: tuple[Segment, ...]
    order: tuple[int, ...]

    @property
    def products(self) -> int:
        """Multiply-adds of one sample, the environments only."""
        return sum(segment.repeats * phase.products for segment in self.segments for phase in segment.phases)

    @property
    def largest(self) -> int:
        """Rows of the largest environment."""
        plans = [plan for segment in self.segments for phase in segment.phases for plan in phase.plans]
        return max((p.end.take.size for p in plans), default=1)


@functools.lru_cache(maxsize=64)
def program(tape: Tape) -> Program:
    """Raises InputError if some environment grows too large (`support.MAX_ROWS`)."""
    line = Line.of(tape)
    roles, words = _roles(tape, line)
    rows = _Rows.of(roles)
    segments, at, came = [], 0, []
    for period, repeats in _runs(roles):
        stop = at + period * repeats
        segments.append(_segment(roles, line, rows, at, period, repeats))
        came += [word for k in range(at, stop) for word in words[k]]
        at = stop
    places = {word: i for i, word in enumerate(came)}
    return Program(tuple(segments), tuple(places.get(i, len(came)) for i in range(len(tape.words))))


def _roles(tape: Tape, line: Line) -> tuple[list[Role], list[list[int]]]:
    """Of each column, and the numbers of the words that end there."""
    n = tape.n_qubits
    spans = [(i, word[0][0], word[-1][0], dict(word)) for i, word in enumerate(tape.words) if word]

    def beginning(paulis: dict[int, str], first: int, cut: int) -> tuple[str, ...]:
        return tuple(paulis.get(wire, "I") for wire in range(first, cut))

    before: list[list[tuple[str, ...]]] = []
    for cut in range(n + 1):
        names = {beginning(p, first, cut) for _, first, last, p in spans if first < cut <= last}
        if any(first >= cut for _, first, _, _ in spans):
            names.add(())
        before.append(sorted(names))
    roles, words = [], []
    for k, column in enumerate(line.columns):
        passes, ends = set(), {}
        if () in before[k + 1]:
            passes.add((before[k].index(()), IDENTITY, before[k + 1].index(())))
        for i, first, last, p in spans:
            if not first <= k <= last:
                continue
            name = before[k].index(beginning(p, first, k))
            pauli = _ORDER.index(p.get(k, "I"))
            if k < last:
                passes.add((name, pauli, before[k + 1].index(beginning(p, first, k + 1))))
            else:
                ends[name, pauli] = i
        right, further = (any(last <= cut for _, _, last, _ in spans) for cut in (k, k - 1))
        roles.append(Role(column, tuple(sorted(passes)), tuple(ends), right, further))
        words.append(list(ends.values()))
    return roles, words


class _Rows(NamedTuple):
    """By cut: of each beginning's environment, and of the right one, the rows that are reached and that count."""

    left: list[list[Rows]]
    right: list[Rows]

    @classmethod
    def of(cls, roles: list[Role]) -> "_Rows":
        n = len(roles)
        none, one = np.zeros(0, np.int64), np.zeros(1, np.int64)
        mirrored = [role.column.mirrored() for role in roles]
        right = [none] * n + [one]
        for k in reversed(range(n)):
            if roles[k].further:
                right[k] = spread(mirrored[k], IDENTITY, right[k + 1])
        counts = [max([i + 1 for i, *_ in (*role.passes, *role.ends)], default=0) for role in roles] + [0]
        left = [[none] * count for count in counts]
        left[0] = [one] * counts[0]
        for k, role in enumerate(roles):
            for i, pauli, j in role.passes:
                left[k + 1][j] = np.union1d(left[k + 1][j], spread(role.column, pauli, left[k][i]))
        for k in reversed(range(n)):
            live = [none] * counts[k]
            for i, pauli, j in roles[k].passes:
                live[i] = np.union1d(live[i], spread(mirrored[k], pauli, left[k + 1][j]))
            for i, pauli in roles[k].ends:
                live[i] = np.union1d(live[i], spread(mirrored[k], pauli, right[k + 1]))
            left[k] = [np.intersect1d(a, b) for a, b in zip(left[k], live, strict=True)]
        seen = none
        for k, role in enumerate(roles):
            seen = spread(role.column, IDENTITY, seen) if role.further else none
            for i, pauli in role.ends:
                seen = np.union1d(seen, spread(role.column, pauli, left[k][i]))
            right[k + 1] = np.intersect1d(right[k + 1], seen)
            seen = right[k + 1]
        return cls(left, right)


def _runs(roles: list[Role]) -> list[tuple[int, int]]:
    """(period, repeats) of stretches of columns, from left to right; as few columns as can be stand alone."""
    out, at = [], 0
    while at < len(roles):
        best = (1, 1)
        for period in range(1, _LONGEST + 1):
            repeats = 1
            while roles[at : at + period] == roles[at + period * repeats : at + period * (repeats + 1)]:
                repeats += 1
            if repeats >= 3 and period * repeats > math.prod(best):
                best = (period, repeats)
        out.append(best)
        at += math.prod(best)
    return out


def _segment(roles: list[Role], line: Line, rows: _Rows, at: int, period: int, repeats: int) -> Segment:
    def union(sets: list[Rows]) -> Rows:
        return functools.reduce(np.union1d, sets)

    stop = at + period * repeats
    last = stop + 1 if repeats > 1 else stop  # where columns repeat, the cut behind them is one before them too
    cuts = [list(range(at + phase, last, period)) for phase in range(period)]
    left = [[union([rows.left[c][i] for c in some]) for i in range(len(rows.left[some[0]]))] for some in cuts]
    right = [union([rows.right[c] for c in some]) for some in cuts]
    left_after, right_after = ([*sets[1:], sets[0]] for sets in (left, right))
    if repeats == 1:
        left_after, right_after = [rows.left[stop]], [rows.right[stop]]
    phases = []
    for phase, role in enumerate(roles[at : at + period]):
        before, after, beyond = left[phase], left_after[phase], right_after[phase]
        passes = tuple(plan(role.column, pauli, before[i], after[j]) for i, pauli, j in role.passes)
        ends = tuple(plan(role.column, pauli, before[i], beyond) for i, pauli in role.ends)
        back = plan(role.column.mirrored(), IDENTITY, beyond, right[phase]) if role.further else None
        phases.append(Phase(role, passes, ends, back))
    shared, own = (
        tuple(np.array(every[at + phase : stop : period], np.int32).reshape(repeats, -1) for phase in range(period))
        for every in (line.shared, line.own)
    )
    return Segment(
        tuple(phases),
        repeats,
        shared,
        own,
        tuple(between(a, b) for a, b in zip(rows.left[at], left[0], strict=True)),
        tuple(between(b, a) for a, b in zip(rows.left[stop], left_after[-1], strict=True)),
        between(rows.right[stop], right_after[-1]) if roles[stop - 1].right else None,
        between(right[0], rows.right[at]) if roles[at].further else None,
    )
