"""The sweep along the chain, with its own reverse pass.

Left environments hold everything left of a bond (first column first), right environments everything right of it;
<Z_k> is the left one, column k with Z, the right one. All are sparse: one row per state of the plan, batch last, and
a zero row at the end. The function is linear in every column, so the reverse pass is two more sweeps of the same kind
and products of what the four sweeps leave; letting JAX differentiate the fused products instead crashed XLA's CPU
compiler (jax 0.10.2) or took ten times as long (0.12).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Inexact, Int

from qcxr.circuits.structure import Plan, Terms

_UNROLLED = 64  # terms written out in one fused kernel; more would cost compile time
_FUSED = 4  # sites of one step of `fused`
Left = Inexact[Array, "lefts batch"]  # a row per left state of the plan, and a zero row
Right = Inexact[Array, "rights batch"]
Column = Inexact[Array, "entries batch"]
Columns = Inexact[Array, "inner entries batch"]  # of the qubits between the first and the last
Lefts = Inexact[Array, "inner lefts batch"]
Rights = Inexact[Array, "inner rights batch"]
Pull = Inexact[Array, "_own batch"]  # the cotangents of a join's own entries
Sample = Inexact[Array, " batch"]
Saved = tuple[Right, Columns, Left, Lefts, Rights, Rights, Left, Right]


def bilinear(terms: Terms, a: Inexact[Array, "a batch"], b: Inexact[Array, "b batch"]) -> Inexact[Array, "rows batch"]:
    """Sums of products of rows of a and b, by the terms' index tables."""

    def take(
        array: Inexact[Array, "rows batch"], index: Int[Array | np.ndarray, " out"]
    ) -> Inexact[Array, "out batch"]:
        return array.at[..., index, :].get(mode="promise_in_bounds")

    if len(terms.a) > _UNROLLED:
        return jax.lax.fori_loop(
            1,
            len(terms.a),
            lambda t, out: out + take(a, jnp.asarray(terms.a)[t]) * take(b, jnp.asarray(terms.b)[t]),
            take(a, terms.a[0]) * take(b, terms.b[0]),
        )
    products = (take(a, i) * take(b, j) for i, j in zip(terms.a, terms.b, strict=True))
    return sum(products)  # type: ignore[return-value]  # there is at least one


def sweep(
    plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
) -> Inexact[Array, "inner+2 batch"]:
    """<Z_k> of every qubit, of which there are at least two; the arguments are their columns."""
    return _swept(plan, 1, first_left, first_right, inner, last_left, last_right)


def fused(
    plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
) -> Inexact[Array, "inner+2 batch"]:
    """As `sweep`, with several sites in each step of the scan: fewer steps to launch, more to compile."""
    return _swept(plan, _FUSED, first_left, first_right, inner, last_left, last_right)


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _swept(plan: Plan, sites: int, *given: Left | Right | Columns) -> Inexact[Array, "qubits batch"]:
    return _forward(plan, sites, *given)[0]


def _forward(plan: Plan, sites: int, *given: Left | Right | Columns) -> tuple[Inexact[Array, "qubits batch"], Saved]:
    """sites: of one step."""
    # XLA would otherwise compute columns anew inside every product that reads them
    first_left, first_right, inner, last_left, last_right = jax.lax.optimization_barrier(given)

    def step_left(e: Left, column: Column) -> tuple[Left, tuple[Left, Right]]:
        return bilinear(plan.step_left, column, e), (e, bilinear(plan.measure, column, e))

    def step_right(e: Right, column: Column) -> tuple[Right, Right]:
        return bilinear(plan.step_right, column, e), e

    final, (lefts, measured) = jax.lax.scan(step_left, first_left, inner, unroll=sites)
    origin, rights = jax.lax.scan(step_right, last_right, inner, reverse=True, unroll=sites)
    closes = jnp.asarray(plan.closes)[:, None]
    end = final * last_left
    head = jnp.sum(first_right * origin, 0) + jnp.sum(jnp.where(closes, end, 0), 0)
    tail = jnp.sum(jnp.where(closes, 0, end), 0)
    z = jnp.concatenate([head[None], jnp.sum(measured * rights, -2), tail[None]])
    return z, (first_right, inner, last_left, lefts, rights, measured, final, origin)


def _backward(
    plan: Plan, sites: int, saved: Saved, g: Inexact[Array, "qubits batch"]
) -> tuple[Left, Right, Columns, Left, Right]:
    first_right, inner, last_left, lefts, rights, measured, final, origin = saved
    g_end = jnp.where(jnp.asarray(plan.closes)[:, None], g[0], g[-1])

    def step_left(e: Left, site: tuple[Column, Left, Right, Sample]) -> tuple[Left, tuple[Pull, Pull]]:
        column, left, right, g = site
        pulls = bilinear(plan.pull_left, left, e), g * bilinear(plan.pull_measure, left, right)
        return bilinear(plan.step_left_back, column, e) + g * bilinear(plan.measure_back, column, right), pulls

    def step_right(e: Right, site: tuple[Column, Right, Right, Sample]) -> tuple[Right, Pull]:
        column, right, seen, g = site
        return bilinear(plan.step_right_back, column, e) + g * seen, bilinear(plan.pull_right, e, right)

    going_left = inner, lefts, rights, g[1:-1]
    start = last_left * g_end
    d_first_left, (by_left, by_measure) = jax.lax.scan(step_left, start, going_left, reverse=True, unroll=sites)
    going_right = inner, rights, measured, g[1:-1]
    d_last_right, by_right = jax.lax.scan(step_right, first_right * g[0], going_right, unroll=sites)
    d_inner = jnp.concatenate([by_left, by_right, by_measure, jnp.zeros_like(inner[:, -1:])], 1)
    return jax.lax.optimization_barrier((d_first_left, origin * g[0], d_inner, final * g_end, d_last_right))


_swept.defvjp(_forward, _backward)
