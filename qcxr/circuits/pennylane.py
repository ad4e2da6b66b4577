"""The oracle: the same circuit in PennyLane, on any of its devices.

Importing this module imports PennyLane, which takes seconds; only the engine of this name and the drawer do so.
"""

import warnings
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import pennylane as qml
from jax import Array
from jaxtyping import Float

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, Rates, present
from qcxr.circuits.simulator import Simulator


@runtime_checkable
class Indexed(Protocol):
    """What gates take their angles from: an array of any of PennyLane's interfaces, also a traced one, or names."""

    def __getitem__(self, index: Any, /) -> Any: ...


def _is_concrete(value: object) -> bool:
    """Whether a value is known while tracing, as `jax.core.is_concrete` told until JAX 0.11."""
    return not isinstance(value, jax.core.Tracer) or value.to_concrete_value() is not None


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    if not hasattr(jax.core, "is_concrete"):  # PennyLane 0.45 asks for it under jit, JAX 0.12 has dropped the name
        jax.core.is_concrete = _is_concrete


def build(ansatz: Ansatz, *, device: str | None = None, diff_method: str = "backprop") -> Simulator:
    """One circuit per sample under vmap.

    device: by default `default.qubit`, with noise `default.mixed`.
    """

    def expectations(
        weights: Float[Array, "layers qubits"], angles: Float[Array, "batch qubits"], noise: Noise
    ) -> Float[Array, "batch qubits"]:
        name = device or ("default.qubit" if noise.is_unitary else "default.mixed")
        node = qml.QNode(
            lambda w, x: circuit(ansatz, w, x, noise),
            qml.device(name, wires=ansatz.n_qubits),
            interface="jax",
            diff_method=diff_method,
        )
        with warnings.catch_warnings():  # PennyLane 0.45's own: asks for complex128 under float32, old JAX names
            warnings.filterwarnings("ignore", "Explicitly requested dtype complex128")
            warnings.filterwarnings("ignore", "jax.core.is_concrete is deprecated")
            return jax.vmap(lambda x: jnp.stack(node(weights, x)))(angles).astype(angles.dtype)

    return expectations


def circuit(ansatz: Ansatz, weights: Indexed, angles: Indexed, noise: Noise | None = None) -> list:
    """The circuit of one sample, as the body of a QNode: weights[layer, qubit], angles[qubit]. <Z> of every qubit."""
    gates(ansatz, weights, angles, noise or Noise())
    return [qml.expval(qml.Z(i)) for i in range(ansatz.n_qubits)]


def gates(ansatz: Ansatz, weights: Indexed, angles: Indexed, noise: Noise) -> None:
    """Queues the circuit without its measurements."""
    encode, rotate = getattr(qml, ansatz.encoding), getattr(qml, ansatz.rotation)
    entangle = getattr(qml, ansatz.entangler)
    wires = range(ansatz.n_qubits)
    for i in wires:
        qml.Hadamard(i)
        _channels(noise.one_qubit, i)
    for layer in range(ansatz.n_layers):
        if layer == 0 or ansatz.reupload:
            for i in wires:
                encode(angles[i], i)
                _channels(noise.one_qubit, i)
        for i in wires:
            rotate(weights[layer, i], i)
            _channels(noise.one_qubit, i)
        for pair in ansatz.joined(layer):
            entangle(wires=pair)
            for i in pair:
                _channels(noise.two_qubit, i)


def _channels(rates: Rates, wire: int) -> None:
    for name, channel in (
        ("depolarizing", qml.DepolarizingChannel),
        ("bit_flip", qml.BitFlip),
        ("phase_flip", qml.PhaseFlip),
        ("amplitude_damping", qml.AmplitudeDamping),
        ("phase_damping", qml.PhaseDamping),
    ):
        rate = getattr(rates, name)
        if present(rate):
            channel(rate, wires=wire)
