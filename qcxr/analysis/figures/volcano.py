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

    The number in a marker is the label, its shape the task the runs were trained for. Of more heads than two each has
    its own panels, against heads[0], all on the same axes.
    """
    tests = tests[(tests["metric"] == "auroc") & (tests["head_a"] == heads[0]) & tests["head_b"].isin(heads)]
    names = labels_by_task(tests).get(task, [])
    part = tests[tests["label"].isin(names)]
    shown = part[part["p"].notna()]
    if shown.empty:
        return style.empty(f"{task_name(task)}: no label has a defined p-value")
    number = {label: i + 1 for i, label in enumerate(names)}
    shape = dict(zip(task_order(part["task"]), TASK_MARKERS * 3, strict=False))
    figure, panels = _panels(dataset_order(part["dataset"]), [head for head in heads if head in set(part["head_b"])])
    low, high = shown["percent_difference"].min(), shown["percent_difference"].max()
    pad = 0.08 * max(high, -low, 1.0)
    low, high = min(low, -pad), max(high, pad)  # some room on both sides, whoever is better
    for (dataset, head), axes in panels.items():
        here = part[(part["dataset"] == dataset) & (part["head_b"] == head)]
        _points(axes, here[here["p"].notna()], (heads[0], head), number, shape, styles=style.head_styles(heads))
        axes.set_xlim(min(low, 0) - pad, max(high, 0) + pad)
        lost = here[here["p"].isna()]["label"].unique()
        if len(lost):
            said = "p undefined: " + ", ".join(str(number[x]) for x in lost)
            axes.text(0.01, 0.99, said, transform=axes.transAxes, va="top", color=style.FAINT, style="italic")
    _name_axes(figure, panels, heads)
    next(iter(panels.values())).set_ylim(0, 1.12 * max(-np.log10(shown["p"].min()), 1.5))
    figure.legend(handles=_handles(number, shape), loc="outside right center", handletextpad=0.4)
    return figure


def _panels(datasets: Sequence[str], others: Sequence[str]) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """One row of data sets for one pair of heads; a small panel per data set and head for several."""
    if len(others) == 1:
        figure = Figure(figsize=(style.PAGE, 3.2))
        row = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
        for axes, dataset in zip(row, datasets, strict=True):
            axes.set_title(dataset_name(dataset))
        return figure, {(dataset, others[0]): axes for dataset, axes in zip(datasets, row, strict=True)}
    columns = min(4, len(others))
    order = style.by_head(others, datasets, columns=columns)
    titles = [style.title(place[1], dataset_name(place[0])) if place else "" for place in order]
    figure, grid = style.panels(titles, columns=columns, height=1.55)
    return figure, {place: axes for place, axes in zip(order, grid, strict=False) if place}


def _name_axes(figure: Figure, panels: Mapping[tuple[str, str], Axes], heads: Sequence[str]) -> None:
    """Say at every panel, or once for all, what the axes are and which side is whose."""
    others = list(dict.fromkeys(head for _, head in panels))
    y = "$-\\log_{10}$ p (paired t-test)"
    other = head_name(others[0]) if len(others) == 1 else "the other head"
    x = f"Percent difference in AUROC\n← {other} better · {head_name(heads[0])} better →"
    if len(others) > 1:
        figure.supxlabel(x, fontsize=7.5)
        figure.supylabel(y, fontsize=7.5)
        return
    for axes in panels.values():
        axes.set_xlabel(x)
    next(iter(panels.values())).set_ylabel(y)


def _points(
    axes: Axes,
    rows: pd.DataFrame,
    pair: tuple[str, str],
    number: Mapping[str, int],
    shape: Mapping[str, str],
    *,
    styles: Mapping[str, style.HeadStyle],
) -> None:
    """Draw one panel: a numbered marker per label and task, in the colour of the better head."""
    small = len(styles) > 2
    marker: style.Keywords = {
        "markersize": 6 if small else 8,
        "markeredgecolor": "white",
        "markeredgewidth": 0.6,
        "alpha": 0.9,
    }
    centred: style.Keywords = {"ha": "center", "va": "center_baseline", "fontsize": 5 if small else 6}
    for row in rows.to_dict("records"):
        better = pair[0] if row["percent_difference"] > 0 else pair[1]
        x, y = row["percent_difference"], -np.log10(row["p"])
        axes.plot(x, y, shape[row["task"]], color=styles[better].colour, zorder=3, **marker)
        ink = style.ink_on(styles[better].colour)
        axes.annotate(str(number[row["label"]]), (x, y), zorder=4, color=ink, **centred)
    axes.axhline(-np.log10(0.05), color=style.INK, linewidth=0.7, linestyle="--")
    axes.axvline(0, color=style.INK, linewidth=0.6)
    axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")


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
