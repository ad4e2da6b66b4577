"""Which entries of the chain can differ from zero, and who multiplies whom: index tables, computed once per ansatz.

The environments of the chain have (bonds left) x (bonds right) entries; conservation laws (no amplitude is
imaginary, a measured identity stays one) leave a small part of them. Instead of proving which, `plan` spreads
"may differ from zero" through boolean copies of the same tensors, forward from the first column and backward from the
last, and keeps what both reach. L = 3 without noise: 204 of 1,024 entries on the left, 3 instead of 16 terms each.
"""

import dataclasses
import functools
from typing import NamedTuple

import numpy as np

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.sites import Entries, is_ring, tables


class Terms(NamedTuple):
    """out[s] = sum_t first[a[t, s]] * second[b[t, s]]: index tables (T, S + 1); the last row of everything is zero."""

    a: np.ndarray
    b: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)  # compared by identity: a static argument, and `plan` is cached
class Plan:
    """Entries of the columns and the products between them.

    left, right: number of states of the two environments. first, last: the columns at the ends, one entry per left
    state, a zero, one per right state, a zero; inner: every entry once, and a zero.
    closes: (left + 1,) whether a left state belongs to qubit 0's own chain, whose string of Z runs over the closing
    gate and leaves qubit 0 out.
    """

    left: int
    right: int
    closes: np.ndarray
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


@functools.cache
def plan(ansatz: Ansatz, damps_one: bool, damps_two: bool) -> Plan:
    """ansatz: with gates between neighbours. damps_one, damps_two: whether channels turn I into Z (noise.damps)."""
    n_layers = ansatz.n_layers
    ring = is_ring(ansatz)
    bonds = _Bonds([4] * (n_layers - 1) + [2 if ansatz.entangler == "CNOT" else 1])
    closing = bonds if ring else _Bonds([1] * n_layers)
    support = functools.partial(_support, ansatz, damps_one, damps_two)
    identity, measured = ([support(place, p, bonds, closing) for place in range(3)] for p in (pauli.IDENTITY, pauli.Z))

    # Z on qubit 0 closes the ring: its chain is the states whose top closing bond is set
    wraps = closing.values(np.arange(closing.size))[-1] == 1 if ring else np.zeros(closing.size, bool)
    starts = np.where(wraps[:, None], measured[0], identity[0])
    ends = np.where(wraps[:, None], identity[2].T, measured[2].T)
    right = _spread(np.where(wraps[:, None], False, identity[2].T), identity[1].T)
    left = _spread(starts, identity[1])
    useful = ends | _product(right, measured[1].T)
    left &= _spread(useful, identity[1].T)
    needed = _spread(np.where(wraps[:, None], False, measured[0]) | _product(left, measured[1]), identity[1])
    right &= needed

    lefts, rights = np.argwhere(left), np.argwhere(right)
    triples_left = _triples(lefts, lefts, identity[1])
    triples_right = _triples(rights, rights, identity[1])
    triples_measure = _triples(lefts, rights, measured[1])
    keys = np.concatenate(
        [
            np.stack([np.full(len(t), p), a[t[:, 0], 1], b[t[:, 1], 1]], 1)
            for t, a, b, p in (
                (triples_left, lefts, lefts, 0),
                (triples_right, rights, rights, 0),
                (triples_measure, lefts, rights, 1),
            )
        ]
    )
    unique, ids = np.unique(keys, axis=0, return_inverse=True)
    ids = np.split(ids.reshape(-1), np.cumsum([len(triples_left), len(triples_right)]))
    n_inner, n_left, n_right = len(unique), len(lefts), len(rights)

    def entries(observable, keep, left_bonds, left_index, right_bonds, right_index):
        observable = np.append(np.where(keep, observable, 4), 4)
        return Entries(
            observable, left_bonds.values(np.append(left_index, 0)), right_bonds.values(np.append(right_index, 0))
        )

    (lc, lr), (rc, rr) = lefts.T, rights.T
    li, lo = triples_left.T
    ri, ro = triples_right.T
    mi, mo = triples_measure.T
    return Plan(
        left=n_left,
        right=n_right,
        closes=np.append(wraps[lc], False),
        first=_join(
            entries(wraps[lc].astype(int), starts[lc, lr], closing, lc, bonds, lr),
            entries(1, measured[0][rc, rr], closing, rc, bonds, rr),
        ),
        inner=entries(unique[:, 0], True, bonds, unique[:, 1], bonds, unique[:, 2]),
        last=_join(
            entries(1 - wraps[lc].astype(int), ends[lc, lr], bonds, lr, closing, lc),
            entries(0, identity[2].T[rc, rr], bonds, rr, closing, rc),
        ),
        step_left=_terms(lo, n_left, ids[0], n_inner, li, n_left),
        step_left_back=_terms(li, n_left, ids[0], n_inner, lo, n_left),
        step_right=_terms(ri, n_right, ids[1], n_inner, ro, n_right),
        step_right_back=_terms(ro, n_right, ids[1], n_inner, ri, n_right),
        measure=_terms(mo, n_right, ids[2], n_inner, mi, n_left),
        measure_back=_terms(mi, n_left, ids[2], n_inner, mo, n_right),
        pull_left=_terms(ids[0], n_inner, li, n_left, lo, n_left),
        pull_right=_terms(ids[1], n_inner, ri, n_right, ro, n_right),
        pull_measure=_terms(ids[2], n_inner, mi, n_left, mo, n_right),
    )


class _Bonds:
    """All layers' bonds as one index, the last layer's the slowest."""

    def __init__(self, counts):
        self.counts = counts
        self.size = int(np.prod(counts))

    def values(self, index):
        """index (K,) -> (L, K), layer 0 first."""
        return np.stack(np.unravel_index(index, self.counts[::-1])[::-1])


def _support(ansatz, damps_one, damps_two, place, observable, bonds, closing):
    """(left bonds, right bonds): where a column may differ from zero; place 0 first, 1 inner, 2 last."""
    one, two = np.eye(4), np.eye(4)
    one[pauli.Z, pauli.IDENTITY] = damps_one
    two[pauli.Z, pauli.IDENTITY] = damps_two
    table = np.abs(tables(ansatz, two, np)[place])
    encode, rotate = (one @ np.abs(pauli.rotation_parts(name)).sum(0) for name in (ansatz.encoding, ansatz.rotation))
    turn = rotate @ encode if ansatz.reupload else rotate
    start = rotate @ encode @ one @ pauli.PLUS
    lefts, rights = [(closing, bonds), (bonds, bonds), (bonds, closing)][place]
    row = np.zeros((1, 1, 4))
    row[..., observable] = 1
    for layer in reversed(range(ansatz.n_layers)):
        gates = table[: lefts.counts[layer], : rights.counts[layer]]
        row = np.einsum("LRp,lrpq->LlRrq", row, gates).reshape(
            row.shape[0] * gates.shape[0], row.shape[1] * gates.shape[1], 4
        )
        row = ((row @ turn if layer else row) > 0).astype(float)
    return row @ start > 0


def _join(a, b):
    return Entries(*(np.concatenate(pair, -1) for pair in zip(a, b, strict=True)))


def _product(a, b):
    return a.astype(np.float32) @ b.astype(np.float32) > 0


def _spread(states, step):
    """All that `states` (closing, bonds) reach by any number of steps."""
    while True:
        more = states | _product(states, step)
        if (more == states).all():
            return states
        states = more


def _triples(sources, targets, step):
    """(T, 2) pairs (source, target) with the same closing bonds that a column can join."""
    pairs = []
    for closing in np.intersect1d(sources[:, 0], targets[:, 0]):
        s, t = np.flatnonzero(sources[:, 0] == closing), np.flatnonzero(targets[:, 0] == closing)
        i, j = np.nonzero(step[np.ix_(sources[s, 1], targets[t, 1])])
        pairs.append(np.stack([s[i], t[j]], 1))
    return np.concatenate(pairs) if pairs else np.zeros((0, 2), int)


def _terms(out, n_out, a, n_a, b, n_b):
    """Terms for the list out[i] += first[a[i]] * second[b[i]]; what is missing points at the zero rows n_a, n_b."""
    order = np.argsort(out, kind="stable")
    counts = np.bincount(out, minlength=n_out)
    place = np.arange(len(out)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = max(int(counts.max(initial=0)), 1)
    tables = np.full((width, n_out + 1), n_a, np.int32), np.full((width, n_out + 1), n_b, np.int32)
    for table, index in zip(tables, (a, b), strict=True):
        table[place, out[order]] = index[order]
    return Terms(*tables)
