"""A metric against a varied key, one line per head: curves of sample size, of noise, of depth."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import variants
from qcxr.analysis.figures import style
from qcxr.analysis.names import dataset_name, dataset_order, key_value, task_name, task_order
from qcxr.analysis.outline import Outline, Value
from qcxr.analysis.response import METRICS, curve

WIDE = 30  # positive numbers that span more than this factor stand on a log axis
Places = Float[np.ndarray, " values"]


def vary(
    *, metrics: pd.DataFrame, heads: Sequence[str], axis: str, outline: Outline, bootstrap: pd.DataFrame | None = None
) -> Figure:
    """Rows are tasks and metrics, columns data sets. Numbers stand on a number axis, other values as categories.

    Thin points are runs, lines their means, bands 95 % t-intervals over seeds, bars 95 % intervals over patients
    (AUROC). A head without the key is a level line.
    """
    points = curve(metrics, outline, axis, bootstrap=bootstrap)
    places, _ = scale([value for value, _ in outline.along(axis)])
    rows = [(task, metric) for task in task_order(points["task"]) for metric in METRICS]
    datasets = dataset_order(points["dataset"])
    legend_rows = -(-len(heads) // 4)
    width = min(style.PAGE, 1.2 + 3.0 * len(datasets))
    figure = Figure(figsize=(width, 0.6 + 1.9 * len(rows) + 0.14 * legend_rows))
    grid = figure.subplots(len(rows), len(datasets), squeeze=False, sharex=True, sharey="row")
    for i, (task, metric) in enumerate(rows):
        for j, dataset in enumerate(datasets):
            here = {"task": task, "dataset": dataset, "metric": metric}
            runs = _runs(metrics, outline, axis, here)
            _panel(grid[i, j], _only(points, here), runs, heads, places)
            grid[i, j].set_title(f"{task_name(task)}, {dataset_name(dataset)}", pad=3)
        grid[i, 0].set_ylabel(f"{METRICS[metric]}, mean over labels")
    name_values(grid[0, 0], [value for value, _ in outline.along(axis)])
    for axes in grid[-1]:
        axes.set_xlabel(axis)
    style.legend(figure, style.dashed_handles(heads, marked=True), loc="outside upper center")
    return figure


def scale(values: Sequence[Value]) -> tuple[Places, str]:
    """Where values stand, and how: `linear`, `log`, `broken` (0 one step below a log range) or `category`."""
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
        return np.arange(len(values), dtype=float), "category"
    numbers = np.array(values, dtype=float)
    positive = numbers[numbers > 0]
    wide = positive.size > 1 and positive.max() / positive.min() > WIDE and numbers.min() >= 0
    if not wide:
        return numbers, "linear"
    if positive.size == numbers.size:
        return np.log10(numbers), "log"
    logarithms = np.log10(positive)
    step = (logarithms.max() - logarithms.min()) / (positive.size - 1)
    return np.where(numbers > 0, np.log10(np.where(numbers > 0, numbers, 1)), logarithms.min() - step), "broken"


def name_values(axes: Axes, values: Sequence[Value]) -> None:
    """Name the values where they stand; a mark before the log range says that 0 is not on it."""
    places, kind = scale(values)
    names = [key_value(value) for value in values]
    long = sum(map(len, names)) > 30 or max(map(len, names)) > 8
    tilted: style.Keywords = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if long else {}
    axes.set_xticks(places, names, **tilted)
    axes.minorticks_off()
    room = 0.06 * (places.max() - places.min()) or 0.5
    axes.set_xlim(places.min() - room, places.max() + room)
    if kind == "broken":
        first, second = np.sort(places)[:2]
        marked = [axes, *axes.get_shared_x_axes().get_siblings(axes)]
        for panel in marked:
            panel.text((first + second) / 2, 0, "//", transform=panel.get_xaxis_transform(), ha="center", va="center")


def _panel(
    axes: Axes, points: pd.DataFrame, runs: Mapping[str, pd.DataFrame], heads: Sequence[str], places: Places
) -> None:
    gap = np.diff(np.sort(places)).min() if places.size > 1 else 1.0
    shifts = 0.25 * gap * (np.arange(len(heads)) - (len(heads) - 1) / 2) / max(len(heads), 2)
    for (head, look), shift in zip(style.head_styles(heads).items(), shifts.tolist(), strict=True):
        own = points[points["head"] == head]
        if own.empty:
            continue
        x = places[own["place"].to_numpy(int)]
        axes.fill_between(x, own["seeds_low"], own["seeds_high"], color=look.colour, alpha=0.13, linewidth=0)
        axes.plot(x, own["mean"], look.marker, color=look.colour, linestyle=look.dashes, zorder=3, **style.WHITE_EDGE)
        single = runs[head]
        axes.plot(
            places[single["place"].to_numpy(int)] + shift, single["value"], ".", color=look.colour, markersize=1.8
        )
        bars: style.Keywords = {"color": look.colour, "linewidth": 0.7, "alpha": 0.8, "zorder": 2}
        axes.vlines(x + shift, own["patients_low"], own["patients_high"], **bars)


def _runs(metrics: pd.DataFrame, outline: Outline, axis: str, here: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """Head -> place and value of every run of a panel."""
    mean = _only(metrics[metrics["label"] == "mean"], here)
    found = [
        variants.runs_at(mean, outline, variant).assign(place=place)
        for place, (_, variant) in enumerate(outline.along(axis))
    ]
    return {str(head): part for head, part in pd.concat(found).groupby("head")}


def _only(frame: pd.DataFrame, here: Mapping[str, str]) -> pd.DataFrame:
    for column, value in here.items():
        frame = frame[frame[column] == value]
    return frame
