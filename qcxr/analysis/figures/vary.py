"""A metric against a varied key, one line per head: curves of sample size, of noise, of depth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import variants
from qcxr.analysis.figures import style
from qcxr.analysis.names import (
    FEW,
    capital,
    dataset_name,
    dataset_order,
    key_value,
    metric_name,
    task_name,
    task_order,
)
from qcxr.analysis.outline import Outline, Value
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.response import curve

WIDE = 30  # positive numbers that span more than this factor stand on a log axis
Places = Float[np.ndarray, " values"]


@dataclass(frozen=True)
class Drawn:
    """What panels show: points of `qcxr.analysis.response.curve`, single runs at their places, heads, values."""

    points: pd.DataFrame
    runs: pd.DataFrame
    heads: Sequence[str]
    values: Sequence[Value]

    @property
    def panels(self) -> list[tuple[str, str, str]]:
        """(task, metric, data set) of every panel, in order."""
        datasets = dataset_order(self.points["dataset"])
        return [(t, m, d) for t in task_order(self.points["task"]) for m in METRICS for d in datasets]

    def of(self, task: str, metric: str, dataset: str) -> "Drawn":
        """What one panel shows."""
        part = {}
        for name, frame in (("points", self.points), ("runs", self.runs)):
            here = (frame["task"] == task) & (frame["metric"] == metric) & (frame["dataset"] == dataset)
            part[name] = frame[here]
        return replace(self, **part)


def vary(
    *, metrics: pd.DataFrame, heads: Sequence[str], axis: str, outline: Outline, bootstrap: pd.DataFrame | None = None
) -> Figure:
    """Rows are tasks and metrics, columns data sets. Numbers stand on a number axis, other values as categories.

    Thin points are runs, lines their means, bands 95 % t-intervals over seeds, bars 95 % intervals over
    patients. A head without the key is a level line. Of more heads than a few each has its own panels, with the line of
    heads[0] in grey.
    """
    along = outline.along(axis)
    mean = metrics[metrics["label"] == "mean"]
    runs = [variants.runs_at(mean, outline, variant).assign(place=k) for k, (_, variant) in enumerate(along)]
    points = curve(metrics, outline, axis, bootstrap=bootstrap)
    drawn = Drawn(points, pd.concat(runs), heads, [value for value, _ in along])
    if len(heads) > FEW:
        return _by_head(drawn, axis)
    rows, columns = len(drawn.panels) // points["dataset"].nunique(), points["dataset"].nunique()
    legend_rows = -(-len(heads) // 4)
    figure = Figure(figsize=(min(style.PAGE, 1.2 + 3.0 * columns), 0.6 + 1.9 * rows + 0.14 * legend_rows))
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey="row")
    for k, ((task, metric, dataset), axes) in enumerate(zip(drawn.panels, grid.ravel(), strict=True)):
        _panel(axes, drawn.of(task, metric, dataset))
        axes.set_title(f"{task_name(task)}, {dataset_name(dataset)}", pad=3)
        if k % columns == 0:
            axes.set_ylabel(f"{capital(metric_name(metric))}, mean over labels")
    for axes in grid[:, 0]:  # a row shares its limits
        axes.set_ylim(*style.possible(axes.get_ylim()))
    name_values(grid[0, 0], drawn.values)
    for axes in grid[-1]:
        axes.set_xlabel(axis)
    style.legend(figure, style.dashed_handles(heads, marked=True), loc="outside upper center")
    return figure


def _by_head(drawn: Drawn, axis: str) -> Figure:
    """A small panel for every head, task, metric and data set; those of one metric have the same limits."""
    columns = 4
    order: list[tuple[tuple[str, str, str], str] | None] = []
    for place in drawn.panels:
        order += [None] * (-len(order) % columns) + [(place, head) for head in drawn.heads]
    titles = [style.title(at[1], task_name(at[0][0]), dataset_name(at[0][2])) if at else "" for at in order]
    figure, grid = style.panels(titles, columns=columns, height=1.3, sharey=False)
    limits: dict[str, list[Axes]] = {metric: [] for metric in METRICS}
    for k, (at, axes) in enumerate(zip(order, grid, strict=False)):
        if at is None:
            continue
        (_, metric, _), head = at
        here = drawn.of(*at[0])
        first = here.points[here.points["head"] == drawn.heads[0]]
        axes.plot(scale(drawn.values)[0][first["place"].to_numpy(int)], first["mean"], color=style.FAINT, linewidth=0.8)
        _panel(axes, here, only=head)
        limits[metric].append(axes)
        if k % columns == 0:
            axes.set_ylabel(capital(metric_name(metric)), fontsize=6)
    for same in limits.values():
        ends = [axes.get_ylim() for axes in same]
        for axes in same:
            axes.set_ylim(*style.possible((min(low for low, _ in ends), max(high for _, high in ends))))
    name_values(grid[0], drawn.values)
    figure.supxlabel(axis, fontsize=7.5)
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
        for panel in axes.get_shared_x_axes().get_siblings(axes):
            panel.text((first + second) / 2, 0, "//", transform=panel.get_xaxis_transform(), ha="center", va="center")


def _panel(axes: Axes, drawn: Drawn, *, only: str = "") -> None:
    """Draw the heads of one panel, or one head only."""
    places, _ = scale(drawn.values)
    heads = [only] if only else list(drawn.heads)
    looks = style.head_styles(drawn.heads)
    gap = np.diff(np.sort(places)).min() if places.size > 1 else 1.0
    shifts = 0.25 * gap * (np.arange(len(heads)) - (len(heads) - 1) / 2) / max(len(heads), 2)
    for head, shift in zip(heads, shifts.tolist(), strict=True):
        own, single, look = *(f[f["head"] == head] for f in (drawn.points, drawn.runs)), looks[head]
        if own.empty:
            continue
        x = places[own["place"].to_numpy(int)]
        style.band(axes, x, own["seeds_low"], own["seeds_high"], look)
        axes.plot(x, own["mean"], look.marker, color=look.colour, linestyle=look.dashes, zorder=3, **style.WHITE_EDGE)
        at = places[single["place"].to_numpy(int)] + shift
        axes.plot(at, single["value"], ".", color=look.colour, markersize=1.8)
        bars: style.Keywords = {"color": look.colour, "linewidth": 0.7, "zorder": 2}
        axes.vlines(x + shift, own["patients_low"], own["patients_high"], **bars)
