"""PennyLane's own devices: what the paper's code ran on, what most people run, and its matrix product states."""

from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Gates, Step
from qcxr.bench.peers.differentiated import differentiated


def default_qubit(case: Case) -> Step:
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


def lightning(case: Case) -> Step:
    """`lightning.qubit`, adjoint differentiation of the sum of all read-outs, sample after sample.

    Values of the single read-outs are taken once and not timed: a step is the gradients'.
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

    values = np.stack([np.asarray(read(case.weights, angles)) for angles in case.angles])
    slope = qml.grad(total, argnums=(0, 1))

    def run() -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        weights = numbers.array(case.weights, requires_grad=True)
        each = [slope(weights, numbers.array(angles, requires_grad=True)) for angles in case.angles]
        return values, (np.sum([of for of, _ in each], axis=0), np.stack([np.asarray(of) for _, of in each]))

    return run


def tensor(case: Case) -> Step:
    """`default.tensor`: a matrix product state whose bonds are as large as they must be; it has no reverse mode."""
    import pennylane as qml  # only in the process of this peer

    n = case.n_qubits
    device = qml.device("default.tensor", wires=n, method="mps", max_bond_dim=None, cutoff=1e-12)

    @qml.qnode(device)
    def circuit(angles: np.ndarray) -> list[object]:
        _gates(case, case.weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    return lambda: (np.stack([np.asarray(circuit(angles)) for angles in case.angles]), None)


def _gates(case: Case, weights: np.ndarray, angles: np.ndarray) -> None:
    """The circuit, on PennyLane's queue."""
    import pennylane as qml  # only in the process of this peer

    gates = Gates(qml.Hadamard, lambda i, angle: qml.RY(angle, i), lambda *pair: qml.CNOT(pair))
    case.play(gates, weights, angles)
