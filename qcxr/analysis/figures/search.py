"""A search with the same budget for every head: the expected best of k trials against k (Dodge et al. 2019)."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qcxr.analysis import trials
from qcxr.analysis.figures import style
from qcxr.analysis.names import FEW, task_name, task_order


def search(*, search: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """One panel per task, one line per head with the middle 80 % of the best of k; the chosen trial is marked.

    Of more heads than a few each has its own panel, with the line of heads[0] in grey.
    """
    curves = trials.budget(search, heads)
    tasks = task_order(search["task"])
    if len(heads) > FEW:
        return _by_head(curves, search, heads)
    legend_rows = -(-len(heads) // 4)
    figure = Figure(figsize=(min(style.PAGE, 1.0 + 2.6 * len(tasks)), 2.7 + 0.14 * legend_rows))
    panels = figure.subplots(1, len(tasks), squeeze=False, sharex=True, sharey=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        _panel(axes, curves[curves["task"] == task], search[search["task"] == task], heads)
        axes.set_title(task_name(task))
        axes.set_xlabel("Trials")
    panels[0].set_ylabel(_score(search))
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    style.legend(figure, style.dashed_handles(heads, marked=True), loc="outside upper center")
    return figure


def _by_head(curves: pd.DataFrame, search: pd.DataFrame, heads: Sequence[str]) -> Figure:
    order = style.by_head(heads, task_order(search["task"]), columns=5)
    titles = [style.title(place[1], task_name(place[0])) if place else "" for place in order]
    figure, grid = style.panels(titles, columns=5, height=1.25)
    for place, axes in zip(order, grid, strict=False):
        if place:
            here = curves[curves["task"] == place[0]]
            first = here[here["head"] == heads[0]]
            axes.plot(first["trials"], first["mean"], color=style.FAINT, linewidth=0.8)
            _panel(axes, here, search[search["task"] == place[0]], heads, only=place[1])
    grid[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.supxlabel("Trials", fontsize=7.5)
    figure.supylabel(_score(search), fontsize=7.5)
    return figure


def _score(search: pd.DataFrame) -> str:
    metric = str(search["metric"].iloc[0]).replace("_", " ")
    metric = metric.upper() if metric == "auroc" else metric
    better = "lower" if trials.lower_is_better(search) else "higher"
    return f"Expected best validation {metric}\n({better} is better)"


def _panel(axes: Axes, curves: pd.DataFrame, searched: pd.DataFrame, heads: Sequence[str], *, only: str = "") -> None:
    for head, look in style.head_styles(heads).items():
        own = curves[curves["head"] == head]
        if own.empty or (only and head != only):
            continue
        style.band(axes, own["trials"], own["low"], own["high"], look)
        axes.plot(own["trials"], own["mean"], color=look.colour, linestyle=look.dashes, linewidth=1.0)
        picked = searched[(searched["head"] == head) & searched["chosen"].astype(bool)]
        end = [own["trials"].max()] * len(picked)
        axes.plot(
            end,
            picked["value"],
            look.marker,
            color=look.colour,
            markersize=6,
            zorder=4,
            clip_on=False,
            **style.WHITE_EDGE,
        )
