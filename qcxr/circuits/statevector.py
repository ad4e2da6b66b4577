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
from jaxtyping import Float

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.contract import contract
from qcxr.circuits.evolution import evolve
from qcxr.circuits.layout import Layout, krons, product
from qcxr.circuits.noise import Noise
from qcxr.circuits.simulator import Simulator
from qcxr.circuits.unitaries import rotation

COPIES = 6  # state vectors of a sample alive at once in the reverse pass, measured upper bound
_AMPLITUDES = 2**17  # of the samples that go through the layers together

Weights = Float[Array, "layers qubits"]
Angles = Float[Array, "batch qubits"]
Expectations = Float[Array, "batch qubits"]


def build(ansatz: Ansatz, *, memory_mb: float = 4096) -> Simulator:
    """Of a circuit that `cost.check` lets pass; the batch goes in chunks that fit into `memory_mb`."""

    def expectations(weights: Weights, angles: Angles, noise: Noise) -> Expectations:
        del noise  # it has none on gates
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
    chunk = min(batch, max(1, _AMPLITUDES >> ansatz.n_qubits), max(1, int(room / COPIES)))
    pieces = math.ceil(batch / chunk)
    chunk = math.ceil(batch / pieces)
    piece: Callable[[Weights, Angles], Expectations] = functools.partial(_expectations, ansatz)
    if pieces == 1:
        return piece(weights, angles)
    if chunk * COPIES + batch > room:
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
    encode, rotate = (functools.partial(rotation, name) for name in (ansatz.encoding, ansatz.rotation))
    encoded = encode(angles)  # (B, n, 2, 2)
    wires = contract("nij,bnj->bni", rotate(weights[0]), math.sqrt(0.5) * encoded.sum(-1))
    turns = rotate(weights[1:])  # (L - 1, n, 2, 2)
    if ansatz.reupload:
        turns = contract("lnij,njk->lnik", turns, encoded[0])  # of one sample
    return evolve(ansatz, layout, product(layout, wires), krons(layout, turns))
