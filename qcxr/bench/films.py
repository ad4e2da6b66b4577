"""Generated films for the timings: a gradient with noise, which compresses like a chest film."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image


def draw_films(folder: Path, n: int, *, side: int, seed: int = 0) -> pd.DataFrame:
    """n generated films of side x side as gray PNG in `folder`, and their manifest frame.

    Noise of one gray level's spread makes a 1024 x 1024 film as large a file as NIH's are on average (0.4 MB).
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    ramp = np.add.outer(np.linspace(20, 120, side), np.linspace(0, 80, side))
    noise = rng.normal(0, 1.0, (2 * side, 2 * side))
    names = []
    for i in range(n):
        y, x = rng.integers(0, side, 2)
        film = np.clip(ramp * rng.uniform(0.5, 1.2) + noise[y : y + side, x : x + side], 0, 255).astype(np.uint8)
        names.append(f"{i:08d}_000")
        Image.fromarray(film).save(folder / f"{names[-1]}.png")
    return manifest_of(names)


def manifest_of(names: list[str]) -> pd.DataFrame:
    """A manifest frame of films that lie flat in a folder, one patient each, with one label."""
    patients = [name[:8] for name in names]
    columns = {"image_id": names, "patient_id": patients, "path": [f"{name}.png" for name in names], "split": "train"}
    return pd.DataFrame(columns).assign(Mass=pd.array([i % 2 for i in range(len(names))], dtype="Int8"))
