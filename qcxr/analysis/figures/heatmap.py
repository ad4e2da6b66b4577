"""Many heads as columns: the AUROC of every label and head as a table whose colour is the difference from the first."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.names import head_name, shortened

COLOURS = "PuOr_r"  # orange is above the first head, purple below; told apart by everyone
CELL = (0.29, 0.25)  # inches


def labels(part: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], counts: pd.Series, *, title: str) -> Figure:
    """Mean AUROC over seeds in every cell, and below it the mark of the paired t-test where p < 0.05.

    part: AUROC of every run and label. tests: against heads[0]. counts: positives per label, in the rows' order.
    """
    rows = list(counts.index)
    mean = part.pivot_table(index="label", columns="head", values="value", aggfunc="mean", dropna=False)
    mean = mean.reindex(index=rows, columns=list(heads))
    gap = mean.sub(mean[heads[0]], axis=0).to_numpy(float)
    marks = tests.pivot(index="label", columns="head_b", values="mark").reindex(index=rows, columns=list(heads))
    sizes = np.abs(gap[:, 1:][~np.isnan(gap[:, 1:])])
    reach = max(float(np.quantile(sizes, 0.95)), 0.01) if sizes.size else 0.01  # rare labels differ by chance, and most
    figure = Figure(figsize=(max(style.COLUMN, 2.6 + CELL[0] * len(heads)), 1.9 + CELL[1] * len(rows)))
    axes = figure.subplots()
    image = axes.imshow(gap, cmap=COLOURS, vmin=-reach, vmax=reach, aspect="auto")
    for i, j in np.ndindex(gap.shape):
        value, mark = mean.iat[i, j], marks.iat[i, j]
        said = "—" if np.isnan(value) else f"{value:.2f}".lstrip("0")
        starred = isinstance(mark, str) and mark.startswith("*")
        ink = "white" if abs(gap[i, j]) > 0.7 * reach else style.INK
        axes.text(j, i, said + f"\n{mark}" * starred, ha="center", va="center", fontsize=5, color=ink, linespacing=0.9)
    axes.set_yticks(range(len(rows)), [f"{label} ({int(n):,})" for label, n in counts.items()])
    names = shortened([head_name(head) for head in heads], 24)
    axes.set_xticks(range(len(heads)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.grid(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.01, extend="both")
    bar.set_label(f"Difference from {head_name(heads[0])}", fontsize=7)
    figure.suptitle(title, fontsize=8)
    return figure
