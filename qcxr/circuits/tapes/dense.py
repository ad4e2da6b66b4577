"""A tape run on everything at once: all 2^n amplitudes, or with channels all 4^n Pauli coefficients.

For few qubits, any gates; one sample, under `jax.vmap` for a batch.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Complex, Float

from qcxr.circuits.tapes.gates import KINDS, ZERO
from qcxr.circuits.tapes.tape import Tape, Word
from qcxr.errors import InputError

MAX_NUMBERS = 2**24  # of one sample: 24 qubits, with channels 12


def numbers(tape: Tape) -> int:
    """How many numbers one sample takes."""
    return (2 if tape.is_unitary else 4) ** tape.n_qubits


def words(tape: Tape, values: Float[Array, " parameters"]) -> Float[Array, " words"]:
    """Expectation value of each of the tape's words; values: `tape.values`.

    Raises InputError if 2^n (with channels 4^n) numbers have no room.
    """
    if numbers(tape) > MAX_NUMBERS:
        raise InputError(
            f"a dense simulation takes at most {MAX_NUMBERS} numbers a sample, got 2^{math.log2(numbers(tape)):.0f} "
            f"({tape.n_qubits} qubits, channels: {not tape.is_unitary}); use the chain"
        )
    return _pure(tape, values) if tape.is_unitary else _mixed(tape, values)


def _pure(tape: Tape, values: Float[Array, " parameters"]) -> Float[Array, " words"]:
    n = tape.n_qubits
    dtype = jnp.result_type(values.dtype, jnp.complex64)
    state = jnp.zeros(2**n, dtype).at[0].set(1).reshape((2,) * n)
    at = 0
    for gate in tape.gates:
        kind = KINDS[gate.name]
        state = _apply(kind.matrix(values[at : at + kind.parameters], dtype), state, gate.wires)
        at += kind.parameters

    def expectation(word: Word) -> Float[Array, ""]:
        seen = state
        for wire, p in word:
            matrix = KINDS[f"Pauli{p}"].matrix(values[:0], dtype)
            seen = _apply(matrix, seen, (wire,))
        return jnp.sum(state.real * seen.real + state.imag * seen.imag)

    return jnp.stack([expectation(word) for word in tape.words])


def _mixed(tape: Tape, values: Float[Array, " parameters"]) -> Float[Array, " words"]:
    n = tape.n_qubits
    state = jnp.ones((), values.dtype)
    for _ in range(n):
        state = state[..., None] * jnp.asarray(ZERO, values.dtype)
    at = 0
    for gate in tape.gates:
        kind = KINDS[gate.name]
        state = _apply(kind.transfer(values[at : at + kind.parameters]), state, gate.wires)
        at += kind.parameters
    places = [[dict(word).get(i, "I") for i in range(n)] for word in tape.words]
    index = np.array([["IZXY".index(p) for p in place] for place in places])
    return state[tuple(index.T)]


def _apply(
    matrix: Float[Array, "d d"] | Complex[Array, "d d"],
    state: Float[Array, "..."] | Complex[Array, "..."],
    wires: tuple[int, ...],
) -> Float[Array, "..."] | Complex[Array, "..."]:
    size, k = state.shape[0], len(wires)
    axes = tuple(range(k, 2 * k)), wires
    out = jnp.tensordot(matrix.reshape((size,) * 2 * k), state, axes, precision=jax.lax.Precision.HIGHEST)
    return jnp.moveaxis(out, tuple(range(k)), wires)
