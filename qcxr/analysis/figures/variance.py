"""What makes a head's mean vary: another training, other patients, other settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from qcxr.analysis.figures import style
from qcxr.analysis.figures.forest import ROW
from qcxr.analysis.names import dataset_name, dataset_order, head_name, metric_name, shortened, task_name
from qcxr.analysis.ranking import METRICS

SOURCES = {
    "seed_variance": ("another training (sd over seeds, 95 % interval)", "o", style.INK),
    "patients_variance": ("other patients", "s", "#b5541c"),
    "search_variance": ("another trial of the search (validation)", "^", "#1b4f8a"),
}


def variance(*, variance: pd.DataFrame, heads: Sequence[str], task: str) -> Figure:
    """Standard deviation of the mean over labels by source, a row per head, a panel per metric and data set."""
    rows = variance[(variance["task"] == task) & (variance["kind"] == "head") & variance["head"].isin(heads)]
    datasets = dataset_order(rows["dataset"])
    metrics = [metric for metric in METRICS if metric in set(rows["metric"])]
    shown = rows[list(SOURCES)].gt(0).any()
    if not shown.any():
        return style.empty(f"{task_name(task)}: one seed, and nothing else that varies")
    height = 0.9 + len(metrics) * (0.35 + max(ROW, 0.32 - 0.02 * len(heads)) * len(heads))
    figure = Figure(figsize=(style.PAGE if len(datasets) > 1 else 0.7 * style.PAGE, min(height, 9.4)))
    grid = figure.subplots(len(metrics), len(datasets), squeeze=False, sharex=True, sharey=True)
    names = shortened([head_name(head) for head in heads], 32)
    for i, metric in enumerate(metrics):
        for j, dataset in enumerate(datasets):
            axes = grid[i, j]
            axes.set_xscale("log")
            axes.set_title(f"{dataset_name(dataset)}, mean {metric_name(metric)}", pad=3)
            part = rows[(rows["metric"] == metric) & (rows["dataset"] == dataset)].set_index("head")
            for y, head in enumerate(heads):
                if head in part.index:
                    _row(axes, y, part.loc[head].to_dict())
            axes.set_yticks(range(len(heads)), names)
            axes.tick_params(axis="y", length=0)
            axes.set_ylim(len(heads) - 0.4, -0.6)
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
    figure.supxlabel("Standard deviation", fontsize=7.5)
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=colour, label=label)
        for source, (label, marker, colour) in SOURCES.items()
        if shown[source]
    ]
    style.legend(figure, handles, loc="outside upper center", title=task_name(task))
    return figure


def _row(axes: Axes, y: int, row: Mapping[str, Any]) -> None:
    shifts = dict(zip(SOURCES, (-0.18, 0.0, 0.18), strict=True))
    for source, (_, marker, colour) in SOURCES.items():
        if not row[source] > 0:
            continue
        place = y + shifts[source]
        if source == "seed_variance" and row["sd_low"] > 0:
            axes.plot([row["sd_low"], row["sd_high"]], [place, place], color=colour, linewidth=0.9)
        axes.plot(np.sqrt(row[source]), place, marker, color=colour, markersize=4, zorder=3, **style.WHITE_EDGE)
