"""Volcano plots: evidence against percent difference, on a signed axis that shows both sides (paper Figs. 12, 13).

The paper plots log2 of the percent difference, which does not exist for labels where DQC is better. Here the axis is
the signed percent difference itself.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.metrics import MEANS
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name, task_order

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


def volcano(*, tests: pd.DataFrame, heads: list[str], task: str) -> Figure:
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
    tasks, datasets = task_order(part["task"]), dataset_order(part["dataset"])
    shape = dict(zip(tasks, TASK_MARKERS * 3, strict=False))
    figure = Figure(figsize=(style.PAGE, 3.2))
    panels = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
    low, high = shown["percent_difference"].min(), shown["percent_difference"].max()
    pad = 0.08 * max(high, -low, 1.0)
    low, high = min(low, -pad), max(high, pad)  # some room on both sides, whoever is better
    for axes, dataset in zip(panels, datasets, strict=True):
        for row in shown[shown["dataset"] == dataset].to_dict("records"):
            better = heads[0] if row["percent_difference"] > 0 else heads[1]
            x, y = row["percent_difference"], -np.log10(row["p"])
            dark = better == "cdl"
            axes.plot(x, y, shape[row["task"]], markersize=8, color=style.head_styles(heads)[better].colour,
                      markeredgecolor="white", markeredgewidth=0.6, alpha=0.9, zorder=3)  # fmt: skip
            axes.annotate(str(number[row["label"]]), (x, y), ha="center", va="center_baseline", zorder=4, fontsize=6,
                          color="white" if dark else style.INK)  # fmt: skip
        axes.axhline(-np.log10(0.05), color=style.INK, linewidth=0.7, linestyle="--")
        axes.axvline(0, color=style.INK, linewidth=0.6)
        axes.set_xlim(min(low, 0) - pad, max(high, 0) + pad)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")
        axes.set_title(dataset_name(dataset))
        axes.set_xlabel(f"Percent difference in AUROC\n← {head_name(heads[1])} better · {head_name(heads[0])} better →")
        lost = part[(part["dataset"] == dataset) & part["p"].isna()]["label"].unique()
        if len(lost):
            axes.text(0.01, 0.99, "p undefined: " + ", ".join(str(number[x]) for x in lost), transform=axes.transAxes,
                      va="top", color=style.FAINT, style="italic")  # fmt: skip
    panels[0].set_ylabel("$-\\log_{10}$ p (paired t-test)")
    panels[0].set_ylim(0, 1.12 * max(-np.log10(shown["p"].min()), 1.5))
    handles = [
        Line2D([], [], linestyle="", marker=f"${number[x]}$", color=style.INK, markeredgewidth=0, label=x)
        for x in names
    ]
    handles += [
        Line2D(
            [],
            [],
            linestyle="",
            marker=shape[t],
            markersize=6,
            color=style.FAINT,
            label=f"runs of {task_name(t)}",
        )
        for t in tasks
    ]
    handles.append(Line2D([], [], color=style.INK, linewidth=0.7, linestyle="--", label="p = 0.05"))
    figure.legend(handles=handles, loc="outside right center", handletextpad=0.4)
    return figure
