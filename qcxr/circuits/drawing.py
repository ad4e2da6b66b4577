"""`qcxr draw`: the circuit as text and as a PNG, by PennyLane's drawer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.errors import InputError
from qcxr.study.files import replacing

MAX_WIRES = 30  # of the PNG; beyond, nothing could be read


def draw(ansatz: Ansatz, *, noise: Noise | Mapping[str, Any] | None = None, png: str | Path | None = None) -> str:
    """The circuit as text; with `png` also a figure in that file (written whole or not at all).

    Angles show as x0, x1, ... and weights as w0,0, w0,1, ... (layer, qubit). Raises InputError for more wires than a
    figure can show.
    """
    noise = Noise.of(noise)
    n = ansatz.n_qubits
    if png is not None and n > MAX_WIRES:
        raise InputError(f"a figure can show at most {MAX_WIRES} qubits, got {n}; draw the text only")

    import pennylane as qml  # here: it takes seconds to import, and what cannot be drawn is refused without it

    from qcxr.circuits.pennylane import circuit  # here: it imports PennyLane

    angles = [f"x{i}" for i in range(n)]
    weights = _Grid(ansatz.n_layers, n)

    def quantum_function() -> list:
        return circuit(ansatz, weights, angles, noise)

    node = qml.QNode(quantum_function, qml.device("default.qubit", wires=n))
    text = qml.draw(node, max_length=10**6, show_all_wires=True)()
    if png is not None:
        import matplotlib  # here: a drawing as text does without it

        matplotlib.use("Agg")
        from matplotlib import pyplot  # here: the backend above comes first

        figure, _ = qml.draw_mpl(node, decimals=2, style="black_white", show_all_wires=True)()
        with replacing(png) as partial:
            figure.savefig(partial, format="png", dpi=100, bbox_inches="tight")
        pyplot.close(figure)
    return text


class _Grid:
    """Names instead of weights, indexed like their array."""

    def __init__(self, n_layers: int, n_qubits: int) -> None:
        self.shape = n_layers, n_qubits

    def __getitem__(self, index: tuple[int, int]) -> str:
        return f"w{index[0]},{index[1]}"
