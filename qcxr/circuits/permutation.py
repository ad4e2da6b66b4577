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
    """Layers' entanglers in n numbers each, which hold one bit per qubit.

    there: for every qubit, which place away holds what moves to the basis state at home with this single 1.
    back: for every bit of a place away, which place at home holds what moves there. rows: CZ pairs, as rows of A.
    """

    there: Bits
    back: Bits
    rows: Bits


class Order(NamedTuple):
    """One layer's entanglers in full: what to read from where, and signs at home. None: all stays as it is."""

    there: Int[Array, " flat"] | None
    back: Int[Array, " flat"] | None
    sign: Float[Array, "before 1 behind"] | None


def patterns(ansatz: Ansatz, layout: Layout) -> Patterns:
    """Of every layer where they differ, of one otherwise; arrays of (layers, qubits)."""
    layers = range(1 if ansatz.permutation_seed is None else ansatz.n_layers)
    tables = [_pattern(ansatz.joined(layer), ansatz.entangler == "CNOT", layout) for layer in layers]
    return Patterns(*(np.asarray(numbers, np.int32) for numbers in zip(*tables, strict=True)))


def order(ansatz: Ansatz, layout: Layout, layer: Patterns, dtype: DTypeLike) -> Order:
    """Written out for all amplitudes of all samples, from one layer's numbers (arrays of n)."""
    n = layout.n_qubits
    home, away = (sum(layout.sizes[g] for g in where[0]) for where in (layout.home, layout.away))
    there = back = sign = None
    if layout.home != layout.away or (ansatz.pairs and ansatz.entangler == "CNOT"):
        there = _source(_span(layer.there), home, n - away, layout)
        back = _source(_span(layer.back), away, n - home, layout)
    if ansatz.pairs and ansatz.entangler == "CZ":
        index = jnp.arange(2**n, dtype=jnp.int32)
        ones = sum(((index >> (n - 1 - i)) & 1) * jax.lax.population_count(index & layer.rows[i]) for i in range(n))
        sign = (1 - 2 * (ones & 1)).astype(dtype).reshape(2**home, 1, -1)
    return Order(there, back, sign)


def entangle(order: Order, state: State) -> State:
    """From away to home."""
    state = _read(state, order.there)
    return state if order.sign is None else _signed(state, order.sign)


def disentangle(order: Order, state: State) -> State:
    """From home to away, the inverse; the map is orthogonal and real, so it is the transpose as well."""
    return _read(state if order.sign is None else _signed(state, order.sign), order.back)


def _pattern(pairs: tuple[tuple[int, int], ...], moves: bool, layout: Layout) -> tuple[list[int], ...]:
    n = layout.n_qubits
    before, behind = layout.away
    away = [qubit for g in [*before, *behind] for qubit in layout.groups[g]]
    place = {qubit: 1 << (n - 1 - position) for position, qubit in enumerate(away)}
    gates = pairs if moves else ()

    def moved(qubit: int, gates: Iterable[tuple[int, int]]) -> set[int]:
        """The ones of the basis state that a single 1 becomes."""
        ones = {qubit}
        for control, target in gates:
            ones ^= {target} if control in ones else set()
        return ones

    there = [sum(place[q] for q in moved(qubit, reversed(gates))) for qubit in range(n)]
    back = [sum(1 << (n - 1 - q) for q in moved(qubit, gates)) for qubit in away]
    rows = [0] * n
    for i, j in pairs:
        rows[i] ^= 1 << (n - 1 - j)
    return there, back, rows


def _span(images: Int[Array, " qubits"]) -> Int[Array, " amplitudes"]:
    """All 2^n exclusive ors of the images; the first one belongs to the highest bit."""
    halves = []
    for part in (images[: len(images) // 2], images[len(images) // 2 :]):
        index = jnp.arange(2 ** len(part), dtype=jnp.int32)
        bits = [(index >> (len(part) - 1 - i)) & 1 for i in range(len(part))]
        halves.append(functools.reduce(jnp.bitwise_xor, [b * part[i] for i, b in enumerate(bits)], 0 * index))
    return (halves[0][:, None] ^ halves[1]).reshape(-1)


def _source(place: Int[Array, " amplitudes"], before: int, behind: int, layout: Layout) -> Int[Array, " flat"]:
    """Flat addresses, from places without the axis of samples.

    before: qubits before that axis where the amplitudes go. behind: qubits behind it where they come from.
    """
    place = place.reshape(2**before, 1, -1)
    sample = jnp.arange(layout.samples, dtype=jnp.int32)[:, None]
    high, low = place >> behind, place & (2**behind - 1)
    return (((high * layout.samples + sample) << behind) | low).reshape(-1)


def _read(state: State, source: Int[Array, " flat"] | None) -> State:
    return state if source is None else state.at[source].get(mode="promise_in_bounds", unique_indices=True)


def _signed(state: State, sign: Float[Array, "before 1 behind"]) -> State:
    return (state.reshape(len(sign), -1, sign.shape[-1]) * sign).reshape(-1)
