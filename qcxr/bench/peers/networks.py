"""Simulators on arrays that JAX differentiates: TensorCircuit-NG's state vector, quimb's exact tensor networks."""

from collections.abc import Callable
from typing import Any

from qcxr.bench.peers.case import Case, Gates, Peer
from qcxr.bench.peers.differentiated import differentiated


def tensorcircuit(case: Case) -> Peer:
    """TensorCircuit-NG on JAX: its state vector, jit and vmap over samples, reverse mode."""
    return differentiated(tensorcircuit_z(case), case)


def tensorcircuit_z(case: Case) -> Callable[[Any, Any], Any]:
    """The circuit in TensorCircuit-NG: (weights, angles of one sample) -> all read-outs, for JAX."""
    import jax.numpy as jnp  # comes with the peer
    import tensorcircuit as tc  # only in the process of this peer

    tc.set_backend("jax")

    def z(weights: Any, angles: Any) -> Any:
        circuit = tc.Circuit(case.n_qubits)
        case.play(Gates(circuit.h, lambda i, angle: circuit.ry(i, theta=angle), circuit.cnot), weights, angles)
        return jnp.stack([jnp.real(circuit.expectation_ps(z=[i])) for i in range(case.n_qubits)])

    return z


def quimb(case: Case) -> Peer:
    """Quimb on JAX: every <Z_i> a tensor network that is contracted exactly, jit and vmap, reverse mode."""
    import quimb as qu  # only in the process of this peer
    import quimb.tensor as qtn

    def z(weights: Any, angles: Any) -> Any:
        import jax.numpy as jnp  # comes with the peer

        circuit = qtn.Circuit(case.n_qubits)
        case.play(Gates(circuit.h, lambda i, angle: circuit.ry(angle, i), circuit.cnot), weights, angles)
        pauli = qu.pauli("Z")
        found = [
            circuit.local_expectation(pauli, i, optimize="greedy", simplify_sequence="R") for i in range(case.n_qubits)
        ]
        return jnp.stack([jnp.real(value) for value in found])

    return differentiated(z, case)
