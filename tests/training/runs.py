"""A run small enough for tests: 22 random films of 16 x 16, two labels, a ResNet of two small stages."""

from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.data.film import Facts
from qcxr.data.likeness import Seen
from qcxr.data.split import Split
from qcxr.study.recipe import Recipe
from qcxr.study.runs import Run
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.fit import fit
from qcxr.training.splits import Splits

LABELS = ("Mass", "Nodule")
BACKBONE = Backbone(
    name="resnet",
    batch_norm="batch",
    config={"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
)
PROTOCOL = Train(learning_rate=1e-2, batch_size=4, epochs=3, patience=3)
TIMES = ["seconds", "films_per_second"]


def split(n: int, seed: int) -> Split:
    """Films whose brightness tells the first label and whose left half tells the second."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, (n, 2)).astype(np.float32)
    images = rng.integers(0, 120, (n, 16, 16)) + 60 * targets[:, 0, None, None]
    images[:, :, :8] += 60 * targets[:, 1, None, None]
    ids = tuple(f"f{i}" for i in range(n))
    images = images.astype(np.uint8)
    seen = Seen()
    for film in images:
        seen.add(film, Facts(16, 16, "L", False))
    about = {"sha256": {"images": str(seed), "index": str(n)}, "split": "train", "films": seen.told()}
    return Split(images, ids, ids, LABELS, targets, np.ones((n, 2), bool), about)


def run(
    folder: Path,
    *,
    head: str = "cdl",
    seed: int = 0,
    config: str = "same",
    minutes: float = 60.0,
    tensorboard: bool = False,
    head_options=None,
    **changes,
):
    """Train below `folder`; the work folder is shared by calls with the same `folder`."""
    protocol = PROTOCOL.model_copy(update=changes)
    recipe = Recipe(head, head_options or {}, BACKBONE, Image(resize=16, crop=16), Augment(rotation=10), protocol)
    resources = Resources(checkpoint_minutes=minutes, tensorboard=tensorboard)
    fit(described(folder, recipe, head, seed, config=config), Splits(split(22, 1), split(9, 2)), resources=resources)


def described(folder: Path, recipe: Recipe, head: str = "cdl", seed: int = 0, config: str = "same") -> Run:
    """The run with its files below `folder`."""
    return Run("t", head, seed, LABELS, recipe, config, "c", folder / "out", folder / "work", folder / "progress.jsonl")


def results(folder: Path) -> tuple[bytes, str, str]:
    """What must be bit-identical: weights, history without times, the loss of every step."""
    out = folder / "out"
    history = pd.read_csv(out / "history.csv").drop(columns=TIMES).to_csv()
    return (out / "best.safetensors").read_bytes(), history, (out / "steps.csv").read_text()
