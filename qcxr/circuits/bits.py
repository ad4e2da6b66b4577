"""What happens to measured bits: the last layer's entanglers with their noise, and read-out errors.

CNOT permutes basis states and CZ leaves them, and every channel here takes diagonal states to diagonal ones, without
looking at the rest: after the last rotation a circuit that is measured in Z is a classical one with random flips.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, PRNGKeyArray

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, present

Bits = Bool[Array, "qubits shots"]


def finish(key: PRNGKeyArray, bits: Bits, ansatz: Ansatz, noise: Noise) -> Bits:
    """The bits that are read, from outcomes after the last rotation."""
    entangle, read = jax.random.split(key)
    noisy = any(present(rate) for rate in jax.tree.leaves(noise.two_qubit))
    if ansatz.pairs and (noisy or ansatz.entangler == "CNOT"):
        bits = _entangle(entangle, bits, ansatz, noise if noisy else None)
    if noise.has_readout:
        bits = _flip(bits, jax.random.uniform(read, bits.shape), jnp.asarray(noise.readout_0), noise.readout_1)
    return bits


def _entangle(key: PRNGKeyArray, bits: Bits, ansatz: Ansatz, noise: Noise | None) -> Bits:
    pairs = np.array(ansatz.joined(ansatz.n_layers - 1))
    steps = jnp.asarray(pairs), jax.random.split(key, len(pairs))
    matrix = None if noise is None else noise.two_qubit.matrix(jnp.float32)

    def step(bits: Bits, gate: tuple[Array, PRNGKeyArray]) -> tuple[Bits, None]:
        pair, key = gate
        both = bits[pair]
        if ansatz.entangler == "CNOT":
            both = both.at[1].set(both[0] ^ both[1])
        if matrix is not None:
            # <Z> of bits 0 and 1 becomes damped +- kept
            damped, kept = matrix[pauli.Z, pauli.IDENTITY], matrix[pauli.Z, pauli.Z]
            both = _flip(both, jax.random.uniform(key, both.shape), (1 - damped - kept) / 2, (1 + damped - kept) / 2)
        return bits.at[pair].set(both), None

    return jax.lax.scan(step, bits, steps)[0]


def _flip(bits: Bits, uniform: Float[Array, "qubits shots"], up: Array, down: Array | float) -> Bits:
    """Bits with 0 turned into 1 with probability `up`, 1 into 0 with probability `down`."""
    return bits ^ (uniform < jnp.where(bits, down, up))
