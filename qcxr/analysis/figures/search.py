"""A search with the same budget for every head: the expected best of k trials against k (Dodge et al. 2019)."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import trials
from qcxr.analysis.figures import style
from qcxr.analysis.names import task_name, task_order


def search(*, search: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """One panel per task, one line per head with the middle 80 % of the best of k; the chosen trial is marked."""
    curves = trials.budget(search, heads)
    tasks = task_order(search["task"])
    legend_rows = -(-len(heads) // 4)
    figure = Figure(figsize=(min(style.PAGE, 1.0 + 2.6 * len(tasks)), 2.7 + 0.14 * legend_rows))
    panels = figure.subplots(1, len(tasks), squeeze=False, sharex=True, sharey=False)[0]
    for axes, task in zip(panels, tasks, strict=True):
        _panel(axes, curves[curves["task"] == task], search[search["task"] == task], heads)
        axes.set_title(task_name(task))
        axes.set_xlabel("Trials")
    lower = trials.lower_is_better(search)
    metric = str(search["metric"].iloc[0]).replace("_", " ")
    metric = metric.upper() if metric == "auroc" else metric
    panels[0].set_ylabel(f"Expected best validation {metric}\n({'lower' if lower else 'higher'} is better)")
    panels[0].xaxis.get_major_locator().set_params(integer=True)
    style.legend(figure, style.dashed_handles(heads, marked=True), loc="outside upper center")
    return figure


def _panel(axes: Axes, curves: pd.DataFrame, searched: pd.DataFrame, heads: Sequence[str]) -> None:
    for head, look in style.head_styles(heads).items():
        own = curves[curves["head"] == head]
        if own.empty:
            continue
        axes.fill_between(own["trials"], own["low"], own["high"], color=look.colour, alpha=0.12, linewidth=0)
        axes.plot(own["trials"], own["mean"], color=look.colour, linestyle=look.dashes, linewidth=1.0)
        picked = searched[(searched["head"] == head) & searched["chosen"].astype(bool)]
        end = [own["trials"].max()] * len(picked)
        axes.plot(end, picked["value"], look.marker, color=look.colour, markersize=6, zorder=4, **style.WHITE_EDGE)
