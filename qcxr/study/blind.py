"""Circuits that are blind: whose read-out ignores the angles or the weights, so that a head learns nothing by them.

Known by algebra, for every width, and without JAX; a test finds the same by simulating all options.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Options(Protocol):
    """What of a circuit decides it; `qcxr.circuits.Ansatz` has it all."""

    @property
    def encoding(self) -> str: ...
    @property
    def rotation(self) -> str: ...
    @property
    def entangler(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def reupload(self) -> bool: ...


def blindness(options: Options, n_qubits: int, layers: int) -> str | None:
    """Why the circuit's <Z_i>, without noise, ignore its angles or its weights, and a way out; None if they do not."""
    encoding, rotation = options.encoding, options.rotation
    again = options.reupload and layers > 1  # in a single layer, the angles enter once anyway
    if encoding == rotation == "RZ":  # after H every gate is diagonal or moves basis states of equal amplitude
        return "RZ only turns phases, which <Z> does not see: every output is 0; set rotation or encoding to RY"
    if encoding == "RX" and not again:
        return (
            "H prepares |+>, an eigenstate of RX: the angles have no effect; set encoding to RY, or reupload to true "
            "with at least 2 layers"
        )
    if rotation == "RZ" and not again:  # the gates turn Z into strings of Z, with which RZ commutes
        return (
            "RZ commutes with what is read out: the weights have no effect; set rotation to RY, or reupload to true "
            "with at least 2 layers"
        )
    if encoding != "RX" or rotation == "RY":
        return None
    # CNOTs leave |+> on all qubits as it is, CZ does not
    turning = options.entangler == "CZ" and options.pattern != "none" and n_qubits > 1
    if rotation == "RX":
        # X on all qubits commutes with RX, and with CZ if each qubit meets an even number of them; it flips Z's sign
        even = (options.pattern == "ring" and n_qubits > 2) or (options.pattern == "all_to_all" and n_qubits % 2 == 1)
        if not turning or layers < 3 or even:
            return "RX after RX leaves |+> on every qubit or its symmetry: every output is 0; set encoding to RY"
    elif turning and layers < 3:  # RZ and CZ commute, so two layers read a graph state by one Y
        return "RX and RZ between fewer than 3 layers of CZ leave every output 0; set encoding to RY"
    return None
