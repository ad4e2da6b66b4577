"""A whole classifier as arrays, by our names, and the batch that its training step is compared on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

LEARNING_RATE = 1e-4  # Adam's, the paper's


@dataclass(frozen=True)
class Model:
    """A training step of a backbone with a head: mean BCE of a batch, backward pass, Adam.

    section: a resolved `backbone:` section. head: cdl or dqc, the paper's (section III-C). n_layers: of the circuit.
    size: of the square films. batch_norm: running or batch. arrays: all parameters and statistics by our dotted names,
    kernels as (rows, columns, channels in, channels out), linear kernels as (in, out).
    """

    section: Mapping[str, Any]
    head: str
    n_labels: int
    n_layers: int = 3
    batch: int = 32
    size: int = 224
    batch_norm: str = "running"
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def films(self) -> np.ndarray:
        """(batch, size, size, 3), float32: a normalised batch that is the same everywhere."""
        rng = np.random.default_rng(0)
        return rng.standard_normal((self.batch, self.size, self.size, 3), np.float32)

    def labels(self) -> np.ndarray:
        """(batch, labels), float32: 0 or 1."""
        rng = np.random.default_rng(1)
        return (rng.random((self.batch, self.n_labels)) < 0.2).astype(np.float32)

    def zeros(self) -> tuple[np.ndarray, np.ndarray]:
        """Films and labels of the batch that is timed, as in the paper (section III-E)."""
        return np.zeros_like(self.films()), np.zeros_like(self.labels())

    @property
    def watched(self) -> list[str]:
        """Names of the parameters whose gradients are compared: the head's, the backbone's first and last kernel."""
        kernels = sorted(name for name in self.arrays if name.startswith("backbone.") and name.endswith("kernel"))
        return [*sorted(name for name in self.arrays if name.startswith("head.")), *kernels[:1], *kernels[-1:]]

    def write(self, path: str | Path) -> None:
        """As an .npz file that `read` takes."""
        about = {key: value for key, value in asdict(self).items() if key != "arrays"}
        arrays: dict[str, Any] = {"about": json.dumps(about), **self.arrays}
        np.savez(path, **arrays)

    @classmethod
    def read(cls, path: str | Path) -> "Model":
        """From an .npz file."""
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files if name != "about"}
            return cls(**json.loads(str(file["about"])), arrays=arrays)
