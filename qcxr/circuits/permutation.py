"""A layer's entanglers as a new order of the amplitudes (CNOT) or as a sign of each (CZ).

CNOTs send a basis state to a basis state, x to L x with a matrix L over the field of two elements. So the place of any
amplitude is the exclusive or of the places of the basis states with a single 1 (its images): n numbers say where 2^n
amplitudes go, whatever the pattern, and a circuit with another pattern in each layer scans over n numbers a layer.
A CZ pattern's sign is (-1)^(x^T A x), with its pairs as the ones of A: again n numbers, the rows of A.
"""

import functools
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.layout import Layout, State

Bits = Int[Array, "... qubits"] | Int[np.ndarray, "... qubits"]


class Patterns(NamedTuple):
    """Layers' entanglers in n numbers each, which hold one bit per qubit, the first qubit's the highest.

    there: for every qubit, the basis state that becomes the one with this single 1. back: for every qubit, the basis
    state that the one with this single 1 becomes. rows: of A, for CZ.
    """

    there: Bits
    back: Bits
    rows: Bits


class Order(NamedTuple):
    """One layer's entanglers in full: what to read from where, and signs. None: all stays as it is."""

    there: Int[Array, " flat"] | None
    back: Int[Array, " flat"] | None
    sign: Float[Array, "before 1 last"] | None


def patterns(ansatz: Ansatz) -> Patterns:
    """Of every layer where they differ, of one otherwise; arrays of (layers, qubits)."""
    layers = range(1 if ansatz.permutation_seed is None else ansatz.n_layers)
    tables = [_pattern(ansatz.joined(layer), ansatz.n_qubits) for layer in layers]
    return Patterns(*(np.asarray(numbers, np.int32) for numbers in zip(*tables, strict=True)))


def order(ansatz: Ansatz, layout: Layout, layer: Patterns, dtype: DTypeLike) -> Order:
    """Written out for all amplitudes of all samples, from one layer's numbers (arrays of n)."""
    if not ansatz.pairs:
        return Order(None, None, None)
    if ansatz.entangler == "CNOT":
        there, back = (_source(jnp.asarray(images), layout) for images in (layer.there, layer.back))
        return Order(there, back, None)
    n = layout.n_qubits
    index = jnp.arange(2**n, dtype=jnp.int32)
    ones = jnp.zeros_like(index)  # of the pairs, how many have a 1 on both qubits
    for i in range(n):
        ones += ((index >> (n - 1 - i)) & 1) * jax.lax.population_count(index & layer.rows[i])
    return Order(None, None, (1 - 2 * (ones & 1)).astype(dtype).reshape(-1, 1, 2 ** layout.sizes[-1]))


def entangle(order: Order, state: State) -> State:
    """The gates on the state."""
    return _signed(_read(state, order.there), order.sign)


def disentangle(order: Order, state: State) -> State:
    """Their inverse, which is their transpose too: the map is orthogonal and real."""
    return _signed(_read(state, order.back), order.sign)


def _pattern(pairs: tuple[tuple[int, int], ...], n: int) -> tuple[list[int], list[int], list[int]]:
    bits = [1 << (n - 1 - qubit) for qubit in range(n)]

    def moved(state: int, gates: Iterable[tuple[int, int]]) -> int:
        """The basis state after CNOTs."""
        for control, target in gates:
            state ^= bits[target] if state & bits[control] else 0
        return state

    rows = [0] * n
    for i, j in pairs:
        rows[i] ^= bits[j]
    return [moved(bit, reversed(pairs)) for bit in bits], [moved(bit, pairs) for bit in bits], rows


def _span(images: Int[Array, " qubits"]) -> Int[Array, " amplitudes"]:
    """All 2^n exclusive ors of the images; the first one belongs to the highest bit."""
    halves = []
    for part in (images[: len(images) // 2], images[len(images) // 2 :]):
        index = jnp.arange(2 ** len(part), dtype=jnp.int32)
        bits = [(index >> (len(part) - 1 - i)) & 1 for i in range(len(part))]
        halves.append(functools.reduce(jnp.bitwise_xor, [b * part[i] for i, b in enumerate(bits)], 0 * index))
    return (halves[0][:, None] ^ halves[1]).reshape(-1)


def _source(images: Int[Array, " qubits"], layout: Layout) -> Int[Array, " flat"]:
    """Flat addresses: the basis state's, with the axis of samples in front of the last group."""
    behind = layout.sizes[-1]
    place = _span(images).reshape(-1, 1, 2**behind)
    sample = jnp.arange(layout.samples, dtype=jnp.int32)[:, None]
    return ((((place >> behind) * layout.samples + sample) << behind) | (place & (2**behind - 1))).reshape(-1)


def _read(state: State, source: Int[Array, " flat"] | None) -> State:
    return state if source is None else state.at[source].get(mode="promise_in_bounds", unique_indices=True)


def _signed(state: State, sign: Float[Array, "before 1 last"] | None) -> State:
    return state if sign is None else (state.reshape(len(sign), -1, sign.shape[-1]) * sign).reshape(-1)
