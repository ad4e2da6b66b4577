"""What every simulator of the circuit is: one call, from weights and angles to expectation values."""

from typing import Protocol, runtime_checkable

from jax import Array
from jaxtyping import Float

from qcxr.circuits.noise import Noise


@runtime_checkable
class Simulator(Protocol):
    """What `build` of `chain`, `statevector` and `pennylane` returns; `engine.Engine` stands around one.

    weights, angles: radians, of one dtype; noise: of the gates (read-out and shots are the engine's matter). Returns
    <Z_i> of every qubit.
    """

    def __call__(
        self, weights: Float[Array, "layers qubits"], angles: Float[Array, "batch qubits"], noise: Noise
    ) -> Float[Array, "batch qubits"]: ...
