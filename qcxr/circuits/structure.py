"""Which entries of the chain can differ from zero, and who multiplies whom: index tables, computed once per ansatz.

The environments of the chain have (bonds left) x (bonds right) entries; conservation laws (no amplitude is
imaginary, a measured identity stays one) leave a small part of them. `support` finds which, and `plan` numbers them
and lists the products. L = 3 without noise: 208 of 1,024 entries on the left, 3 instead of 16 terms each.
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.sites import Entries
from qcxr.circuits.support import Bonds, Support


class Terms(NamedTuple):
    """out[s] = sum_t first[a[t, s]] * second[b[t, s]]: index tables; the last row of both inputs is zero."""

    a: Int[np.ndarray, "terms out"]
    b: Int[np.ndarray, "terms out"]


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: a static argument, and `plan` is cached
class Plan:
    """Entries of the columns and the products between them.

    left, right: number of states of the two environments. first, last: the columns at the ends, one entry per left
    state, a zero, one per right state, a zero; inner: the entries of the left, of the right and of the measuring join,
    and a zero. step_*, measure*: what comes out beyond an inner column; pull_*: cotangents of a join's own entries.
    closes: whether a left state belongs to qubit 0's own chain, whose string of Z runs over the closing
    gate and leaves qubit 0 out. start: which of a wire's coefficients may differ from zero before its first gate.
    """

    start: Int[np.ndarray, " rows"]
    left: int
    right: int
    closes: Bool[np.ndarray, " lefts"]
    first: Entries
    inner: Entries
    last: Entries
    step_left: Terms
    step_left_back: Terms
    step_right: Terms
    step_right_back: Terms
    measure: Terms
    measure_back: Terms
    pull_left: Terms
    pull_right: Terms
    pull_measure: Terms

    @property
    def products(self) -> int:
        """Multiply-adds of an inner site and a sample, value and gradient."""
        return sum(terms.a.size for terms in vars(self).values() if isinstance(terms, Terms))


@functools.cache
def plan(ansatz: Ansatz, damps_one: bool, damps_two: bool) -> Plan:
    """ansatz: with gates between neighbours. damps_one, damps_two: whether channels turn I into Z (noise.damps).

    Raises `support.TooCostly`.
    """
    support = Support.of(ansatz, damps_one, damps_two)
    lefts, rights = support.lefts, support.rights
    inner, (left, right, measure) = _joins(support)
    first, last = _ends(support)
    return Plan(
        start=support.start.astype(np.int32),
        left=len(lefts),
        right=len(rights),
        closes=np.append(support.wraps[lefts[:, 0]], False),
        first=first,
        inner=inner,
        last=last,
        step_left=left.rightward(),
        step_left_back=left.leftward(),
        step_right=right.leftward(),
        step_right_back=right.rightward(),
        measure=measure.rightward(),
        measure_back=measure.leftward(),
        pull_left=left.pull(),
        pull_right=right.pull(),
        pull_measure=measure.pull(),
    )


@dataclasses.dataclass(frozen=True, eq=False)
class Join:
    """The products of an inner column with the environments beside it: one state left, one entry, one state right each.

    n_left, n_right: how many states there are; own: which entries are this join's, of n_entries.
    """

    left: Int[np.ndarray, " products"]
    entry: Int[np.ndarray, " products"]
    right: Int[np.ndarray, " products"]
    n_left: int
    own: range
    n_right: int
    n_entries: int

    def rightward(self) -> Terms:
        """What comes out on the right of the column, from its entries and what stands left of it."""
        return _terms(self.right, self.n_right + 1, self.entry, self.n_entries, self.left, self.n_left)

    def leftward(self) -> Terms:
        """What comes out on the left, from the column's entries and what stands right of it."""
        return _terms(self.left, self.n_left + 1, self.entry, self.n_entries, self.right, self.n_right)

    def pull(self) -> Terms:
        """The cotangent of the join's own entries, from what stands left and right of the column."""
        rows = len(self.own)
        return _terms(self.entry - self.own.start, rows, self.left, self.n_left, self.right, self.n_right)


def _joins(support: Support) -> tuple[Entries, list[Join]]:
    """The entries that inner columns need, and three joins: left to left and right to right by the identity, left to
    right by Z. Each join has entries of its own, so that each pulls at a few of them only."""
    lefts, rights = support.lefts, support.rights
    kinds = (
        (lefts, lefts, pauli.IDENTITY, support.left),
        (rights, rights, pauli.IDENTITY, support.right),
        (lefts, rights, pauli.Z, support.measured),
    )
    keys, joins, first = [], [], 0
    for sources, targets, observable, edges in kinds:
        bonds = np.stack([sources[edges.left, 1], targets[edges.right, 1]], 1)
        unique, entry = np.unique(bonds, axis=0, return_inverse=True)
        keys.append(np.insert(unique, 0, observable, 1))
        own = range(first, first + len(unique))
        joins.append((edges.left, first + entry.reshape(-1), edges.right, len(sources), own, len(targets)))
        first = own.stop
    observable, left, right = np.concatenate(keys).T
    entries = _entries(observable, (support.bonds, left), (support.bonds, right))
    return entries, [Join(*join, n_entries=first) for join in joins]


def _ends(support: Support) -> tuple[Entries, Entries]:
    """Entries of the first and of the last column: one per left state, a zero, one per right state, a zero."""
    bonds, closing = support.bonds, support.closing
    (lc, lr), (rc, rr) = support.lefts.T, support.rights.T
    wraps = support.wraps[lc].astype(int)
    first = (
        _entries(np.where(support.starts, wraps, 4), (closing, lc), (bonds, lr)),
        _entries(np.where(support.begins, 1, 4), (closing, rc), (bonds, rr)),
    )
    last = (
        _entries(np.where(support.ends, 1 - wraps, 4), (bonds, lr), (closing, lc)),
        _entries(np.where(support.closes, 0, 4), (bonds, rr), (closing, rc)),
    )
    return _join(*first), _join(*last)


def _entries(
    observable: Int[np.ndarray, " entries"],
    left: tuple[Bonds, Int[np.ndarray, " entries"]],
    right: tuple[Bonds, Int[np.ndarray, " entries"]],
) -> Entries:
    """Entries and a zero after them; left, right: the bonds on that side, all layers' values as one index."""
    # int32, with which JAX indexes alike with and without 64-bit types, also in one process
    bonds = (side.values(np.append(index, 0)).astype(np.int32) for side, index in (left, right))
    return Entries(np.append(observable, 4), *bonds)


def _join(a: Entries, b: Entries) -> Entries:
    return Entries(*(np.concatenate(pair, -1) for pair in zip(a, b, strict=True)))


def _terms(
    out: Int[np.ndarray, " products"],
    n_out: int,
    a: Int[np.ndarray, " products"],
    n_a: int,
    b: Int[np.ndarray, " products"],
    n_b: int,
) -> Terms:
    """Terms of n_out rows for the list out[i] += first[a[i]] * second[b[i]]; missing ones point at the zero rows."""
    order = np.argsort(out, kind="stable")
    counts = np.bincount(out, minlength=n_out)
    place = np.arange(len(out)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = max(int(counts.max(initial=0)), 1)
    tables = np.full((width, n_out), n_a, np.int32), np.full((width, n_out), n_b, np.int32)
    for table, index in zip(tables, (a, b), strict=True):
        table[place, out[order]] = index[order]
    return Terms(*tables)
