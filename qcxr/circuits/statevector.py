"""All 2^n amplitudes: for few qubits, many layers, or gates between far wires.

Real where the circuit is real. The first layer makes a product state; every later layer turns groups of up to six
qubits by one matrix product each (`layout`) and reads the amplitudes in the entanglers' order (`permutation`). A few
samples at a time go through all layers and back (`evolution`): their states stay in the caches, every layer is undone
exactly in the reverse pass, and neither memory nor compile time grows with the number of layers.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Inexact

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.evolution import evolve
from qcxr.circuits.layout import Layout, krons, product
from qcxr.circuits.noise import Noise
from qcxr.circuits.simulator import Simulator
from qcxr.errors import InputError

_COPIES = 6  # state vectors of a sample alive at once in the reverse pass, measured upper bound
_AMPLITUDES = 2**17  # of the samples that go through the layers together
_EXACT = jax.lax.Precision.HIGHEST

Weights = Float[Array, "layers qubits"]
Angles = Float[Array, "batch qubits"]
Expectations = Float[Array, "batch qubits"]


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
        room = memory_mb / state_mb(ansatz) / size  # in state vectors
        return _chunked(ansatz, weights, angles, room)

    return expectations


def state_mb(ansatz: Ansatz) -> float:
    """One float32 or complex64 state vector in MB."""
    return 2.0**ansatz.n_qubits * (4 if ansatz.is_real else 8) / 2**20


def _chunked(ansatz: Ansatz, weights: Weights, angles: Angles, room: float) -> Expectations:
    """A few samples at a time, so that their states lie in the caches, each time through all layers and back.

    The reverse pass starts from every sample's last state; where not all of them have `room` (in state vectors), it
    runs forward once more instead.
    """
    batch = len(angles)
    chunk = min(batch, max(1, _AMPLITUDES >> ansatz.n_qubits), max(1, int(room / _COPIES)))
    pieces = math.ceil(batch / chunk)
    chunk = math.ceil(batch / pieces)
    piece: Callable[[Weights, Angles], Expectations] = functools.partial(_expectations, ansatz)
    if pieces == 1:
        return piece(weights, angles)
    if chunk * _COPIES + batch > room:
        piece = jax.checkpoint(piece, prevent_cse=False)
    padded = jnp.pad(angles, ((0, pieces * chunk - batch), (0, 0))).reshape(pieces, chunk, -1)
    return jax.lax.map(lambda x: piece(weights, x), padded).reshape(pieces * chunk, -1)[:batch]


def _expectations(ansatz: Ansatz, weights: Weights, angles: Angles) -> Expectations:
    """Of one chunk of samples. With re-uploading each has rotations, and so matrices, of its own."""
    if ansatz.reupload:
        return jax.vmap(lambda x: _together(ansatz, weights, x[None])[0])(angles)
    return _together(ansatz, weights, angles)


def _together(ansatz: Ansatz, weights: Weights, angles: Angles) -> Expectations:
    """Of samples with the same rotations after the first layer."""
    layout = Layout.of(ansatz.n_qubits, len(angles))
    encode, rotate = (functools.partial(_rotation, name) for name in (ansatz.encoding, ansatz.rotation))
    encoded = encode(angles)  # (B, n, 2, 2)
    wires = jnp.einsum("nij,bnj->bni", rotate(weights[0]), math.sqrt(0.5) * encoded.sum(-1), precision=_EXACT)
    turns = rotate(weights[1:])  # (L - 1, n, 2, 2)
    if ansatz.reupload:
        turns = jnp.matmul(turns, encoded, precision=_EXACT)
    return evolve(ansatz, layout, product(layout, wires), krons(layout, turns))


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
