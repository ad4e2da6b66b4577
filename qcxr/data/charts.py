"""The audit's pictures: the long tail, the labels that come together, and films plain and augmented."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8
from matplotlib.figure import Figure

from qcxr.data.augment import augment, film_keys
from qcxr.data.columns import SPLITS

_COLOURS = {"train": "#4477aa", "val": "#ccbb44", "test": "#aa3377"}


def long_tail(counts: pd.DataFrame, *, title: str) -> Figure:
    """Positives per finding, most frequent first, one bar per split on a logarithmic axis. counts: `counts.counts`."""
    counts = counts[counts["label"] != "No Finding"]
    table = counts.pivot(index="label", columns="split", values="n_positive")
    table = table.sort_values("total", ascending=False)
    splits = [split for split in SPLITS if split in table]
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    at, width = np.arange(len(table)), 0.8 / len(splits)
    for i, split in enumerate(splits):
        values = table[split].to_numpy(dtype=float)
        left = at + (i - (len(splits) - 1) / 2) * width
        bars = axes.bar(left, np.maximum(values, 0.5), width, label=split, color=_COLOURS[split])
        for bar, value in zip(bars, values, strict=True):
            if value == 0:  # a logarithmic axis has no 0: say it
                axes.annotate("0", (bar.get_x() + width / 2, 0.55), ha="center", va="bottom", fontsize=6)
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5)
    axes.set_xticks(at, table.index, rotation=40, ha="right", rotation_mode="anchor", fontsize=8)
    axes.set_ylabel("positive films")
    axes.set_title(title)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def together(pairs: pd.DataFrame, *, title: str) -> Figure:
    """Of the films with the row's label, the share that also shows the column's. pairs: `counts.cooccurrence`."""
    own = np.diag(pairs.to_numpy()).astype(float)
    share = np.divide(pairs.to_numpy(), own[:, None], out=np.full(pairs.shape, np.nan), where=own[:, None] > 0)
    np.fill_diagonal(share, np.nan)
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(share, cmap="viridis", vmin=0)
    ticks = np.arange(len(pairs))
    axes.set_xticks(ticks, pairs.columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=7)
    axes.set_yticks(ticks, pairs.index, fontsize=7)
    axes.set_title(title)
    figure.colorbar(image, ax=axes, label="share of the row's films", shrink=0.8)
    return figure


def contact_sheet(
    images: UInt8[np.ndarray, "films height width"],
    names: Sequence[str],
    *,
    rows: Sequence[int] | None = None,
    seed: int = 0,
    epochs: Sequence[int] = (0, 1),
    title: str = "",
    **augmentation: Any,
) -> Figure:
    """Films as they enter training: one column per film, plain on top, below as augmented in each of `epochs`.

    names: one title a film. rows: the films' rows in their packed split (0, 1, ... when None), which with seed and
    epoch decide the augmentation; augmentation: keywords of `augment.augment`.
    """
    numbers = np.asarray(range(len(images)) if rows is None else rows, np.int32)
    lines = [("plain", np.asarray(images))]
    for epoch in epochs:
        turned = augment(images, film_keys(seed, epoch, numbers), **augmentation)
        lines.append((f"epoch {epoch}", np.asarray(turned)))
    figure = Figure(figsize=(1.6 * len(images) + 0.4, 1.75 * len(lines) + 0.3), layout="constrained")
    grid = figure.subplots(len(lines), len(images), squeeze=False)
    for line, (what, films) in zip(grid, lines, strict=True):
        for axes, film, name in zip(line, films, names, strict=True):
            axes.imshow(film, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            if what == "plain":
                axes.set_title(textwrap.fill(name, 22), fontsize=7)  # as wide as a film: MIMIC's names have 44 letters
        line[0].set_ylabel(what, fontsize=8)
    figure.suptitle(title, fontsize=9)
    return figure
