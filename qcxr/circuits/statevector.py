"""All 2^n amplitudes: for few qubits, many layers, or gates between far wires.

Real where the circuit is real. The first layer makes a product state; later rotations act as products with matrices
of up to six qubits; entanglers are one permutation of the amplitudes (CNOT) or one sign each (CZ). Every step is
undone exactly in the reverse pass, so its memory is a few state vectors per sample, whatever the number of layers.
"""

import functools
import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import DTypeLike
from jaxtyping import Complex, Float, Inexact, Int

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.circuits.simulator import Simulator
from qcxr.errors import InputError

_BLOCK = 6  # qubits per matrix product
_COPIES = 6  # state vectors alive at once in the reverse pass, measured upper bound

Weights = Float[Array, "layers qubits"]
Angles = Float[Array, "batch qubits"]
Expectations = Float[Array, "batch qubits"]
State = Float[Array, "batch amplitudes"] | Complex[Array, "batch amplitudes"]
# a rotation of the qubits of a block, the same for all samples or one of each
Matrix = Inexact[Array, "side side"] | Inexact[Array, "batch side side"]
# those of all blocks of every layer; sides differ from block to block
Layers = list[list[Inexact[Array, "_side _side"] | Inexact[Array, "batch _side _side"]]]


def build(ansatz: Ansatz, *, memory_mb: float = 4096) -> Simulator:
    """The batch goes in chunks that fit into `memory_mb`.

    Raises InputError where not even one sample fits, and for noise on the gates.
    """
    sample_mb = state_mb(ansatz) * _COPIES
    if sample_mb > memory_mb:
        other = "chain" if ansatz.pattern != "all_to_all" and ansatz.permutation_seed is None else "pennylane"
        raise InputError(
            f"engine 'statevector' needs {sample_mb:,.0f} MB for one sample of {ansatz.n_qubits} qubits, more than "
            f"memory_mb = {memory_mb:,.0f}; use engine '{other}' or raise memory_mb"
        )

    def expectations(weights: Weights, angles: Angles, noise: Noise) -> Expectations:
        if not noise.is_unitary:
            raise InputError(
                "engine 'statevector' knows no noise on gates, got rates; use engine 'chain' or 'pennylane'"
            )
        size = 2 if angles.dtype == jnp.float64 else 1
        return _chunked(functools.partial(_expectations, ansatz), weights, angles, int(memory_mb / sample_mb / size))

    return expectations


def state_mb(ansatz: Ansatz) -> float:
    """One float32 or complex64 state vector in MB."""
    return 2.0**ansatz.n_qubits * (4 if ansatz.is_real else 8) / 2**20


def _chunked(
    f: Callable[[Weights, Angles], Expectations], weights: Weights, angles: Angles, chunk: int
) -> Expectations:
    """f over the batch, at most `chunk` samples at a time."""
    batch, chunk = angles.shape[0], max(chunk, 1)
    if batch <= chunk:
        return f(weights, angles)
    pieces = math.ceil(batch / chunk)
    chunk = math.ceil(batch / pieces)
    padded = jnp.pad(angles, ((0, pieces * chunk - batch), (0, 0))).reshape(pieces, chunk, -1)
    piece = jax.checkpoint(f, prevent_cse=False)
    return jax.lax.map(lambda x: piece(weights, x), padded).reshape(pieces * chunk, -1)[:batch]


def _expectations(ansatz: Ansatz, weights: Weights, angles: Angles) -> Expectations:
    encode, rotate = (functools.partial(_rotation, name) for name in (ansatz.encoding, ansatz.rotation))
    plus = jnp.full(2, math.sqrt(0.5), angles.dtype)
    encoded = encode(angles)  # (B, n, 2, 2)
    wires = jnp.einsum("nij,bnj->bni", rotate(weights[0]), encoded @ plus)
    state = functools.reduce(_outer, [wires[:, i] for i in range(ansatz.n_qubits)])
    turns = rotate(weights[1:])  # (L - 1, n, 2, 2)
    if ansatz.reupload:
        turns = turns[:, None] @ encoded
    blocks = [
        [functools.reduce(_kron, [turns[layer, ..., i, :, :] for i in block]) for block in _blocks(ansatz.n_qubits)]
        for layer in range(ansatz.n_layers - 1)
    ]
    return _evolve(ansatz, state, blocks)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _evolve(ansatz: Ansatz, state: State, layers: Layers) -> Expectations:
    """<Z> of every qubit, from the state before the first entanglers and the rotations of the layers after it."""
    return _evolve_forward(ansatz, state, layers)[0]


def _evolve_forward(ansatz: Ansatz, state: State, layers: Layers) -> tuple[Expectations, tuple[State, Layers]]:
    state = _entangle(ansatz.joined(0), ansatz, state)
    for number, layer in enumerate(layers, 1):
        for qubits, matrix in zip(_blocks(ansatz.n_qubits), layer, strict=True):
            state = _apply(matrix, state, qubits)
        state = _entangle(ansatz.joined(number), ansatz, state)
    return _measure(ansatz.n_qubits, state), (state, layers)


def _evolve_backward(ansatz: Ansatz, saved: tuple[State, Layers], g: Expectations) -> tuple[State, Layers]:
    """Walks back with the state and its cotangent; JAX's cotangents of complex arrays are not conjugated."""
    state, layers = saved
    cotangent = 2 * _diagonal(ansatz.n_qubits, g) * state.conj()
    grads = []
    for number, layer in reversed(list(enumerate(layers, 1))):
        pairs = ansatz.joined(number)
        state, cotangent = (_entangle(pairs, ansatz, a, inverse=True) for a in (state, cotangent))
        grad = []
        for qubits, matrix in reversed(list(zip(_blocks(ansatz.n_qubits), layer, strict=True))):
            state = _apply(jnp.swapaxes(matrix, -1, -2).conj(), state, qubits)
            grad.append(_pair(cotangent, state, qubits, matrix))
            cotangent = _apply(jnp.swapaxes(matrix, -1, -2), cotangent, qubits)
        grads.append(grad[::-1])
    return _entangle(ansatz.joined(0), ansatz, cotangent, inverse=True), grads[::-1]


_evolve.defvjp(_evolve_forward, _evolve_backward)


def _rotation(name: str, angle: Float[Array, "*angles"]) -> Inexact[Array, "*angles 2 2"]:
    """Real for RY."""
    c, s = jnp.cos(angle / 2), jnp.sin(angle / 2)
    if name == "RY":
        rows = [[c, -s], [s, c]]
    elif name == "RX":
        rows = [[c + 0j, -1j * s], [-1j * s, c + 0j]]
    else:
        rows = [[c - 1j * s, 0j * c], [0j * c, c + 1j * s]]
    return jnp.stack([jnp.stack(row, -1) for row in rows], -2)


def _outer(a: Inexact[Array, "batch left"], b: Inexact[Array, "batch right"]) -> Inexact[Array, "batch left*right"]:
    return (a[:, :, None] * b[:, None, :]).reshape(a.shape[0], -1)


def _kron(a: Inexact[Array, "*batch a a"], b: Inexact[Array, "*batch b b"]) -> Inexact[Array, "*batch a*b a*b"]:
    product = a[..., :, None, :, None] * b[..., None, :, None, :]
    return product.reshape(*a.shape[:-2], a.shape[-2] * b.shape[-2], a.shape[-1] * b.shape[-1])


@functools.cache
def _blocks(n: int) -> list[range]:
    """Consecutive qubits in groups of nearly the same size, at most _BLOCK."""
    count = math.ceil(n / _BLOCK)
    edges = [n * i // count for i in range(count + 1)]
    return [range(a, b) for a, b in itertools.pairwise(edges)]


def _split(state: State, qubits: range) -> Inexact[Array, "batch before block after"]:
    return state.reshape(state.shape[0], 2**qubits.start, 2 ** len(qubits), -1)


def _apply(matrix: Matrix, state: State, qubits: range) -> State:
    spec = "ij,aljr->alir" if matrix.ndim == 2 else "aij,aljr->alir"
    return jnp.einsum(spec, matrix, _split(state, qubits)).reshape(state.shape)


def _pair(cotangent: State, state: State, qubits: range, matrix: Matrix) -> Matrix:
    """Gradient of the block's matrix: real where the matrix is, also in a complex state (RY after RX or RZ)."""
    spec = "alir,aljr->aij" if matrix.ndim == 3 else "alir,aljr->ij"
    pair = jnp.einsum(spec, _split(cotangent, qubits), _split(state, qubits))
    return pair if jnp.iscomplexobj(matrix) else pair.real


def _entangle(pairs: tuple[tuple[int, int], ...], ansatz: Ansatz, state: State, inverse: bool = False) -> State:
    """One layer's entanglers (their inverse), as index arithmetic on 0 .. 2^n - 1; qubit 0 is the highest bit."""
    n = ansatz.n_qubits
    if not pairs:
        return state
    index = jnp.arange(2**n, dtype=jnp.int32)
    if ansatz.entangler == "CZ":
        sign = functools.reduce(jnp.bitwise_xor, [_bit(index, n, i) & _bit(index, n, j) for i, j in pairs])
        return state * (1 - 2 * sign).astype(state.real.dtype)
    source = index
    for control, target in pairs if inverse else reversed(pairs):
        source = source ^ (_bit(source, n, control) << (n - 1 - target))
    return state.at[:, source].get(mode="promise_in_bounds", unique_indices=True)


def _bit(index: Int[Array, " amplitudes"], n: int, qubit: int) -> Int[Array, " amplitudes"]:
    return (index >> (n - 1 - qubit)) & 1


def _measure(n: int, state: State) -> Expectations:
    p = jnp.square(state.real) + jnp.square(state.imag) if jnp.iscomplexobj(state) else jnp.square(state)
    return jnp.concatenate([_split(p, q).sum((1, 3)) @ _signs(len(q), p.dtype) for q in _blocks(n)], -1)


def _diagonal(n: int, g: Expectations) -> Float[Array, "batch amplitudes"]:
    """sum_i g_i Z_i of every basis state."""
    parts = [g[:, q.start : q.stop] @ _signs(len(q), g.dtype).T for q in _blocks(n)]
    return functools.reduce(lambda a, b: (a[:, :, None] + b[:, None, :]).reshape(a.shape[0], -1), parts)


def _signs(k: int, dtype: DTypeLike) -> Float[Array, "amplitudes {k}"]:
    """+1 or -1 of each qubit in each basis state."""
    index = jnp.arange(2**k, dtype=jnp.int32)
    return jnp.stack([1 - 2 * _bit(index, k, i) for i in range(k)], -1).astype(dtype)
