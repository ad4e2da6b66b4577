"""Many heads as rows: mean AUROC of each with its interval."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.names import dataset_name, dataset_order, head_name, shortened, task_name, task_order
from qcxr.analysis.response import over_seeds

ROW = 0.17  # inches for a head
Panel = tuple[Axes, pd.DataFrame, pd.DataFrame]


def scores(mean: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], known: pd.DataFrame | None = None) -> Figure:
    """Mean AUROC over labels: runs as points, their mean with its interval, the adjusted p's mark at the right.

    mean, tests: rows of the mean AUROC over labels, tests against heads[0], whose mean is the dashed line. known: the
    intervals of `qcxr.analysis.leading`; without them they are 95 % t-intervals over seeds.
    """
    figure, panels = _grid(mean, tests, heads)
    styles = style.head_styles(heads)
    for axes, part, tested in panels:
        marks = tested.set_index("head_b")["mark"]
        for y, head in enumerate(heads):
            values = part.loc[part["head"] == head, "value"].dropna()
            if not len(values):
                continue
            _row(axes, y, values.to_numpy(float), styles[head], _interval(values, part, known, head))
            place = axes.get_yaxis_transform()
            axes.text(1.01, y, marks.get(head, ""), transform=place, va="center", ha="left", fontsize=6)
        first = part.loc[part["head"] == heads[0], "value"]
        if first.notna().any():
            axes.axvline(first.mean(), color=style.INK, linewidth=0.7, linestyle="--", zorder=1)
    for axes in figure.axes:  # after all are drawn: columns share their limits
        axes.set_xlim(*style.possible(axes.get_xlim()))
    figure.supxlabel("Mean AUROC", fontsize=7.5)
    return figure


def _interval(values: pd.Series, part: pd.DataFrame, known: pd.DataFrame | None, head: str) -> tuple[float, float]:
    """The interval of a head's mean in a panel: the one that leads, or over seeds."""
    if known is None:
        found = over_seeds(values.to_numpy(float))
        return found["seeds_low"], found["seeds_high"]
    own = known[(known["head"] == head) & (known["task"] == part["task"].iloc[0])]
    own = own[own["dataset"] == part["dataset"].iloc[0]]
    return (float(own["low"].iloc[0]), float(own["high"].iloc[0])) if len(own) else (np.nan, np.nan)


def _row(axes: Axes, y: int, values: np.ndarray, look: style.HeadStyle, ends: tuple[float, float]) -> None:
    style.runs_as_points(axes, values, np.full(values.size, y), look, size=2.2, edge=0.4)
    axes.plot(ends, [y, y], color=look.colour, linewidth=1.4, zorder=3)
    axes.plot(values.mean(), y, look.marker, color=look.colour, markersize=5, zorder=5, **style.WHITE_EDGE)


def _grid(mean: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str]) -> tuple[Figure, Iterator[Panel]]:
    """A panel per task (rows) and data set (columns), heads from top to bottom, with the rows that belong to it."""
    tasks, datasets = task_order(mean["task"]), dataset_order(mean["dataset"])
    figure = Figure(figsize=(style.PAGE, 0.5 + len(tasks) * (0.3 + ROW * len(heads))))
    grid = figure.subplots(len(tasks), len(datasets), squeeze=False, sharex="col", sharey=True)
    names = shortened([head_name(head) for head in heads], 32)

    def panels() -> Iterator[Panel]:
        for i, task in enumerate(tasks):
            for j, dataset in enumerate(datasets):
                axes = grid[i, j]
                axes.set_title(f"{task_name(task)}, {dataset_name(dataset)}", pad=3)
                axes.set_yticks(range(len(heads)), names)
                axes.tick_params(axis="y", length=0)
                axes.set_ylim(len(heads) - 0.4, -0.6)
                here = [(f["task"] == task) & (f["dataset"] == dataset) for f in (mean, tests)]
                yield axes, mean[here[0]], tests[here[1]]

    return figure, panels()
