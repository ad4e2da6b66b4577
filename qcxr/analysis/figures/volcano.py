"""Volcano plots: evidence against percent difference, on a signed axis that shows both sides (paper Figs. 12, 13).

The paper plots log2 of the percent difference, which does not exist for labels where DQC is better. Here the axis is
the signed percent difference itself.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name, task_order
from qcxr.analysis.predictions import MEANS

TASK_MARKERS = ("o", "s", "D", "^", "v", "P")


def labels_by_task(tests: pd.DataFrame) -> dict[str, list[str]]:
    """Return per task the labels that it is the first to have (cxr8 -> its 8, cxr14 -> the 6 added, ...)."""
    seen: set[str] = set()
    first = {}
    for task in task_order(tests["task"]):
        names = tests.loc[(tests["task"] == task) & ~tests["label"].isin(MEANS), "label"].unique()
        first[task] = [label for label in names if label not in seen]
        seen |= set(first[task])
    return first


def volcano(*, tests: pd.DataFrame, heads: Sequence[str], task: str) -> Figure:
    """Scatter of -log10 p against percent difference for the labels that `task` brings in, one panel per data set.

    The number in a marker is the label, its shape the task the runs were trained for. Only heads[0] against heads[1].
    """
    tests = tests[(tests["metric"] == "auroc") & (tests["head_a"] == heads[0]) & (tests["head_b"] == heads[1])]
    names = labels_by_task(tests).get(task, [])
    part = tests[tests["label"].isin(names)]
    shown = part[part["p"].notna()]
    if shown.empty:
        return style.empty(f"{task_name(task)}: no label has a defined p-value")
    number = {label: i + 1 for i, label in enumerate(names)}
    datasets = dataset_order(part["dataset"])
    shape = dict(zip(task_order(part["task"]), TASK_MARKERS * 3, strict=False))
    figure = Figure(figsize=(style.PAGE, 3.2))
    panels = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
    low, high = shown["percent_difference"].min(), shown["percent_difference"].max()
    pad = 0.08 * max(high, -low, 1.0)
    low, high = min(low, -pad), max(high, pad)  # some room on both sides, whoever is better
    for axes, dataset in zip(panels, datasets, strict=True):
        _points(axes, shown[shown["dataset"] == dataset], heads, number, shape)
        axes.set_xlim(min(low, 0) - pad, max(high, 0) + pad)
        axes.set_title(dataset_name(dataset))
        lost = part[(part["dataset"] == dataset) & part["p"].isna()]["label"].unique()
        if len(lost):
            said = "p undefined: " + ", ".join(str(number[x]) for x in lost)
            axes.text(0.01, 0.99, said, transform=axes.transAxes, va="top", color=style.FAINT, style="italic")
    panels[0].set_ylabel("$-\\log_{10}$ p (paired t-test)")
    panels[0].set_ylim(0, 1.12 * max(-np.log10(shown["p"].min()), 1.5))
    figure.legend(handles=_handles(number, shape), loc="outside right center", handletextpad=0.4)
    return figure


def _points(
    axes: Axes, rows: pd.DataFrame, heads: Sequence[str], number: Mapping[str, int], shape: Mapping[str, str]
) -> None:
    """Draw one panel: a numbered marker per label and task, in the colour of the better head."""
    styles = style.head_styles(heads)
    marker: style.Keywords = {"markersize": 8, "markeredgecolor": "white", "markeredgewidth": 0.6, "alpha": 0.9}
    centred: style.Keywords = {"ha": "center", "va": "center_baseline", "fontsize": 6}
    for row in rows.to_dict("records"):
        better = heads[0] if row["percent_difference"] > 0 else heads[1]
        x, y = row["percent_difference"], -np.log10(row["p"])
        axes.plot(x, y, shape[row["task"]], color=styles[better].colour, zorder=3, **marker)
        ink = "white" if better == "cdl" else style.INK
        axes.annotate(str(number[row["label"]]), (x, y), zorder=4, color=ink, **centred)
    axes.axhline(-np.log10(0.05), color=style.INK, linewidth=0.7, linestyle="--")
    axes.axvline(0, color=style.INK, linewidth=0.6)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")
    axes.set_xlabel(f"Percent difference in AUROC\n← {head_name(heads[1])} better · {head_name(heads[0])} better →")


def _handles(number: Mapping[str, int], shape: Mapping[str, str]) -> list[Line2D]:
    """The legend: a number per label, a shape per task, the line of p = 0.05."""
    labels = [
        Line2D([], [], linestyle="", marker=f"${n}$", color=style.INK, markeredgewidth=0, label=label)
        for label, n in number.items()
    ]
    tasks = [
        Line2D([], [], linestyle="", marker=marker, markersize=6, color=style.FAINT, label=f"runs of {task_name(task)}")
        for task, marker in shape.items()
    ]
    return [*labels, *tasks, Line2D([], [], color=style.INK, linewidth=0.7, linestyle="--", label="p = 0.05")]
