"""Volcano plots: evidence against percent difference, on a signed axis that shows both sides, labels by their names.

The paper plots log2 of the percent difference, which does not exist for labels where DQC is better, against raw p
(`qcxr.analysis.figures.papers` draws it so). Here the axis is the signed percent difference, and p is adjusted.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.figures.named import name_points
from qcxr.analysis.inference import p_called
from qcxr.analysis.names import FEW, dataset_name, dataset_order, head_name, task_name, task_order
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


def volcano(
    *, tests: pd.DataFrame, heads: Sequence[str], task: str, alpha: float = 0.05, adjust: str = "holm"
) -> Figure:
    """Scatter of -log10 of the adjusted p against percent difference, one panel per data set.

    Shown are the labels that `task` brings in. The colour is the better head's, the shape the task that the runs were
    trained for; a label's points are joined and named once, at the one with the most evidence. Of more heads than two
    each has its own panels, against heads[0], all on the same axes. adjust: by which method,
    as in the configuration; by `none` nothing is called adjusted.
    """
    tests = tests[(tests["metric"] == "auroc") & (tests["head_a"] == heads[0]) & tests["head_b"].isin(heads)]
    names = labels_by_task(tests).get(task, [])
    part = tests[tests["label"].isin(names)]
    part = part.assign(evidence=-np.log10(adjusted(part).clip(lower=1e-300)) + 0.0)  # no -0
    shown = part[part["evidence"].notna()]
    if shown.empty:
        return style.empty(f"{task_name(task)}: no label has a defined p-value")
    shape = dict(zip(task_order(part["task"]), TASK_MARKERS * 3, strict=False))
    figure, panels = _panels(dataset_order(part["dataset"]), [head for head in heads if head in set(part["head_b"])])
    low, high = shown["percent_difference"].min(), shown["percent_difference"].max()
    pad = 0.12 * max(high, -low, 1.0)
    low, high = min(low, -pad), max(high, pad)  # some room on both sides, whoever is better
    top = max(float(shown["evidence"].max()), -float(np.log10(alpha)))
    looks = style.head_styles(heads)
    for (dataset, head), axes in panels.items():
        here = part[(part["dataset"] == dataset) & (part["head_b"] == head)]
        colours = (looks[heads[0]].colour, looks[head].colour)
        _points(axes, here[here["evidence"].notna()], colours, shape, small=len(heads) > FEW)
        axes.axhline(-np.log10(alpha), color=style.INK, linewidth=0.7, linestyle="--", zorder=1)
        axes.axvline(0, color=style.INK, linewidth=0.6, zorder=1)
        axes.set_xlim(low - pad, high + pad)
        axes.set_ylim(-0.09 * top, 1.15 * top)
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")
        if len(lost := here[here["evidence"].isna()]["label"].unique()):
            said = "p undefined: " + ", ".join(lost)
            axes.text(
                0.01, 0.99, said, transform=axes.transAxes, va="top", color=style.FAINT, style="italic", fontsize=6
            )
    called = p_called(adjust)
    _name_axes(figure, panels, heads, called)
    handles = _handles(shape, f"{called} = {alpha:g}", heads, looks)
    style.legend(figure, handles, loc="outside upper center", title=task_name(task))
    figure.draw_without_rendering()  # names are put where there is room, so panels must have their places
    for (dataset, head), axes in panels.items():
        _name(axes, shown[(shown["dataset"] == dataset) & (shown["head_b"] == head)], len(heads), alpha)
    return figure


def _name(axes: Axes, rows: pd.DataFrame, heads: int, alpha: float) -> None:
    """Name every label of a panel, at its point with the most evidence; in small panels those that p tells apart."""
    rows = rows.sort_values("evidence", ascending=False, kind="stable")
    named = rows.drop_duplicates("label")
    if heads > FEW:
        named = named[named["evidence"] > -np.log10(alpha)]
    places, others = (
        frame[["percent_difference", "evidence"]].to_numpy(float) for frame in (named, rows.drop(index=named.index))
    )
    name_points(axes, places, list(named["label"]), others=others, size=5 if heads > 2 else 6.5)


def adjusted(tests: pd.DataFrame) -> pd.Series:
    """The adjusted p of every row, by Holm where a table does not say what else was asked for."""
    return tests["p_adjusted"] if "p_adjusted" in tests else tests["p_holm"]


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


def _name_axes(figure: Figure, panels: Mapping[tuple[str, str], Axes], heads: Sequence[str], p: str) -> None:
    """Say at every panel, or once for all, what the axes are and which side is whose."""
    others = list(dict.fromkeys(head for _, head in panels))
    y = f"$-\\log_{{10}}$ of the {p}"
    other = head_name(others[0]) if len(others) == 1 else "the other head"
    x = f"Percent difference in AUROC\n← {other} better · {head_name(heads[0])} better →"
    if len(others) > 1:
        figure.supxlabel(x, fontsize=7.5)
        figure.supylabel(y, fontsize=7.5)
        return
    for axes in panels.values():
        axes.set_xlabel(x)
    next(iter(panels.values())).set_ylabel(y)


def _points(axes: Axes, rows: pd.DataFrame, colours: tuple[str, str], shape: Mapping[str, str], *, small: bool) -> None:
    """Draw one panel: a marker per label and task in the colour of the better head, a label's markers joined."""
    for _, same in rows.groupby("label", sort=False):
        axes.plot(same["percent_difference"], same["evidence"], color=style.FAINT, linewidth=0.4, zorder=2)
    look: style.Keywords = {"markersize": 3.5 if small else 5, "zorder": 3, "clip_on": False} | style.WHITE_EDGE
    for row in rows.to_dict("records"):
        colour = colours[0] if row["percent_difference"] > 0 else colours[1]
        axes.plot(row["percent_difference"], row["evidence"], shape[row["task"]], color=colour, **look)


def _handles(
    shape: Mapping[str, str], line_of: str, heads: Sequence[str], looks: Mapping[str, style.HeadStyle]
) -> list[Line2D]:
    """The legend: a colour per better head, a shape per task, the line of alpha."""
    point: style.Keywords = {"linestyle": "", "markersize": 5}
    shown = heads if len(heads) <= FEW else heads[:1]
    better = [
        Line2D([], [], marker="o", color=looks[head].colour, label=f"{head_name(head)} better", **point)
        for head in shown
    ]
    if len(shown) < len(heads):
        better.append(Line2D([], [], linestyle="", label="other colours: the other head better"))
    tasks = [
        Line2D([], [], marker=marker, color=style.FAINT, label=f"runs of {task_name(task)}", **point)
        for task, marker in shape.items()
    ]
    line = Line2D([], [], color=style.INK, linewidth=0.7, linestyle="--", label=line_of)
    return [*better, *(tasks if len(tasks) > 1 else []), line]
