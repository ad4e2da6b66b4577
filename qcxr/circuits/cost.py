"""What `auto` goes by: expected seconds of one value-and-gradient step, fitted to measurements."""

from qcxr.circuits.ansatz import Ansatz


def choose(ansatz: Ansatz, batch: int, *, noisy: bool) -> str:
    """`chain`, `statevector` or (noise on gates that are no chain) `pennylane`."""
    if ansatz.pattern == "all_to_all":
        return "pennylane" if noisy else "statevector"
    if noisy or ansatz.pattern == "none":
        return "chain"
    return "statevector" if ansatz.n_qubits <= 4 + 2 * (ansatz.n_layers - 1) else "chain"
