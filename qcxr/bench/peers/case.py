"""What a peer is given, the head's circuit as arrays, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Results = Mapping[str, np.ndarray]


class Peer(NamedTuple):
    """A peer that has built its step.

    once: takes one step and waits for its end. results: arrays by name (values or logits, and gradients where it has
    them), computed from what the case gives, however many steps were taken since.
    """

    once: Callable[[], object]
    results: Callable[[], Results]
    device: str = "cpu"


class Gates(NamedTuple):
    """What a peer calls its gates: of a qubit, of a qubit and an angle in radians, of control and target."""

    h: Callable[[int], Any]
    ry: Callable[[int, Any], Any]
    cnot: Callable[[int, int], Any]


@dataclass(frozen=True)
class Case:
    """Weights (layers, qubits) and angles (batch, qubits) in radians, of H, RY(x), then RY(w) and the ring of CNOTs.

    noise: probability of a depolarizing channel on every qubit of every gate after it; 0 for none.
    """

    weights: np.ndarray
    angles: np.ndarray
    noise: float = 0.0

    @property
    def n_qubits(self) -> int:
        """One per column."""
        return int(self.weights.shape[1])

    def play(self, gates: Gates, weights: Any, angles: Any) -> None:
        """Call the gates of the whole circuit in order, for one sample's angles; both may be traced."""
        for i in range(self.n_qubits):
            gates.h(i)
            gates.ry(i, angles[i])
        self.play_layers(gates, weights)

    def play_layers(self, gates: Gates, weights: Any) -> None:
        """Call the gates of the trained layers only."""
        for layer in range(len(self.weights)):
            for i in range(self.n_qubits):
                gates.ry(i, weights[layer][i])
            for control, target in ring(self.n_qubits):
                gates.cnot(control, target)

    @classmethod
    def draw(cls, n_qubits: int, n_layers: int, batch: int, noise: float = 0.0) -> "Case":
        """Weights and angles as at the start of training, float32's values, equal on every machine."""
        rng = np.random.default_rng(0)
        weights = rng.uniform(0, 2 * np.pi, (n_layers, n_qubits)).astype(np.float32)
        angles = rng.uniform(-np.pi / 2, np.pi / 2, (batch, n_qubits)).astype(np.float32)
        return cls(weights.astype(float), angles.astype(float), noise)

    def write(self, path: str | Path) -> None:
        """As an .npz file that `read` takes."""
        np.savez(path, weights=self.weights, angles=self.angles, noise=self.noise)

    @classmethod
    def read(cls, path: str | Path) -> "Case":
        """From an .npz file of `weights`, `angles` and `noise`."""
        with np.load(path) as arrays:
            return cls(arrays["weights"], arrays["angles"], float(arrays["noise"]))


def ring(n: int) -> list[tuple[int, int]]:
    """(control, target) of a layer's CNOTs, in order, as in PennyLane's `BasicEntanglerLayers`."""
    return [(i, i + 1) for i in range(n - 1)] + [(n - 1, 0)] * (n > 2)
