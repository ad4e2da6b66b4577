"""Pauli propagation: Z of every qubit is sent backwards through the trained layers, once for all samples.

What comes out is a sum of Pauli strings on the encoded qubits, each a product of Bloch components on a sample. Nothing
is truncated, so the number of strings grows exponentially with the qubits. Values only: neither package gives gradients
with respect to the samples' angles.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Gates, Peer
from qcxr.bench.peers.differentiated import valued

MOST = 4_000_000  # strings: some GB
CHUNK = 100_000


def pauliprop(case: Case) -> Peer:
    """Qiskit's pauli-prop."""
    from pauli_prop import propagate_through_circuit  # only in the process of this peer

    def strings() -> Iterator[Any]:
        circuit = _layers(case)
        for observable in _observables(case):
            yield propagate_through_circuit(observable, circuit, max_terms=MOST, atol=1e-12, frame="h")[0]

    return valued(lambda: _values(case, strings()))


def propaq(case: Case) -> Peer:
    """Propaq, in Rust."""
    from propaq.circuits import PauliCircuit  # only in the process of this peer
    from propaq.datatypes import PauliTermSum
    from propaq.propagators import PauliPropagator

    def strings() -> Iterator[Any]:
        circuit = PauliCircuit.from_qiskit(_layers(case))
        for observable in _observables(case):
            found = PauliPropagator().propagate(PauliTermSum.from_sparse_pauli_op(observable), circuit)
            yield PauliTermSum.to_sparse_pauli_op(found)

    return valued(lambda: _values(case, strings()))


def _layers(case: Case) -> Any:
    """The trained layers, in Qiskit."""
    from qiskit import QuantumCircuit  # comes with both

    circuit = QuantumCircuit(case.n_qubits)
    gates = Gates(circuit.h, lambda i, angle: circuit.ry(float(angle), i), circuit.cx)
    case.play_layers(gates, case.weights)
    return circuit


def _observables(case: Case) -> Iterator[Any]:
    from qiskit.quantum_info import SparsePauliOp  # comes with both

    for i in range(case.n_qubits):
        yield SparsePauliOp.from_sparse_list([("Z", [i], 1.0)], num_qubits=case.n_qubits)


def _values(case: Case, operators: Iterator[Any]) -> np.ndarray:
    """<Z_i> of every sample: RY(x) H |0> has the Bloch vector (cos x, 0, -sin x)."""
    bloch = {"X": np.cos(case.angles), "Z": -np.sin(case.angles)}
    values = np.zeros(case.angles.shape)
    for k, operator in enumerate(operators):
        x, z, weights = operator.paulis.x, operator.paulis.z, operator.coeffs.real
        for start in range(0, len(weights), CHUNK):
            part = slice(start, start + CHUNK)
            product = np.where((x[part] & z[part]).any(1), 0.0, weights[part])[:, None] * np.ones(len(case.angles))
            for i in range(case.n_qubits):
                factors = np.stack([np.ones(len(case.angles)), bloch["X"][:, i], bloch["Z"][:, i]])
                product *= factors[np.where(x[part, i], 1, np.where(z[part, i], 2, 0))]
            values[:, k] += product.sum(0)
    return values
