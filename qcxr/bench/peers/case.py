"""What a peer is given and what it gives back: the paper's circuit as arrays, and a row of a table."""

import json
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Step = Callable[[], tuple[np.ndarray, tuple[np.ndarray, np.ndarray] | None]]


class Gates(NamedTuple):
    """What a peer calls its gates: of a qubit, of a qubit and an angle in radians, of control and target."""

    h: Callable[[int], Any]
    ry: Callable[[int, Any], Any]
    cnot: Callable[[int, int], Any]


@dataclass(frozen=True)
class Case:
    """Weights (layers, qubits) and angles (batch, qubits) in radians, of H, RY(x), then RY(w) and the ring of CNOTs."""

    weights: np.ndarray
    angles: np.ndarray

    @property
    def n_qubits(self) -> int:
        """One per column."""
        return int(self.weights.shape[1])

    @property
    def ring(self) -> list[tuple[int, int]]:
        """(control, target) of a layer's CNOTs, in order, as in PennyLane's `BasicEntanglerLayers`."""
        n = self.n_qubits
        return [(i, i + 1) for i in range(n - 1)] + [(n - 1, 0)] * (n > 2)

    def play(self, gates: Gates, weights: Any, angles: Any) -> None:
        """Call the gates of the whole circuit in order, for one sample's angles; both may be traced."""
        for i in range(self.n_qubits):
            gates.h(i)
            gates.ry(i, angles[i])
        self.play_layers(gates, weights)

    def play_layers(self, gates: Gates, weights: Any) -> None:
        """Call the gates of the trained layers only."""
        for layer in weights:
            for i in range(self.n_qubits):
                gates.ry(i, layer[i])
            for control, target in self.ring:
                gates.cnot(control, target)

    @classmethod
    def read(cls, path: str | Path) -> "Case":
        """From an .npz file of `weights` and `angles`."""
        with np.load(path) as arrays:
            return cls(arrays["weights"], arrays["angles"])


def timed(step: Step, *, seconds: float, repeats: int) -> dict[str, Any]:
    """Call `step` once, then for so long or so often, whichever ends first: milliseconds, the values, the gradients."""
    start = time.perf_counter()
    values, gradients = step()
    first = time.perf_counter() - start
    taken: list[float] = []
    while len(taken) < repeats and (not taken or time.perf_counter() - start - first < seconds):
        before = time.perf_counter()
        step()
        taken.append(1e3 * (time.perf_counter() - before))
    p10, p90 = np.quantile(taken, [0.1, 0.9])
    return {
        "first_s": first,
        "median_ms": statistics.median(taken),
        "p10_ms": float(p10),
        "p90_ms": float(p90),
        "repeats": len(taken),
        "values": np.asarray(values, np.float64).tolist(),
        "gradients": None if gradients is None else [np.asarray(part, np.float64).tolist() for part in gradients],
    }


def write(out: str | Path, row: dict[str, Any], *, packages: tuple[str, ...]) -> None:
    """Write a row with the versions of the packages behind it; a file is there as a whole or not at all."""
    row = row | {"versions": {name: metadata.version(name) for name in packages}}
    partial = Path(f"{out}.partial")
    partial.write_text(json.dumps(row) + "\n")
    os.replace(partial, out)
