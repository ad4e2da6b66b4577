"""Per-label AUROC of the heads on one test set; those of a task's test sets line up, label by label."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.figures import heatmap, style
from qcxr.analysis.names import FEW, dataset_name, task_name
from qcxr.analysis.ordering import label_order
from qcxr.analysis.predictions import MEANS


def labels(*, metrics: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], task: str, dataset: str) -> Figure:
    """Horizontal bars (mean over seeds), one point per seed, the t-test's mark at the right; one column wide.

    Lying bars keep 19 label names and two heads readable in one column. Labels stand from common to rare in training,
    and the axis is the same for all test sets of the task; the mark is that of the adjusted p. A label without a value
    says why. More heads than a few are columns of a table instead, as in `qcxr.analysis.figures.heatmap`.
    """
    of_task = metrics[(metrics["task"] == task) & (metrics["metric"] == "auroc") & ~metrics["label"].isin(MEANS)]
    part = of_task[of_task["dataset"] == dataset]
    tests = tests[(tests["task"] == task) & (tests["dataset"] == dataset) & (tests["metric"] == "auroc")]
    tests = tests[tests["head_a"] == heads[0]]
    order = [label for label in label_order(of_task, task) if label in set(part["label"])]
    counts = part.groupby("label")["n_positive"].max().reindex(order)
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    if len(heads) > FEW:
        return heatmap.labels(of_task, tests, heads, counts, dataset=dataset, title=title)
    figure = Figure(figsize=(style.COLUMN, 0.9 + len(counts) * max(0.22, 0.11 * len(heads))))
    axes = figure.subplots()
    low, high = limits(of_task["value"])
    for y, label in enumerate(order):
        rows = part[part["label"] == label]
        reason = next((r for r in rows.loc[rows["value"].isna(), "reason"] if r), "")
        if reason:
            axes.text(low + 0.01, y, f"undefined: {reason}", va="center", color=style.FAINT, style="italic")
            continue
        _bars(axes, y, rows, heads, low=low)
        marks = tests.loc[tests["label"] == label, "mark"]
        axes.text(1.01, y, " ".join(marks), transform=axes.get_yaxis_transform(), va="center", ha="left")
    axes.set_yticks(range(len(order)), [f"{label} ({int(n):,})" for label, n in counts.items()])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(low, high)
    axes.set_xlabel("AUROC" if low >= 0.5 else "AUROC (chance = 0.5)")
    axes.grid(False, axis="y")
    if low < 0.5:
        axes.axvline(0.5, color=style.INK, linewidth=0.6, linestyle=":")
    figure.suptitle(title, fontsize=8)
    style.legend(figure, style.bar_handles(heads), loc="outside lower center")
    return figure


def limits(values: pd.Series) -> tuple[float, float]:
    """Where an axis of AUROC begins and ends: at chance, or below the lowest value where that is lower."""
    if values.isna().all():
        return 0.5, 1.0
    low = 0.5 if values.min() >= 0.5 else float(np.floor(20 * values.min()) / 20)
    return low, min(1.0, float(values.max()) + 0.02)


def _bars(axes: Axes, y: int, rows: pd.DataFrame, heads: Sequence[str], *, low: float) -> None:
    """Draw one label: a bar per head from `low` on, its runs as points."""
    height = 0.8 / len(heads)
    for k, (head, look) in enumerate(style.head_styles(heads).items()):
        values = rows.loc[rows["head"] == head, "value"]
        place = y + height * (k - (len(heads) - 1) / 2)
        filled: style.Keywords = {"color": look.colour, "hatch": look.hatch, "edgecolor": "white", "linewidth": 0}
        axes.barh(place, values.mean() - low, 0.92 * height, left=low, **filled)
        style.runs_as_points(axes, values, np.full(len(values), place), look, size=2.2, edge=0.45)
