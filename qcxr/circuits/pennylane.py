"""The oracle: the same circuit in PennyLane, on any of its devices. Importing this module imports PennyLane (seconds)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pennylane as qml

from qcxr.circuits.ansatz import Ansatz


def build(ansatz: Ansatz, *, device: str = "default.qubit", diff_method: str = "backprop") -> Callable:
    """`(weights (L, n), angles (B, n)) -> (B, n)`: one circuit per sample under vmap."""
    node = qml.QNode(
        lambda w, x: circuit(ansatz, w, x),
        qml.device(device, wires=ansatz.n_qubits),
        interface="jax",
        diff_method=diff_method,
    )

    def expectations(weights, angles):
        if angles.shape[0] == 0:
            return jnp.zeros_like(angles)
        return jax.vmap(lambda x: jnp.stack(node(weights, x)))(angles).astype(angles.dtype)

    return expectations


def circuit(ansatz: Ansatz, weights, angles):
    """The circuit as PennyLane operations; weights (L, n), angles (n,)."""
    encode, rotate = getattr(qml, ansatz.encoding), getattr(qml, ansatz.rotation)
    entangle = getattr(qml, ansatz.entangler)
    for i in range(ansatz.n_qubits):
        qml.Hadamard(i)
    for layer in range(ansatz.n_layers):
        if layer == 0 or ansatz.reupload:
            for i in range(ansatz.n_qubits):
                encode(angles[i], i)
        for i in range(ansatz.n_qubits):
            rotate(weights[layer, i], i)
        for pair in ansatz.pairs:
            entangle(wires=pair)
    return [qml.expval(qml.Z(i)) for i in range(ansatz.n_qubits)]
