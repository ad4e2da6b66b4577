"""Films/s of a frozen backbone's features, through the function that a study computes them with."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from qcxr.bench.pieces.size import Size
from qcxr.bench.pieces.turns import Row, reason, value
from qcxr.data.augment import normalise
from qcxr.models import backbones
from qcxr.models.description import Description
from qcxr.models.features import Extractor, Views, compute


def features(size: Size) -> Iterator[Row]:
    """Each backbone at the smallest and the largest batch, float32 and bfloat16."""
    for name, section in size.extractors.items():
        for batch in sorted({size.batches[0], size.batches[-1]}):
            for precision in ("float32", "bfloat16"):
                what = f"{name}, batch {batch}, {precision}"
                try:
                    yield value(what, _rate(section, size, batch, precision), "films/s")
                except Exception as error:  # that backbone's row alone
                    yield reason(what, error)


def extractor(section: Mapping[str, Any], precision: str) -> tuple[Extractor, Description]:
    """A backbone of random arrays."""
    described = backbones.describe(section)
    network = backbones.create(section, key=jax.random.key(0), batch_norm="running", precision=precision)
    return Extractor(network, described.section, precision), described


class Clocked(np.ndarray):
    """Films that note when they are read: a batch is read when the one before it is done."""

    def __array_finalize__(self, _: Any) -> None:
        self.read: list[float] = []

    def __getitem__(self, rows: Any) -> np.ndarray:
        self.read.append(time.perf_counter())
        return np.asarray(super().__getitem__(rows)).view(np.ndarray)


def _rate(section: Mapping[str, Any], size: Size, batch: int, precision: str) -> float:
    frozen, described = extractor(section, precision)
    rng = np.random.default_rng(0)
    count = max(4 * size.films, 8 * batch)
    films = rng.integers(0, 256, (count, size.pixels, size.pixels), np.uint8).view(Clocked)
    views = Views(partial(normalise, mean=described.mean, std=described.std))
    with tempfile.TemporaryDirectory() as folder:
        compute(frozen, films, folder=Path(folder), about={}, views=views, batch_size=batch)
    read = films.read[2:]  # the first two saw the compilation
    return batch * (len(read) - 1) / (read[-1] - read[0])
