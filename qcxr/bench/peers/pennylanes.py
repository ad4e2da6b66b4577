"""PennyLane's own devices: what the paper's code ran on, what most people run, and its matrix product states."""

from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Gates, Peer, Results
from qcxr.bench.peers.differentiated import differentiated, valued


def default_qubit(case: Case) -> Peer:
    """`default.qubit` through JAX, as the paper trained: one circuit per sample under vmap, jit, backpropagation."""
    import pennylane as qml  # only in the process of this peer

    n = case.n_qubits

    @qml.qnode(qml.device("default.qubit", wires=n), interface="jax", diff_method="backprop")
    def circuit(weights: Any, angles: Any) -> Any:
        _gates(case, weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    def z(weights: Any, angles: Any) -> Any:
        import jax.numpy as jnp  # comes with the peer

        return jnp.stack(circuit(weights, angles))

    return differentiated(z, case)


def lightning(case: Case) -> Peer:
    """`lightning.qubit`, adjoint differentiation of the sum of all read-outs, sample after sample.

    A step is the gradients'; values of the single read-outs are taken for the results only.
    """
    import pennylane as qml  # only in the process of this peer

    n, numbers = case.n_qubits, qml.numpy
    device = qml.device("lightning.qubit", wires=n)

    @qml.qnode(device)
    def read(weights: np.ndarray, angles: np.ndarray) -> list[object]:
        _gates(case, weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    @qml.qnode(device, interface="autograd", diff_method="adjoint")
    def total(weights: np.ndarray, angles: np.ndarray) -> object:
        _gates(case, weights, angles)
        return qml.expval(qml.sum(*(qml.Z(i) for i in range(n))) if n > 1 else qml.Z(0))

    slope = qml.grad(total, argnums=(0, 1))

    def once() -> tuple[np.ndarray, np.ndarray]:
        weights = numbers.array(case.weights, requires_grad=True)
        each = [slope(weights, numbers.array(angles, requires_grad=True)) for angles in case.angles]
        return np.sum([of for of, _ in each], axis=0), np.stack([np.asarray(of) for _, of in each])

    def results() -> Results:
        values = np.stack([np.asarray(read(case.weights, angles)) for angles in case.angles])
        by_weight, by_angle = once()
        return {"values": values, "by weights": by_weight, "by angles": by_angle}

    return Peer(once, results)


def mixed(case: Case) -> Peer:
    """`default.mixed` through JAX: density matrices with a depolarizing channel after every gate."""
    import pennylane as qml  # only in the process of this peer

    n = case.n_qubits

    def noisy(gate: Any) -> None:
        for wire in gate.wires:
            qml.DepolarizingChannel(case.noise, wire)

    @qml.qnode(qml.device("default.mixed", wires=n), interface="jax", diff_method="backprop")
    def circuit(weights: Any, angles: Any) -> Any:
        gates = Gates(
            lambda i: noisy(qml.Hadamard(i)),
            lambda i, angle: noisy(qml.RY(angle, i)),
            lambda *pair: noisy(qml.CNOT(pair)),
        )
        case.play(gates, weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    def z(weights: Any, angles: Any) -> Any:
        import jax.numpy as jnp  # comes with the peer

        return jnp.stack(circuit(weights, angles))

    return differentiated(z, case)


def tensor(case: Case) -> Peer:
    """`default.tensor`: a matrix product state whose bonds are as large as they must be; it has no reverse mode."""
    import pennylane as qml  # only in the process of this peer

    n = case.n_qubits
    device = qml.device("default.tensor", wires=n, method="mps", max_bond_dim=None, cutoff=1e-12)

    @qml.qnode(device)
    def circuit(angles: np.ndarray) -> list[object]:
        _gates(case, case.weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    return valued(lambda: np.stack([np.asarray(circuit(angles)) for angles in case.angles]))


def _gates(case: Case, weights: np.ndarray, angles: np.ndarray) -> None:
    """The circuit, on PennyLane's queue."""
    import pennylane as qml  # only in the process of this peer

    gates = Gates(qml.Hadamard, lambda i, angle: qml.RY(angle, i), lambda *pair: qml.CNOT(pair))
    case.play(gates, weights, angles)
