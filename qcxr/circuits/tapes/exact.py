"""The exact chain of any tape: environments along the qubits, one column after the other (`program` says which).

A column is one product of its site tensor with the environment (`sites`). Where that tensor has too many entries the
column is passed step by step, gate by gate; arrays then have a wire's Pauli first and the batch last, so that a step is
one product of a small matrix with a wide one.
Forward-mode differentiation is not supported.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from qcxr.circuits.pauli import IDENTITY
from qcxr.circuits.tapes.columns import Column, Turn
from qcxr.circuits.tapes.gates import KINDS, ZERO, halves
from qcxr.circuits.tapes.program import Phase, Program, Segment, program
from qcxr.circuits.tapes.sites import features, passed
from qcxr.circuits.tapes.support import Move, Plan
from qcxr.circuits.tapes.tape import Tape, Values

_HIGHEST = jax.lax.Precision.HIGHEST  # float32 stays float32 on GPUs that would round to TF32
Environment = Float[Array, "_ batch"]  # by row of its cut
# of a column: each step's matrices (Pauli before, bond, Pauli after), and the wire's start; a batch where it matters
Tables = tuple[tuple[Float[Array, "4 _ 4 ..."], ...], Float[Array, "4 ..."]]
Numbers = Tables | Float[Array, "_ batch"]  # or the entries of its site tensor
# the same for all repeats of a column, which come first
Repeated = tuple[tuple[Float[Array, "_ 4 _ 4 ..."], ...], Float[Array, "_ 4 ..."]] | Float[Array, "_ _ batch"]
Seen = list[Float[Array, "repeats _ batch"]]  # the right environments of each phase


def words(
    tape: Tape, weights: Float[Array, "*shape"], angles: Float[Array, "batch angles"]
) -> Float[Array, "batch words"]:
    """Expectation value of each of the tape's words.

    Raises InputError if the environments grow too large.
    """
    return _run(program(tape), tape.split(weights, angles)).T


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def pick(rows: Float[Array, "*stage rows batch"], move: Move) -> Float[Array, "*picked batch"]:
    """No row is taken twice, so the reverse pass picks too, where JAX would scatter."""
    return _take(rows, move.take)


def _take(rows: Float[Array, "*stage rows batch"], index: Int[np.ndarray, "*index"]) -> Float[Array, "*picked batch"]:
    if not rows.shape[-2]:  # an environment that is known to be zero
        return jnp.zeros((*rows.shape[:-2], *index.shape, rows.shape[-1]), rows.dtype)
    mode = "fill" if (index == rows.shape[-2]).any() else "promise_in_bounds"
    return rows.at[..., jnp.asarray(index, jnp.int32), :].get(mode=mode, fill_value=0)


def _pick_forward(rows: Float[Array, "..."], move: Move) -> tuple[Float[Array, "..."], None]:
    return _take(rows, move.take), None


def _pick_backward(move: Move, _: None, g: Float[Array, "..."]) -> tuple[Float[Array, "..."]]:
    stage = g.shape[: g.ndim - 1 - move.take.ndim]
    return (_take(g.reshape(*stage, move.take.size, g.shape[-1]), move.back),)


pick.defvjp(_pick_forward, _pick_backward)


def _run(plans: Program, values: Values) -> Float[Array, "words batch"]:
    one = jnp.ones((1, values.own.shape[1]), values.own.dtype)
    prepared = [_prepare(segment, values) for segment in plans.segments]
    right, rights = one, []
    for segment, tables in zip(plans.segments[::-1], prepared[::-1], strict=True):
        right, seen = _leftward(segment, tables, right)
        rights.append(seen)
    lefts: tuple[Environment, ...] = tuple(one for _ in plans.segments[0].enter)
    out = []
    for segment, tables, seen in zip(plans.segments, prepared, rights[::-1], strict=True):
        lefts, found = _rightward(segment, tables, seen, lefts)
        out.append(found.reshape(-1, one.shape[1]))
    return jnp.concatenate([*out, one])[np.array(plans.order, np.int32)]


def _prepare(segment: Segment, values: Values) -> list[Repeated]:
    """Of each phase, with an axis of repeats first."""
    return [
        jax.vmap(partial(_numbers, phase))(Values(values.shared[shared], values.own[own]))
        for phase, shared, own in zip(segment.phases, segment.shared, segment.own, strict=True)
    ]


def _numbers(phase: Phase, values: Values) -> Numbers:
    """What the phase's plans multiply by: the entries of its site tensor, or its steps' tables."""
    sites, column = phase.sites, phase.role.column
    if sites is None:
        return _tables(column, values)
    if sites.constant is not None:
        return sites.from_features(*features(column, values))
    return sites.from_tables(*_tables(column, values), values.own.shape[1])


def _beyond(phase: Phase, which: int, pauli: int, numbers: Numbers, given: Environment) -> Environment:
    """The environment beyond the column by that one of the phase's plans, with that Pauli measured on its wire."""
    if not isinstance(numbers, tuple):
        assert phase.sites is not None
        product = phase.sites.products[which]
        return passed(product, numbers[product.entries], given)
    plan, column = phase.plans[which], phase.role.column
    return _advance(column.mirrored() if plan is phase.right else column, plan, pauli, numbers, given)


def _tables(column: Column, values: Values) -> Tables:
    """values: the column's parameters, in the order of its steps."""
    used = {True: 0, False: 0}

    def following(count: int, own: bool) -> Float[Array, " parameters *batch"]:
        used[own] += count
        return (values.own if own else values.shared)[used[own] - count : used[own]]

    def turned(turns: tuple[Turn, ...]) -> Float[Array, "4 4 *batch"]:
        out = jnp.eye(4, dtype=values.shared.dtype)
        for name, own in turns:
            matrix = KINDS[name].transfer(following(KINDS[name].parameters, own))
            out = jnp.einsum("pq...,qs...->ps...", out, matrix, precision=_HIGHEST)
        return out

    tables = []
    for step in column.steps:
        turn, half, kind = turned(step.turns), halves(step.gate), KINDS[step.gate]
        table = jnp.asarray(half.first, turn.dtype)
        if step.second:
            features = kind.features(following(kind.parameters, step.own))
            table = jnp.tensordot(jnp.asarray(half.second, turn.dtype), features, (0, 0), precision=_HIGHEST)
        tables.append(jnp.einsum("pq...,rqs...->srp...", turn, table, precision=_HIGHEST))
    zero = jnp.asarray(ZERO, values.shared.dtype)
    return tuple(tables), jnp.einsum("pq...,q->p...", turned(column.rest), zero, precision=_HIGHEST)


def _advance(column: Column, plan: Plan, pauli: int, tables: Tables, given: Environment) -> Environment:
    """The environment beyond the column, with that Pauli measured on its wire."""
    steps, start = tables
    state = jnp.zeros((4, *given.shape), given.dtype).at[pauli].set(given)
    for step, move, table in zip(column.steps, plan.moves, steps, strict=True):
        if step.opens:
            grown = _product("srp{b},pmb->srmb", table, state)
            state = pick(grown.reshape(4, -1, given.shape[1]), move)
        else:
            state = _product("srp{b},prmb->smb", table, pick(state, move))
    return pick(_product("p{b},pmb->mb", start, state), plan.end)


def _product(sums: str, table: Float[Array, "..."], state: Float[Array, "..."]) -> Float[Array, "..."]:
    own = table.ndim == len(sums.split("{")[0]) + 1
    return jnp.einsum(sums.format(b="b" if own else ""), table, state, precision=_HIGHEST)


def _leftward(segment: Segment, tables: list[Repeated], right: Environment) -> tuple[Environment, Seen]:
    """The right environment left of the segment, and those right of each column, [repeat, row] by phase."""

    def repeat(right: Environment, tables: list[Numbers]) -> tuple[Environment, list[Environment]]:
        seen = []
        for phase, table in zip(segment.phases[::-1], tables[::-1], strict=True):
            seen.append(right)
            if phase.right is not None:
                right = _beyond(phase, len(phase.plans) - 1, IDENTITY, table, right)
        return right, seen[::-1]

    if segment.enter_right is None:
        return right, [jnp.zeros((segment.repeats, 0, right.shape[1]), right.dtype) for _ in segment.phases]
    right, seen = _scan(repeat, pick(right, segment.enter_right), tables, segment.repeats, reverse=True)
    return right if segment.leave_right is None else pick(right, segment.leave_right), seen


def _rightward(
    segment: Segment, tables: list[Repeated], rights: Seen, lefts: tuple[Environment, ...]
) -> tuple[tuple[Environment, ...], Float[Array, "repeats ends batch"]]:
    """The left environments right of the segment, and the words that end in it."""

    def repeat(
        lefts: tuple[Environment, ...], given: tuple[list[Numbers], list[Environment]]
    ) -> tuple[tuple[Environment, ...], Float[Array, "ends batch"]]:
        found = [jnp.zeros((0, lefts[0].shape[1]), lefts[0].dtype)]
        for phase, table, right in zip(segment.phases, *given, strict=True):
            lefts, ended = _column(phase, table, right, lefts)
            found += ended
        return lefts, jnp.concatenate(found)

    if not lefts:
        return lefts, jnp.zeros((segment.repeats, 0, rights[0].shape[-1]), rights[0].dtype)
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
    phase: Phase, tables: Numbers, right: Environment, lefts: tuple[Environment, ...]
) -> tuple[tuple[Environment, ...], list[Float[Array, "1 batch"]]]:
    role, first = phase.role, len(phase.passes)
    ended = [
        jnp.sum(_beyond(phase, first + k, pauli, tables, lefts[i]) * right, 0, keepdims=True)
        for k, (i, pauli) in enumerate(role.ends)
    ]
    after = {j: _beyond(phase, k, pauli, tables, lefts[i]) for k, (i, pauli, j) in enumerate(role.passes)}
    return tuple(after[j] for j in sorted(after)), ended
