"""Many heads as columns: the AUROC of every label and head as a table whose colour is the difference from the first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.names import head_name, shortened

COLOURS = "PuOr_r"  # orange is above the first head, purple below; told apart by everyone
CELL = (0.29, 0.25)  # inches


def labels(
    metrics: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], counts: pd.Series, *, dataset: str, title: str
) -> Figure:
    """Mean AUROC over seeds in every cell, and below it the mark of the adjusted p where it is below 0.05.

    metrics: AUROC of every run and label of a task on all its test sets, which have one scale of colours. tests: on
    this one, against heads[0]. counts: its positives per label, in the rows' order.
    """
    rows = list(counts.index)
    places = [metrics["dataset"], metrics["label"]]
    everywhere = metrics.pivot_table(index=places, columns="head", values="value", aggfunc="mean", dropna=False)
    gaps = everywhere.sub(everywhere[heads[0]], axis=0)
    mean, gap = (frame.loc[dataset].reindex(index=rows, columns=list(heads)) for frame in (everywhere, gaps))
    marks = tests.pivot(index="label", columns="head_b", values="mark").reindex(index=rows, columns=list(heads))
    sizes = gaps[list(heads[1:])].abs().stack()
    reach = max(float(sizes.quantile(0.95)), 0.01) if len(sizes) else 0.01  # rare labels differ by chance, and most
    figure = Figure(figsize=(max(style.COLUMN, 2.6 + CELL[0] * len(heads)), 1.9 + CELL[1] * len(rows)))
    axes = figure.subplots()
    image = axes.imshow(gap.to_numpy(float), cmap=COLOURS, vmin=-reach, vmax=reach, aspect="auto")
    for i, j in np.ndindex(gap.shape):
        value, mark = mean.iat[i, j], marks.iat[i, j]
        said = "—" if np.isnan(value) else f"{value:.2f}".lstrip("0")
        starred = isinstance(mark, str) and mark.startswith("*")
        red, green, blue, opaque = map(float, image.cmap(image.norm(gap.iat[i, j])))  # no value lets the page through
        ground = (red, green, blue) if opaque else "white"
        ink: style.Keywords = {"color": style.ink_on(ground), "fontsize": 5, "linespacing": 0.9}
        axes.text(j, i, said + f"\n{mark}" * starred, ha="center", va="center", **ink)
    axes.set_yticks(range(len(rows)), [f"{label} ({int(n):,})" for label, n in counts.items()])
    names = shortened([head_name(head) for head in heads], 24)
    axes.set_xticks(range(len(heads)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.grid(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, extend="both")
    bar.set_label(f"Difference from {head_name(heads[0])}", fontsize=7)
    figure.suptitle(title, fontsize=8)
    return figure
