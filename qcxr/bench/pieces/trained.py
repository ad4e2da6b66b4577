"""`python -m qcxr.bench.pieces.trained FOLDER`: one training run on random films, as a study trains, to its end.

The same command again resumes a run that was killed.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.bench.pieces.size import FULL, SMALL, Size
from qcxr.training.devices import configure


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m qcxr.bench.pieces.trained", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--deterministic", action="store_true")
    parser.add_argument("--save", action="store_true", help="save after every step")
    given = parser.parse_args(argv)
    configure(None, None, deterministic=given.deterministic)
    train(given.folder, SMALL if given.small else FULL, minutes=1e-9 if given.save else 60.0)


def train(folder: Path, size: Size, *, minutes: float) -> None:
    """Train below `folder`: `out` has the run's files, `progress.jsonl` what happened. minutes: between savings."""
    # JAX reads its flags when it is imported
    from qcxr.study.recipe import Recipe
    from qcxr.study.runs import Run
    from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
    from qcxr.training.fit import fit
    from qcxr.training.splits import Splits

    protocol = Train(batch_size=size.batches[0], epochs=size.epochs, patience=size.epochs)
    backbone = Backbone(**size.section, batch_norm="batch")
    recipe = Recipe("dqc", {}, backbone, Image(resize=size.pixels, crop=size.pixels), Augment(), protocol)
    labels = tuple(f"label {k}" for k in range(size.labels))
    run = Run("card", "dqc", 0, labels, recipe, "", "", folder / "out", folder / "work", folder / "progress.jsonl")
    n = size.films // 4
    fit(
        run,
        Splits(_films(n, labels, size, 0), _films(n // 2, labels, size, 1)),
        resources=Resources(checkpoint_minutes=minutes),
    )


def _films(n: int, labels: tuple[str, ...], size: Size, seed: int) -> Any:
    from qcxr.data.split import Split  # here: see above

    rng = np.random.default_rng(seed)
    ids = tuple(f"f{k}" for k in range(n))
    targets = (rng.random((n, len(labels))) < 0.3).astype(np.float32)
    images = rng.integers(0, 256, (n, size.pixels, size.pixels), np.uint8)
    return Split(images, ids, ids, labels, targets, np.ones(targets.shape, bool), {"sha256": {"images": str(seed)}})


if __name__ == "__main__":
    main()
