"""The exact chain of any tape: environments along the qubits, one column after the other (`program` says which).

One sample, under `jax.vmap` for a batch. Forward-mode differentiation is not supported.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from qcxr.circuits.tapes.columns import Column
from qcxr.circuits.tapes.gates import KINDS, ZERO, halves
from qcxr.circuits.tapes.program import Phase, Program, Segment, program
from qcxr.circuits.tapes.support import Move, Plan
from qcxr.circuits.tapes.tape import Tape

_HIGHEST = jax.lax.Precision.HIGHEST  # float32 stays float32 on GPUs that would round to TF32
Environment = Float[Array, " rows"]
Tables = tuple[tuple[Float[Array, "bond 4 4"], ...], Float[Array, " 4"]]  # of a column's steps, and the wire's start


def words(tape: Tape, values: Float[Array, " parameters"]) -> Float[Array, " words"]:
    """Expectation value of each of the tape's words; values: `tape.values`.

    Raises InputError if the environments grow too large.
    """
    return _run(program(tape), values)


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def pick(rows: Float[Array, "*stage rows"], move: Move) -> Float[Array, "*stage picked"]:
    """Along the last axis. No row is taken twice, so the reverse pass picks too, where JAX would scatter."""
    return _take(rows, move.take)


def _take(rows: Float[Array, "..."], index) -> Float[Array, "..."]:
    padded = jnp.concatenate([rows, jnp.zeros((*rows.shape[:-1], 1), rows.dtype)], -1)
    return padded.at[..., jnp.asarray(index)].get(mode="promise_in_bounds")


pick.defvjp(
    lambda rows, move: (_take(rows, move.take), None),
    lambda move, _, g: (_take(g.reshape(*g.shape[: g.ndim - move.take.ndim], -1), move.back),),
)


def _run(plans: Program, values: Float[Array, " parameters"]) -> Float[Array, " words"]:
    one = jnp.ones(1, values.dtype)
    prepared = [_prepare(segment, values) for segment in plans.segments]
    right, rights = one, []
    for segment, tables in zip(plans.segments[::-1], prepared[::-1], strict=True):
        right, seen = _leftward(segment, tables, right)
        rights.append(seen)
    lefts: tuple[Environment, ...] = tuple(one for _ in plans.segments[0].enter)
    out = []
    for segment, tables, seen in zip(plans.segments, prepared, rights[::-1], strict=True):
        lefts, found = _rightward(segment, tables, seen, lefts)
        out.append(found.reshape(-1))
    return jnp.concatenate([*out, one])[jnp.asarray(plans.order, int)]


def _prepare(segment: Segment, values: Float[Array, " parameters"]) -> list[Tables]:
    """Of each phase, with an axis of repeats first."""
    return [
        jax.vmap(partial(_tables, phase.role.column))(values[index])
        for phase, index in zip(segment.phases, segment.parameters, strict=True)
    ]


def _tables(column: Column, values: Float[Array, " parameters"]) -> Tables:
    """values: the column's parameters, in the order of its steps."""
    at = 0

    def next_values(count: int) -> Float[Array, " parameters"]:
        nonlocal at
        at += count
        return values[at - count : at]

    def turned(names: tuple[str, ...]) -> Float[Array, "4 4"]:
        out = jnp.eye(4, dtype=values.dtype)
        for name in names:
            out = jnp.matmul(out, KINDS[name].transfer(next_values(KINDS[name].parameters)), precision=_HIGHEST)
        return out

    tables = []
    for step in column.steps:
        turn, half, kind = turned(step.turns), halves(step.gate), KINDS[step.gate]
        table = jnp.asarray(half.first, values.dtype)
        if step.second:
            features = kind.features(next_values(kind.parameters))
            table = jnp.tensordot(features, jnp.asarray(half.second, values.dtype), 1, precision=_HIGHEST)
        tables.append(jnp.einsum("pq,rqs->rps", turn, table, precision=_HIGHEST))
    return tuple(tables), jnp.matmul(turned(column.rest), jnp.asarray(ZERO, values.dtype), precision=_HIGHEST)


def _advance(column: Column, plan: Plan, pauli: int, tables: Tables, given: Environment) -> Environment:
    """The environment beyond the column, with that Pauli measured on its wire."""
    steps, start = tables
    state = jnp.zeros((4, given.shape[0]), given.dtype).at[pauli].set(given)  # the wire's Pauli first, time backward
    for step, move, table in zip(column.steps, plan.moves, steps, strict=True):
        if step.opens:
            grown = jnp.einsum("rpq,pm->qrm", table, state, precision=_HIGHEST)
            state = pick(grown.reshape(4, -1), move)
        else:
            state = jnp.einsum("rpq,prm->qm", table, pick(state, move), precision=_HIGHEST)
    return pick(jnp.matmul(start, state, precision=_HIGHEST), plan.end)


def _leftward(segment: Segment, tables: list[Tables], right: Environment) -> tuple[Environment, list]:
    """The right environment left of the segment, and those right of each column, [repeat, row] by phase."""

    def repeat(right: Environment, tables: list[Tables]) -> tuple[Environment, list[Environment]]:
        seen = []
        for phase, table in zip(segment.phases[::-1], tables[::-1], strict=True):
            seen.append(right)
            if phase.right is not None:
                right = _advance(phase.role.column.mirrored(), phase.right, 0, table, right)
        return right, seen[::-1]

    if segment.enter_right is None:
        return right, [jnp.zeros((segment.repeats, 0), right.dtype) for _ in segment.phases]
    right, seen = _scan(repeat, pick(right, segment.enter_right), tables, segment.repeats, reverse=True)
    return right if segment.leave_right is None else pick(right, segment.leave_right), seen


def _rightward(
    segment: Segment, tables: list[Tables], rights: list, lefts: tuple[Environment, ...]
) -> tuple[tuple[Environment, ...], Float[Array, "repeats ends"]]:
    """The left environments right of the segment, and the words that end in it."""

    def repeat(lefts: tuple[Environment, ...], given: tuple) -> tuple[tuple[Environment, ...], Float[Array, " ends"]]:
        found = [jnp.zeros(0, lefts[0].dtype)]
        for phase, table, right in zip(segment.phases, *given, strict=True):
            lefts, ended = _column(phase, table, right, lefts)
            found += ended
        return lefts, jnp.concatenate(found)

    if not lefts:
        return lefts, jnp.zeros((segment.repeats, 0), tables[0][1].dtype)
    entered = tuple(pick(left, move) for left, move in zip(lefts, segment.enter, strict=True))
    left, found = _scan(repeat, entered, (tables, rights), segment.repeats)
    return tuple(pick(one, move) for one, move in zip(left, segment.leave, strict=True)), found


def _scan(body: Callable, carry: Any, given: Any, repeats: int, *, reverse: bool = False) -> tuple[Any, Any]:
    """A scan that keeps the environments only and computes what is inside a column anew in the reverse pass.

    What stands alone is not scanned: there, environments may change their sizes.
    """
    if repeats > 1:
        return jax.lax.scan(jax.checkpoint(body), carry, given, reverse=reverse)
    carry, out = body(carry, jax.tree.map(lambda x: x[0], given))
    return carry, jax.tree.map(lambda x: x[None], out)


def _column(
    phase: Phase, tables: Tables, right: Environment, lefts: tuple[Environment, ...]
) -> tuple[tuple[Environment, ...], list[Float[Array, " 1"]]]:
    role = phase.role
    ended = [
        jnp.sum(_advance(role.column, plan, pauli, tables, lefts[i]) * right, keepdims=True)
        for (i, pauli), plan in zip(role.ends, phase.ends, strict=True)
    ]
    after = {
        j: _advance(role.column, plan, pauli, tables, lefts[i])
        for (i, pauli, j), plan in zip(role.passes, phase.passes, strict=True)
    }
    return tuple(after[j] for j in sorted(after)), ended
