"""`qcxr draw`: the circuit as text and as a PNG, by PennyLane's drawer."""

from pathlib import Path

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.errors import InputError
from qcxr.study.files import replacing

MAX_WIRES = 30  # of the PNG; beyond, nothing could be read


def draw(ansatz: Ansatz, *, noise: Noise | dict | None = None, png: str | Path | None = None) -> str:
    """The circuit as text; with `png` also a figure in that file (written whole or not at all).

    Angles show as x0, x1, ... and weights as w0,0, w0,1, ... (layer, qubit). Raises InputError for more wires than a
    figure can show.
    """
    import pennylane as qml

    from qcxr.circuits.pennylane import circuit

    noise = Noise.of(noise)
    n = ansatz.n_qubits
    if png is not None and n > MAX_WIRES:
        raise InputError(f"a figure can show at most {MAX_WIRES} qubits, got {n}; draw the text only")
    angles = [f"x{i}" for i in range(n)]
    weights = _Grid(ansatz.n_layers, n)

    def quantum_function():
        return circuit(ansatz, weights, angles, noise)

    node = qml.QNode(quantum_function, qml.device("default.qubit", wires=n))
    text = qml.draw(node, max_length=10**6, show_all_wires=True)()
    if png is not None:
        import matplotlib

        matplotlib.use("Agg")
        figure, _ = qml.draw_mpl(node, decimals=2, style="black_white", show_all_wires=True)()
        with replacing(png) as partial:
            figure.savefig(partial, format="png", dpi=100, bbox_inches="tight")
        matplotlib.pyplot.close(figure)
    return text


class _Grid:
    """Names instead of weights, indexed like an array (L, n)."""

    def __init__(self, n_layers, n_qubits):
        self.shape = n_layers, n_qubits

    def __getitem__(self, index):
        return f"w{index[0]},{index[1]}"
