"""Which values of the bonds across a cut can contribute, found by spreading "may be nonzero" through the columns.

A *row* is one value of each bond across a cut, as one number (the first bond the slowest). An environment keeps its
rows only. Passing a column goes through intermediate rows, which also name the bonds opened and not those closed.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from qcxr.circuits.tapes.columns import Column, Step, pattern, start
from qcxr.errors import InputError

MAX_ROWS = 2**17  # of an environment, and inside a column
MAX_EDGES = 2**14  # of a column as a whole; more go step by step
Rows = Int[np.ndarray, " _"]  # sorted


class Stage(NamedTuple):
    """Rows inside a column, and which Pauli on the wire may go with each."""

    rows: Rows
    paulis: Bool[np.ndarray, "rows 4"]


class _Slots:
    """Rows inside a column as numbers: a digit for each bond on the left, then one for each on the right that opens."""

    def __init__(self, column: Column) -> None:
        passing = dict((r, l) for l, r in column.through)  # noqa: E741
        opened = [r for r in range(len(column.right)) if r not in passing]
        sizes = [*column.left, *(column.right[r] for r in opened)]
        if math.prod(sizes) >= 2**62:
            raise InputError(
                f"the chain takes cuts of at most 2^62 values, got 2^{math.log2(math.prod(sizes)):.0f}; "
                "let fewer gates cross a cut"
            )
        strides = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
        nl = len(column.left)
        self.closing = list(zip(strides[:nl], sizes[:nl], strict=True))
        self.opening = {r: (strides[nl + i], sizes[nl + i]) for i, r in enumerate(opened)}
        self._out = [
            self.opening[r] if r in self.opening else self.closing[passing[r]] for r in range(len(column.right))
        ]
        self._scale = math.prod(sizes[nl:])

    def enter(self, rows: Rows) -> Rows:
        return rows * self._scale

    def leave(self, rows: Rows) -> Rows:
        """As rows of the cut on the right, in no order."""
        out = np.zeros_like(rows)
        for stride, size in self._out:
            out = out * size + rows // stride % size
        return out


def stages(column: Column, pauli: int, rows: Rows) -> list[Stage]:
    """Before the first step, and after each."""
    slots = _Slots(column)
    stage = Stage(slots.enter(rows), np.tile(np.arange(4) == pauli, (len(rows), 1)))
    out = [stage]
    for step in column.steps:
        table = pattern(step)
        if step.opens:
            stride, _ = slots.opening[step.place]
            codes = (stage.rows + np.arange(len(table))[:, None] * stride).reshape(-1)
            paulis = (stage.paulis @ table).reshape(-1, 4)
        else:
            stride, size = slots.closing[step.place]
            value = stage.rows // stride % size
            codes = stage.rows - value * stride
            paulis = np.einsum("mp,mpq->mq", stage.paulis, table[value])
        stage = _merge(codes, paulis)
        if len(stage.rows) > MAX_ROWS:
            cut = math.log2(max(math.prod(column.left), math.prod(column.right)))
            raise InputError(
                f"the chain takes environments of at most {MAX_ROWS} values, got more in a column beside a cut of "
                f"2^{cut:.0f}; let fewer gates cross a cut, or take a dense simulation of fewer qubits"
            )
        out.append(stage)
    return out


def _merge(codes: Rows, paulis: Bool[np.ndarray, "rows 4"]) -> Stage:
    some = paulis.any(1)
    unique, place = np.unique(codes[some], return_inverse=True)
    merged = np.zeros((len(unique), 4), bool)
    np.logical_or.at(merged, place.reshape(-1), paulis[some])
    return Stage(unique, merged)


@functools.lru_cache(maxsize=256)
def _spread(column: Column, pauli: int, rows: bytes) -> Rows:
    last = stages(column, pauli, np.frombuffer(rows, np.int64))[-1]
    return np.sort(_Slots(column).leave(last.rows[last.paulis @ start(column)]))


def spread(column: Column, pauli: int, rows: Rows) -> Rows:
    """The rows right of the column that some of `rows` left of it reach, with that Pauli measured on the wire."""
    return _spread(column, pauli, np.ascontiguousarray(rows, np.int64).tobytes())


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: a static argument
class Move:
    """Rows from rows: take says of each where it comes from (past the end: zero), back of each where it goes."""

    take: Int[np.ndarray, "..."]
    back: Int[np.ndarray, "..."]


class Edges(NamedTuple):
    """Which row leads to which through a column, and by which value of each step's bond.

    sources, targets: how many rows there are on either side.
    """

    source: Int[np.ndarray, " edges"]
    target: Int[np.ndarray, " edges"]
    bonds: Int[np.ndarray, "edges steps"]
    sources: int
    targets: int


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """How an environment passes a column.

    moves: one per step. Where the step opens a bond it takes products of (bond value, row) and gives rows; where it
    closes one it takes rows and gives (bond value, row). end: from the last stage to the rows asked for.
    edges: the same as one product with the column's entries, None if there are too many. products: multiply-adds of one
    sample, step by step.
    """

    moves: tuple[Move, ...]
    end: Move
    edges: Edges | None
    products: int


def plan(column: Column, pauli: int, rows: Rows, wanted: Rows) -> Plan:
    """rows: of the environment on the left; wanted: of the one on the right, all others are left out."""
    slots = _Slots(column)
    every = stages(column, pauli, rows)
    live = np.isin(slots.leave(every[-1].rows), wanted)[:, None] & start(column)
    kept = [every[-1].rows[(live & every[-1].paulis).any(1)]]
    for step, stage, after in zip(column.steps[::-1], every[-2::-1], every[:0:-1], strict=True):
        reached = np.concatenate([live, np.zeros((1, 4), bool)])[_links(slots, step, stage.rows, after.rows)]
        live = np.einsum("rpq,rmq->mp", pattern(step), reached)
        kept.append(stage.rows[(live & stage.paulis).any(1)])
    kept = [every[0].rows, *kept[-2::-1]]  # what is given is taken whole
    moves, products = [], 0
    for step, before, after in zip(column.steps, kept[:-1], kept[1:], strict=True):
        moves.append(_move(_links(slots, step, before, after), step.opens, len(after)))
        products += int(pattern(step).sum()) * len(before if step.opens else after)
    ends = slots.leave(kept[-1])
    edges = _edges(column, pauli, kept, wanted)
    return Plan(tuple(moves), between(ends, wanted), edges, products + 4 * len(ends))


def _edges(column: Column, pauli: int, kept: list[Rows], wanted: Rows) -> Edges | None:
    """kept: the rows that count, before the first step and after each."""
    slots, codes = _Slots(column), kept[0]
    source, bonds = np.arange(len(codes)), np.zeros((len(codes), 0), np.int64)
    paulis = np.tile(np.arange(4) == pauli, (len(codes), 1))
    for step, after in zip(column.steps, kept[1:], strict=True):
        size = len(pattern(step))
        if step.opens:
            value, item = np.tile(np.arange(size), len(codes)), np.repeat(np.arange(len(codes)), size)
            codes = codes[item] + value * slots.opening[step.place][0]
        else:
            stride, _ = slots.closing[step.place]
            value, item = codes // stride % size, np.arange(len(codes))
            codes = codes - value * stride
        reached = np.einsum("ip,ipq->iq", paulis[item], pattern(step)[value])
        some = np.flatnonzero(reached.any(1) & np.isin(codes, after))
        if len(some) > MAX_EDGES:
            return None
        codes, paulis, source = codes[some], reached[some], source[item[some]]
        bonds = np.concatenate([bonds[item[some]], value[some, None]], 1)
    target = _find(slots.leave(codes), wanted)
    some = (paulis & start(column)).any(1) & (target < len(wanted))
    return Edges(source[some], target[some], bonds[some], len(kept[0]), len(wanted))


def between(rows: Rows, wanted: Rows) -> Move:
    """From some rows to those of them that are wanted; either may be in any order."""
    return Move(_find(wanted, rows), _find(rows, wanted))


def _find(rows: Rows, among: Rows) -> Int[np.ndarray, " rows"]:
    """Where each is; past the end where it is not."""
    order = np.argsort(among, kind="stable")
    place = np.searchsorted(among, rows, sorter=order)
    index = np.append(order, len(among))[place]
    return np.where(np.append(among, -1)[index] == rows, index, len(among))


def _links(slots: _Slots, step: Step, before: Rows, after: Rows) -> Int[np.ndarray, "bond before"]:
    """To which row after the step a row before it goes with each value of the bond; past the end: to none."""
    if step.opens:
        stride, size = slots.opening[step.place]
        codes = before + np.arange(size)[:, None] * stride
    else:
        stride, size = slots.closing[step.place]
        value = before // stride % size
        codes = np.where(np.arange(size)[:, None] == value, before - value * stride, -1)
    return _find(codes.reshape(-1), after).reshape(codes.shape)


def _move(links: Int[np.ndarray, "bond before"], opens: bool, after: int) -> Move:
    bond, before = links.shape
    value, row = np.nonzero(links < after)
    target = links[value, row]
    if opens:
        take = np.full(after, bond * before)
        take[target] = value * before + row
        return Move(take, links.reshape(-1))
    take, back = np.full((bond, after), before), np.full(before, bond * after)
    take[value, target] = row
    back[row] = value * after + target
    return Move(take, back)
