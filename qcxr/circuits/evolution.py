"""From the product state of the first layer to expectation values, and back.

One loop over the layers forward, one backward, so that neither the compiled program nor its memory grows with depth:
the reverse pass keeps the last state only and undoes every layer on it, exactly, for gates are unitary.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Inexact

from qcxr.circuits import layout as layouts
from qcxr.circuits import permutation
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.layout import Layout, Matrix, State, Values
from qcxr.circuits.permutation import Order, Patterns

Layers = list[Inexact[Array, "layers _out _in"]]  # one array for each group of qubits


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def evolve(ansatz: Ansatz, layout: Layout, state: State, matrices: Layers) -> Values:
    """<Z> of every qubit.

    state: before the first layer's entanglers, as `layout.product` returns it. matrices: rotations of the layers after
    the first, one matrix for each layer and group.
    """
    return _forward(ansatz, layout, state, matrices)[0]


def _forward(ansatz: Ansatz, layout: Layout, state: State, matrices: Layers) -> tuple[Values, tuple[State, Layers]]:
    first, later = _orders(ansatz, layout, state)

    def layer(state: State, data: tuple[list[Matrix], Patterns | None]) -> tuple[State, None]:
        rotations, numbers = data
        return permutation.entangle(later(numbers), layouts.rotate(state, rotations)), None

    state, _ = jax.lax.scan(layer, permutation.entangle(first, state), (matrices, _numbers(ansatz)))
    return layouts.measure(layout, state), (state, matrices)


def _backward(ansatz: Ansatz, layout: Layout, saved: tuple[State, Layers], g: Values) -> tuple[State, Layers]:
    """Walks back with the state and its cotangent; JAX's cotangents of complex arrays are not conjugated."""
    state, matrices = saved
    first, later = _orders(ansatz, layout, state)

    def layer(
        pair: tuple[State, State], data: tuple[list[Matrix], Patterns | None]
    ) -> tuple[tuple[State, State], list[Matrix]]:
        rotations, numbers = data
        order = later(numbers)
        state, cotangent = (permutation.disentangle(order, a) for a in pair)
        state, cotangent, grads = layouts.unrotate(state, cotangent, rotations)
        return (state, cotangent), grads

    pair = state, 2 * layouts.diagonal(layout, g) * state.conj()
    (_, cotangent), grads = jax.lax.scan(layer, pair, (matrices, _numbers(ansatz)), reverse=True)
    return permutation.disentangle(first, cotangent), grads


def _numbers(ansatz: Ansatz) -> Patterns | None:
    """The entanglers of the layers after the first, to scan over; None where all layers have the same."""
    if ansatz.permutation_seed is None:
        return None
    return jax.tree.map(lambda rows: jnp.asarray(rows[1:]), permutation.patterns(ansatz))


def _orders(ansatz: Ansatz, layout: Layout, state: State) -> tuple[Order, Callable[[Patterns | None], Order]]:
    """The first layer's entanglers, and what makes those of a later one from its numbers."""
    numbers = jax.tree.map(lambda rows: jnp.asarray(rows[0]), permutation.patterns(ansatz))
    # the barrier keeps the compiler from working out 2^n constants itself
    write = functools.partial(permutation.order, ansatz, layout, dtype=state.real.dtype)
    first = write(jax.lax.optimization_barrier(numbers))
    return first, lambda later: first if later is None else write(later)


evolve.defvjp(_forward, _backward)
