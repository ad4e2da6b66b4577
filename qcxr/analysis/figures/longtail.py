"""What the long tail costs each head: means over the head, medium and tail labels of a task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import leading
from qcxr.analysis.counted import of_training
from qcxr.analysis.figures import style
from qcxr.analysis.frequencies import Frequencies
from qcxr.analysis.names import FEW, capital, dataset_name, dataset_order, head_name, metric_name, shortened, task_name
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.response import over_seeds
from qcxr.errors import InputError

GROUPS = {"mean_head": "Head", "mean_medium": "Medium", "mean_tail": "Tail"}


@dataclass(frozen=True)
class Drawn:
    """What panels show: runs' means over the labels of each group, their intervals (if known), heads in order."""

    runs: pd.DataFrame
    known: pd.DataFrame | None
    heads: Sequence[str]

    def of(self, metric: str, dataset: str, group: str, head: str) -> tuple[np.ndarray, tuple[float, float]]:
        """The values of a head's runs, and the interval of their mean: the one that leads, or over seeds."""
        found = [_where(frame, metric, dataset, group, head) for frame in (self.runs, self.known) if frame is not None]
        values = found[0]["value"].dropna().to_numpy(float)
        if len(found) > 1 and len(found[1]):
            return values, (float(found[1]["low"].iloc[0]), float(found[1]["high"].iloc[0]))
        over = over_seeds(values) if values.size else dict.fromkeys(("seeds_low", "seeds_high"), np.nan)
        return values, (over["seeds_low"], over["seeds_high"])


def _where(frame: pd.DataFrame, metric: str, dataset: str, group: str, head: str) -> pd.DataFrame:
    place = (frame["metric"] == metric) & (frame["dataset"] == dataset) & (frame["label"] == group)
    return frame[place & (frame["head"] == head)]


def longtail(
    *,
    metrics: pd.DataFrame,
    counts: pd.DataFrame,
    heads: Sequence[str],
    task: str,
    estimates: pd.DataFrame | None = None,
    **borders: Any,
) -> Figure:
    """Mean AUROC and average precision over the labels of each group, from common to rare; a column per data set.

    Markers are means over seeds with their interval (estimates' leading one, else over seeds), small points runs. Of
    more heads than a few each is a row instead, for AUROC alone. counts: dataset, split, label, n, n_positive. borders:
    head_over, tail_under and quantiles, of the configuration's `analysis`.
    Raises InputError if counts lack a label's training count.
    """
    part = metrics[metrics["task"] == task]
    train = of_training(counts).set_index("label")["n_positive"].astype(int)
    names = list(part.loc[~part["label"].isin(MEANS), "label"].unique())
    if lacking := sorted(set(names) - set(train.index)):
        raise InputError(f"training counts lack labels {', '.join(lacking)}; count every label of task {task}")
    cuts = borders.get("quantiles")
    ends = (borders.get("head_over", 1000), borders.get("tail_under", 100), None if cuts is None else tuple(cuts))
    groups = Frequencies(train.to_dict(), *ends).groups(names)
    runs = part[part["label"].isin(GROUPS) & part["metric"].isin(METRICS)]
    shown = [group for group in GROUPS if groups[group] and runs.loc[runs["label"] == group, "value"].notna().any()]
    if not shown:
        return style.empty(f"{task_name(task)}: no group of labels has a mean")
    ticks = {group: _tick(GROUPS[group], train.loc[groups[group]]) for group in shown}
    known = None if estimates is None else leading.led(estimates[estimates["task"] == task])
    drawn = Drawn(runs, known, heads)
    return (_by_head if len(heads) > FEW else _side_by_side)(drawn, ticks, task)


def _tick(name: str, films: pd.Series) -> str:
    """A group's name, its labels counted, and the fewest and the most training films of any."""
    ends = f"{films.min():,}" if films.min() == films.max() else f"{films.min():,}–{films.max():,}"
    return f"{name}\n{len(films)} label{'s' * (len(films) > 1)}\n{ends} films"


def _side_by_side(drawn: Drawn, ticks: Mapping[str, str], task: str) -> Figure:
    """A row of panels per metric, heads beside each other in every group."""
    datasets = dataset_order(drawn.runs["dataset"])
    measured = [metric for metric in METRICS if metric in set(drawn.runs["metric"])]
    wide = min(style.PAGE, 0.9 + len(datasets) * len(ticks) * 1.05)
    figure = Figure(figsize=(max(style.COLUMN, wide), 1.1 + 1.6 * len(measured)))
    grid = figure.subplots(len(measured), len(datasets), squeeze=False, sharex=True, sharey="row")
    shifts = (0.6 * (np.arange(len(drawn.heads)) - (len(drawn.heads) - 1) / 2) / len(drawn.heads)).tolist()
    for i, metric in enumerate(measured):
        for axes, dataset in zip(grid[i], datasets, strict=True):
            for x, group in enumerate(ticks):
                for (head, look), shift in zip(style.head_styles(drawn.heads).items(), shifts, strict=True):
                    values, ends = drawn.of(metric, dataset, group, head)
                    if values.size:
                        _mark(axes, x + shift, values, ends, look)
                if _where(drawn.runs, metric, dataset, group, drawn.heads[0])["value"].isna().all():
                    faint: style.Keywords = {"color": style.FAINT, "style": "italic", "fontsize": 6, "rotation": 90}
                    place = axes.get_xaxis_transform()
                    axes.text(x, 0.05, "undefined", transform=place, ha="center", va="bottom", **faint)
            axes.grid(False, axis="x")
            axes.set_xlim(-0.6, len(ticks) - 0.4)
        grid[i, 0].set_ylabel(f"{capital(metric_name(metric))},\nmean over labels")
        grid[i, 0].set_ylim(*style.possible(grid[i, 0].get_ylim()))
    for axes, dataset in zip(grid[0], datasets, strict=True):
        axes.set_title(dataset_name(dataset))
    grid[0, 0].set_xticks(range(len(ticks)), list(ticks.values()))
    handles = style.line_handles(drawn.heads)
    style.legend(figure, handles, loc="outside upper center", title=task_name(task))
    return figure


def _mark(axes: Axes, x: float, values: np.ndarray, ends: tuple[float, float], look: style.HeadStyle) -> None:
    axes.plot([x, x], ends, color=look.colour, linewidth=1.2, zorder=3)
    axes.plot(x, values.mean(), look.marker, color=look.colour, markersize=5, zorder=4, **style.WHITE_EDGE)
    axes.plot(np.full(values.size, x + 0.07), values, ".", color=look.colour, markersize=2, zorder=3)


def _by_head(drawn: Drawn, ticks: Mapping[str, str], task: str) -> Figure:
    """A panel per data set (rows) and group (columns), heads from top to bottom; the dashed line is heads[0]."""
    datasets, rows = dataset_order(drawn.runs["dataset"]), len(drawn.heads)
    figure = Figure(figsize=(style.PAGE, 0.9 + len(datasets) * (0.3 + 0.15 * rows)))
    grid = figure.subplots(len(datasets), len(ticks), squeeze=False, sharex=True, sharey=True)
    for i, dataset in enumerate(datasets):
        for axes, (group, tick) in zip(grid[i], ticks.items(), strict=True):
            for y, (head, look) in enumerate(style.head_styles(drawn.heads).items()):
                values, ends = drawn.of("auroc", dataset, group, head)
                if not values.size:
                    place = axes.get_yaxis_transform()
                    axes.text(0.03, y, "undefined", transform=place, color=style.FAINT, va="center", fontsize=5)
                    continue
                axes.plot(ends, [y, y], color=look.colour, linewidth=1.2, zorder=3)
                axes.plot(values.mean(), y, look.marker, color=look.colour, markersize=4, zorder=4, **style.WHITE_EDGE)
                if not y:
                    axes.axvline(values.mean(), color=style.INK, linewidth=0.7, linestyle="--", zorder=1)
            axes.set_title(f"{dataset_name(dataset)}\n{', '.join(tick.splitlines())}", fontsize=7, pad=3)
            axes.set_ylim(rows - 0.4, -0.6)
            axes.tick_params(axis="y", length=0, labelsize=6)
    names = shortened([head_name(head) for head in drawn.heads], 28)
    grid[0, 0].set_yticks(range(rows), names)
    grid[0, 0].set_xlim(*style.possible(grid[0, 0].get_xlim()))
    figure.supxlabel("AUROC, mean over the labels of a group", fontsize=7.5)
    figure.suptitle(task_name(task), fontsize=8)
    return figure
