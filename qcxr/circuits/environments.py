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

from qcxr.circuits.structure import Plan, Terms

_UNROLLED = 48  # terms written out in one fused kernel; more would cost compile time


def bilinear(terms: Terms, a: jax.Array, b: jax.Array) -> jax.Array:
    """a (..., rows, B), b (..., rows, B) -> (..., rows, B) by the terms' index tables."""

    def take(array, index):
        return array.at[..., index, :].get(mode="promise_in_bounds")

    if len(terms.a) > _UNROLLED:
        return jax.lax.fori_loop(
            1,
            len(terms.a),
            lambda t, out: out + take(a, jnp.asarray(terms.a)[t]) * take(b, jnp.asarray(terms.b)[t]),
            take(a, terms.a[0]) * take(b, terms.b[0]),
        )
    return sum(take(a, i) * take(b, j) for i, j in zip(terms.a, terms.b, strict=True))


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def sweep(plan: Plan, first_left, first_right, inner, last_left, last_right):
    """<Z_k> of every qubit, (n, B); n >= 2.

    first_left, last_left: (left + 1, B); first_right, last_right: (right + 1, B); inner: (n - 2, entries + 1, B).
    """
    return _forward(plan, first_left, first_right, inner, last_left, last_right)[0]


def _forward(plan, first_left, first_right, inner, last_left, last_right):
    final, lefts = jax.lax.scan(lambda e, c: (bilinear(plan.step_left, c, e), e), first_left, inner)
    origin, rights = jax.lax.scan(lambda e, c: (bilinear(plan.step_right, c, e), e), last_right, inner, reverse=True)
    measured = bilinear(plan.measure, inner, lefts)
    end = final * last_left
    closes = jnp.asarray(plan.closes, end.dtype)[:, None]
    head = jnp.sum(first_right * origin, 0) + jnp.sum(closes * end, 0)
    tail = jnp.sum((1 - closes) * end, 0)
    z = jnp.concatenate([head[None], jnp.sum(measured * rights, -2), tail[None]])
    return z, (first_right, inner, last_left, lefts, rights, measured, final, origin)


def _backward(plan, saved, g):
    first_right, inner, last_left, lefts, rights, measured, final, origin = saved
    closes = jnp.asarray(plan.closes)[:, None]
    g_end = jnp.where(closes, g[0], g[-1])
    g_inner = g[1:-1, None]
    source_left = g_inner * bilinear(plan.measure_back, inner, rights)
    source_right = g_inner * measured

    def step_left(e, xs):
        column, source = xs
        return bilinear(plan.step_left_back, column, e) + source, e

    def step_right(e, xs):
        column, source = xs
        return bilinear(plan.step_right_back, column, e) + source, e

    d_first_left, d_lefts = jax.lax.scan(step_left, last_left * g_end, (inner, source_left), reverse=True)
    d_last_right, d_rights = jax.lax.scan(step_right, first_right * g[0], (inner, source_right))
    d_inner = (
        bilinear(plan.pull_left, lefts, d_lefts)
        + bilinear(plan.pull_right, d_rights, rights)
        + g_inner * bilinear(plan.pull_measure, lefts, rights)
    )
    return d_first_left, origin * g[0], d_inner, final * g_end, d_last_right


sweep.defvjp(_forward, _backward)
