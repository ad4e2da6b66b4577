"""The sweep as one kernel launch a pass: each sample is a lane that keeps its environment and walks along all qubits.

A scan launches several kernels a qubit and sweep; here there are two launches, forward and backward, whatever n is.
A lane holds its sample's environment (208 and 26 numbers at L = 3) in registers or, what does not fit, in the memory of
its own thread; lanes do not talk to each other, so nothing has to be waited for. The products are those of the plan,
written out one by one. In Pallas: through Triton on a GPU, and in Pallas's interpreter on a CPU, where tests compare
it with `environments.sweep` (it is slow there, and meant to be compiled for a card).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas
from jax.experimental.pallas import triton
from jaxtyping import Inexact

from qcxr.circuits import environments
from qcxr.circuits.environments import Columns, Left, Right
from qcxr.circuits.structure import Plan, Terms

LANES = 32  # samples of one program: a warp
LARGEST = 8192  # products written out; more would take the compiler minutes
Rows = tuple[Array, ...]  # one vector over the lanes per state


def fits(plan: Plan) -> bool:
    """Whether the products of a plan are few enough to be written out."""
    return plan.products <= LARGEST


def sweep(
    plan: Plan, first_left: Left, first_right: Right, inner: Columns, last_left: Left, last_right: Right
) -> Inexact[Array, "inner+2 batch"]:
    """<Z_k> of every qubit, as `environments.sweep`, of the same arguments."""
    form = _walked if len(inner) else environments.sweep  # two qubits leave nothing to walk along
    return form(plan, first_left, first_right, inner, last_left, last_right)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _walked(plan: Plan, *given: Array) -> Array:
    return _forward(plan, *given)[0]


def _forward(plan: Plan, *given: Array) -> tuple[Array, tuple[tuple[Array, ...], Array, Array]]:
    inner, sites, batch = given[2], len(given[2]), given[0].shape[-1]
    shapes = [(sites + 2, batch), (sites + 1, plan.left, batch), (sites + 1, plan.right, batch)]
    z, lefts, rights = _launch(partial(_walk, plan, sites), given, shapes, inner.dtype)
    return z, (given, lefts, rights)


def _backward(plan: Plan, saved: tuple[tuple[Array, ...], Array, Array], g: Array) -> tuple[Array, ...]:
    given, lefts, rights = saved
    kernel = partial(_walk_back, plan, len(given[2]))
    return tuple(_launch(kernel, (*given, lefts, rights, g), [a.shape for a in given], g.dtype))


_walked.defvjp(_forward, _backward)


def _launch(kernel: Any, inputs: Sequence[Array], shapes: Sequence[tuple[int, ...]], dtype: Any) -> list[Array]:
    """Run a kernel over blocks of LANES samples, the last axis of every array; what is added to a batch is cut off."""
    batch = inputs[0].shape[-1]
    more = -batch % LANES
    padded = [jnp.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, more)]) for array in inputs]
    sizes = [(*shape[:-1], batch + more) for shape in shapes]

    def block(shape: tuple[int, ...]) -> pallas.BlockSpec:
        return pallas.BlockSpec((*shape[:-1], LANES), lambda i: (*(0 for _ in shape[:-1]), i))

    def call(*arrays: Array, **options: Any) -> Sequence[Array]:
        found: Sequence[Array] = pallas.pallas_call(
            kernel,
            out_shape=[jax.ShapeDtypeStruct(size, dtype) for size in sizes],
            grid=((batch + more) // LANES,),
            in_specs=[block(array.shape) for array in arrays],
            out_specs=[block(size) for size in sizes],
            **options,
        )(*arrays)
        return found

    on_card = partial(call, compiler_params=triton.CompilerParams(num_warps=1))
    found = jax.lax.platform_dependent(*padded, cpu=partial(call, interpret=True), default=on_card)
    return [array[..., :batch] for array in found]


def _walk(plan: Plan, sites: int, *refs: Any) -> None:
    """Forward: right environments from the end, left ones from the start, and what is measured between them."""
    first_left, first_right, inner, last_left, last_right, z, lefts, rights = refs

    def step_right(i: Any, e: Rows) -> Rows:
        site = sites - 1 - i
        _store(rights, site + 1, e)
        return _bilinear(plan.step_right, _column(inner, site), e, plan.right)

    def step_left(site: Any, e: Rows) -> Rows:
        column = _column(inner, site)
        _store(lefts, site, e)
        right = [rights[site + 1, s, :] for s in range(plan.right)]
        measured = _bilinear(plan.measure, column, e, plan.right)
        z[site + 1, :] = _dot(measured, right)
        return _bilinear(plan.step_left, column, e, plan.left)

    origin = jax.lax.fori_loop(0, sites, step_right, tuple(last_right[s, :] for s in range(plan.right)))
    _store(rights, 0, origin)
    final = jax.lax.fori_loop(0, sites, step_left, tuple(first_left[s, :] for s in range(plan.left)))
    _store(lefts, sites, final)
    end = [e * last_left[s, :] for s, e in enumerate(final)]
    head = [first_right[s, :] * e for s, e in enumerate(origin)]
    z[0, :] = _total([*head, *(e for e, closes in zip(end, plan.closes, strict=False) if closes)])
    z[sites + 1, :] = _total([e for e, closes in zip(end, plan.closes, strict=False) if not closes], like=z[0, :])


def _walk_back(plan: Plan, sites: int, *refs: Any) -> None:
    """Backward: the adjoint of the left environments from the end, that of the right ones from the start."""
    _, first_right, inner, last_left, _, lefts, rights, g = refs[:8]
    d_first_left, d_first_right, d_inner, d_last_left, d_last_right = refs[8:]
    sizes = [terms.a.shape[1] for terms in (plan.pull_left, plan.pull_right, plan.pull_measure)]
    nothing = jnp.zeros_like(g[0, :])

    def step_left(i: Any, e: Rows) -> Rows:
        site = sites - 1 - i
        column, weight = _column(inner, site), g[site + 1, :]
        left = [lefts[site, s, :] for s in range(plan.left)]
        right = [rights[site + 1, s, :] for s in range(plan.right)]
        _store(d_inner, site, _bilinear(plan.pull_left, left, e, sizes[0]))
        measured = _bilinear(plan.pull_measure, left, right, sizes[2])
        _store(d_inner, site, [weight * pull for pull in measured], first=sizes[0] + sizes[1])
        d_inner[site, sum(sizes), :] = nothing
        back = _bilinear(plan.step_left_back, column, e, plan.left)
        seen = _bilinear(plan.measure_back, column, right, plan.left)
        return tuple(b + weight * s for b, s in zip(back, seen, strict=True))

    def step_right(site: Any, e: Rows) -> Rows:
        column, weight = _column(inner, site), g[site + 1, :]
        left = [lefts[site, s, :] for s in range(plan.left)]
        right = [rights[site + 1, s, :] for s in range(plan.right)]
        _store(d_inner, site, _bilinear(plan.pull_right, e, right, sizes[1]), first=sizes[0])
        seen = _bilinear(plan.measure, column, left, plan.right)
        back = _bilinear(plan.step_right_back, column, e, plan.right)
        return tuple(b + weight * s for b, s in zip(back, seen, strict=True))

    ends = [g[0, :] if closes else g[sites + 1, :] for closes in plan.closes[: plan.left]]
    start = tuple(last_left[s, :] * end for s, end in enumerate(ends))
    _write(d_first_left, jax.lax.fori_loop(0, sites, step_left, start), nothing)
    _write(d_last_left, [lefts[sites, s, :] * end for s, end in enumerate(ends)], nothing)
    start = tuple(first_right[s, :] * g[0, :] for s in range(plan.right))
    _write(d_last_right, jax.lax.fori_loop(0, sites, step_right, start), nothing)
    _write(d_first_right, [rights[0, s, :] * g[0, :] for s in range(plan.right)], nothing)


def _bilinear(terms: Terms, a: Any, b: Sequence[Array], rows: int) -> Rows:
    """Sums of products by the terms' tables, those with a zero row left out; a is rows or a site's column."""
    found = []
    for out in range(rows):
        pairs = zip(terms.a[:, out].tolist(), terms.b[:, out].tolist(), strict=True)
        products = [a[i] * b[j] for i, j in pairs if i < len(a) and j < len(b)]
        found.append(_total(products, like=b[0]))
    return tuple(found)


class _column(Sequence[Array]):
    """The entries of one inner qubit, read when they are asked for; the last, zero, is none of them."""

    def __init__(self, inner: Any, site: Any) -> None:
        self.inner, self.site = inner, site

    def __len__(self) -> int:
        return int(self.inner.shape[1]) - 1

    def __getitem__(self, entry: Any) -> Any:
        return self.inner[self.site, entry, :]


def _dot(a: Sequence[Array], b: Sequence[Array]) -> Array:
    return _total([x * y for x, y in zip(a, b, strict=True)])


def _total(parts: Sequence[Array], like: Array | None = None) -> Array:
    if not parts and like is not None:
        return jnp.zeros_like(like)
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _store(ref: Any, site: Any, rows: Sequence[Array], first: int = 0) -> None:
    for s, row in enumerate(rows):
        ref[site, first + s, :] = row


def _write(ref: Any, rows: Sequence[Array], nothing: Array) -> None:
    """Rows of an end's cotangent, and the zero row below them."""
    for s, row in enumerate([*rows, nothing]):
        ref[s, :] = row
