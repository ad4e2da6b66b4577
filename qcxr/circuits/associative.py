"""The sweep as a product of site transfer matrices, by a parallel prefix: a number of steps logarithmic in the qubits.

What an inner qubit does to an environment is one matrix over the bond, the same for every value of the bond that
closes the ring: the transfer matrix is block diagonal there, and only the block is ever made. Products of all that
stand left of a qubit (and right of it) come from `jax.lax.associative_scan`. That is d^3 multiply-adds a product where
the scan of `environments` has a few thousand, but no more than 2 log2(n) steps one after the other, which is what a GPU
waits for.
Equal to `environments.sweep` up to rounding; differentiable by JAX in both modes.
"""

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Inexact, Int

from qcxr.circuits.contract import contract
from qcxr.circuits.environments import Column, Columns, Left, Right
from qcxr.circuits.structure import Plan

Index = Int[np.ndarray, " entries"]


@dataclass(frozen=True)
class _Matrix:
    """Where a join's own entries stand: the first of them, and row (bond left) and column (bond right) of each."""

    first: int
    row: Index
    column: Index
    shape: tuple[int, int]

    def of(self, inner: Columns) -> Inexact[Array, "sites batch rows columns"]:
        """The transfer matrices of all inner qubits."""
        entries = jnp.moveaxis(inner[:, self.first : self.first + len(self.row)], 1, -1)
        empty = jnp.zeros((*entries.shape[:2], *self.shape), inner.dtype)
        return empty.at[:, :, self.row, self.column].set(entries)


@dataclass(frozen=True)
class _Places:
    """Where the states of environments stand as (closing bond, bond)."""

    closing: Index
    bond: Index
    shape: tuple[int, int]

    def of(self, rows: Column) -> Inexact[Array, "batch closing bonds"]:
        """An environment as a matrix; its last row, zero, has no place."""
        empty = jnp.zeros((rows.shape[-1], *self.shape), rows.dtype)
        return empty.at[:, self.closing, self.bond].set(rows[:-1].T)


@dataclass(frozen=True)
class _Geometry:
    left: _Places
    right: _Places
    step_left: _Matrix
    step_right: _Matrix
    measure: _Matrix


def sweep(
    plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
) -> Inexact[Array, "inner+2 batch"]:
    """<Z_k> of every qubit, as `environments.sweep`, of the same arguments."""
    place = _geometry(plan)
    begin, end = place.left.of(first_left), place.left.of(last_left)
    opened, origin = place.right.of(first_right), place.right.of(last_right)
    lefts, rights = begin[None], origin[None]
    if len(inner):
        upto = jax.lax.associative_scan(_times, place.step_left.of(inner))
        beyond = jax.lax.associative_scan(lambda a, b: _times(b, a), place.step_right.of(inner), reverse=True)
        lefts = jnp.concatenate([lefts, contract("bcd,kbde->kbce", begin, upto)])
        rights = jnp.concatenate([contract("kbde,bce->kbcd", beyond, origin), rights])
    measured = contract("kbcd,kbde->kbce", lefts[:-1], place.measure.of(inner))
    closes = np.zeros(place.left.shape, bool)
    closes[place.left.closing, place.left.bond] = plan.closes[:-1]
    closed = lefts[-1] * end
    head = jnp.sum(opened * rights[0], (1, 2)) + jnp.sum(jnp.where(closes, closed, 0), (1, 2))
    tail = jnp.sum(jnp.where(closes, 0, closed), (1, 2))
    closed_alike = measured[:, :, : rights.shape[2]]  # the right states' closing bonds come first among the left's
    inside = jnp.sum(closed_alike * rights[1:], (2, 3))
    return jnp.concatenate([head[None], inside, tail[None]])


def _times(
    a: Inexact[Array, "*sites rows inner"], b: Inexact[Array, "*sites inner columns"]
) -> Inexact[Array, "*sites rows columns"]:
    return jnp.matmul(a, b, precision=jax.lax.Precision.HIGHEST)


@functools.cache
def _geometry(plan: Plan) -> _Geometry:
    """Numbers the bonds and closing bonds that occur; closing bonds of right states come first."""
    n_left, cut = plan.left, plan.left + 1
    rights = slice(cut, cut + plan.right)
    left_closing, left_bond = _keys(plan.first.left[:, :n_left]), _keys(plan.first.right[:, :n_left])
    right_closing, right_bond = _keys(plan.first.left[:, rights]), _keys(plan.first.right[:, rights])
    closing = list(dict.fromkeys([*right_closing, *left_closing]))
    bonds = [*dict.fromkeys(left_bond)], [*dict.fromkeys(right_bond)]
    n_closing = len(closing), len(dict.fromkeys(right_closing))

    def places(closings: list[bytes], bond: list[bytes], side: int) -> _Places:
        where = np.array([closing.index(key) for key in closings]), np.array([bonds[side].index(key) for key in bond])
        return _Places(*where, (n_closing[side], len(bonds[side])))

    def matrix(first: int, entries: int, sides: tuple[int, int]) -> _Matrix:
        own = slice(first, first + entries)
        pairs = zip((plan.inner.left, plan.inner.right), sides, strict=True)
        row, column = (np.array([bonds[side].index(key) for key in _keys(table[:, own])]) for table, side in pairs)
        return _Matrix(first, row, column, (len(bonds[sides[0]]), len(bonds[sides[1]])))

    sizes = [terms.a.shape[1] for terms in (plan.pull_left, plan.pull_right, plan.pull_measure)]
    return _Geometry(
        left=places(left_closing, left_bond, 0),
        right=places(right_closing, right_bond, 1),
        step_left=matrix(0, sizes[0], (0, 0)),
        step_right=matrix(sizes[0], sizes[1], (1, 1)),
        measure=matrix(sizes[0] + sizes[1], sizes[2], (0, 1)),
    )


def _keys(bonds: Int[np.ndarray, "layers states"]) -> list[bytes]:
    """One hashable name per column of a table of bonds."""
    return [column.tobytes() for column in np.ascontiguousarray(bonds.T)]
