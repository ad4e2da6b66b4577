"""`qcxr draw`: the circuit as text and as a PNG, by PennyLane's drawer."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise
from qcxr.circuits.tapes.tape import Tape
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

    return _drawn(qml.QNode(quantum_function, qml.device("default.qubit", wires=n)), png)


def draw_tape(tape: Tape, names: tuple[Sequence[str], Sequence[str]], *, png: str | Path | None = None) -> str:
    """A tape as `draw` draws an ansatz; names: of its weights and its angles."""
    if png is not None and tape.n_qubits > MAX_WIRES:
        raise InputError(f"a figure can show at most {MAX_WIRES} qubits, got {tape.n_qubits}; draw the text only")

    from qcxr.circuits.tapes.scripts import to_qnode  # here: it imports PennyLane

    weights, angles = (np.array([_Name(name) for name in some], object) for some in names)
    return _drawn(to_qnode(tape), png, weights, angles)


class _Name(str):
    """A name instead of a number: a factor leaves it as it is, and makes it text that PennyLane knows how to show."""

    def __mul__(self, factor: object) -> str:
        return str(self)


def _drawn(node: Any, png: str | Path | None, *given: Any) -> str:
    import pennylane as qml  # here: see `draw`

    text = qml.draw(node, max_length=10**6, show_all_wires=True)(*given)
    if png is not None:
        import matplotlib  # here: a drawing as text does without it

        matplotlib.use("Agg")
        from matplotlib import pyplot  # here: the backend above comes first

        figure, _ = qml.draw_mpl(node, decimals=2, style="black_white", show_all_wires=True)(*given)
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
