"""AUROC against training frequency: what the long tail costs each head."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.frequencies import Frequencies
from qcxr.analysis.names import FEW, dataset_name, dataset_order, task_name
from qcxr.analysis.predictions import MEANS
from qcxr.errors import InputError


def longtail(
    *,
    metrics: pd.DataFrame,
    counts: pd.DataFrame,
    heads: Sequence[str],
    task: str,
    head_over: int = 1000,
    tail_under: int = 100,
    quantiles: Sequence[float] | None = None,
) -> Figure:
    """Mean and range over seeds of each label's AUROC, labels from rare to common in training; a panel per data set.

    Labels stand evenly, with their positives in training below: on a log axis the names of common ones collide. Dotted
    lines part tail (< tail_under), medium and head labels (> head_over), or as `quantiles` part them. Of more heads
    than a few each has its own panels, heads[0] grey in all. counts: dataset, split, label, n, n_positive.
    Raises InputError if counts lack a label's training count.
    """
    part = metrics[(metrics["task"] == task) & (metrics["metric"] == "auroc") & ~metrics["label"].isin(MEANS)]
    train = counts[counts["split"] == "train"].set_index("label")["n_positive"]
    lacking = sorted(set(part["label"]) - set(train.index))
    if lacking:
        raise InputError(f"training counts lack labels {', '.join(lacking)}; count every label of task {task}")
    names = sorted(part["label"].unique(), key=lambda label: train[label])
    cuts = None if quantiles is None else (quantiles[0], quantiles[1])
    groups = Frequencies(train.astype(int).to_dict(), head_over, tail_under, cuts).groups(names)
    below = [len(groups["mean_tail"]), len(names) - len(groups["mean_head"])]
    datasets = dataset_order(part["dataset"])
    if len(heads) > FEW:
        return _by_head(part, names, heads, [n for n in below if 0 < n < len(names)], ticks=train)
    figure = Figure(figsize=(style.PAGE if len(names) > 10 else 0.7 * style.PAGE, 1.6 + 1.5 * len(datasets)))
    panels = figure.subplots(len(datasets), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, dataset in zip(panels, datasets, strict=True):
        _ranges(axes, part[part["dataset"] == dataset], names, heads)
        for n in below:
            if 0 < n < len(names):
                axes.axvline(n - 0.5, color=style.INK, linewidth=0.7, linestyle=":")
        if part["value"].min() < 0.52:
            axes.axhline(0.5, color=style.FAINT, linewidth=0.7, linestyle="--")
        axes.set_title(f"{task_name(task)}, {dataset_name(dataset)}")
        axes.set_ylabel("AUROC")
        axes.grid(False, axis="x")
    ticks = [f"{n} ({train[n]:,})" for n in names]
    panels[-1].set_xticks(range(len(names)), ticks, rotation=40, ha="right", rotation_mode="anchor")
    panels[-1].set_xlim(-0.6, len(names) - 0.4)
    panels[-1].set_xlabel("Label (positive films in training)")
    style.legend(figure, style.line_handles(heads), loc="outside upper center")
    return figure


def _by_head(
    part: pd.DataFrame, names: Sequence[str], heads: Sequence[str], borders: Sequence[int], *, ticks: pd.Series
) -> Figure:
    """A small panel per data set and head: mean and range over seeds, and the means of heads[0] in grey."""
    order = style.by_head(heads, dataset_order(part["dataset"]), columns=3)
    titles = [style.title(place[1], dataset_name(place[0])) if place else "" for place in order]
    figure, grid = style.panels(titles, columns=3, height=1.25, above=1.2)
    for place, axes in zip(order, grid, strict=False):
        if place is None:
            continue
        here = part[part["dataset"] == place[0]]
        first = here[here["head"] == heads[0]].groupby("label")["value"].mean().reindex(names)
        axes.plot(range(len(names)), first, color=style.FAINT, linewidth=0.8, zorder=1)
        own = here[here["head"] == place[1]].groupby("label")["value"]
        look = style.head_styles(heads)[place[1]]
        axes.vlines(
            range(len(names)), own.min().reindex(names), own.max().reindex(names), color=look.colour, linewidth=1
        )
        axes.plot(range(len(names)), own.mean().reindex(names), look.marker, color=look.colour, **style.WHITE_EDGE)
        for n in borders:
            axes.axvline(n - 0.5, color=style.INK, linewidth=0.7, linestyle=":")
        if part["value"].min() < 0.52:
            axes.axhline(0.5, color=style.FAINT, linewidth=0.7, linestyle="--")
        axes.set_xticks(range(len(names)), [f"{n} ({ticks[n]:,})" for n in names], rotation=90, fontsize=5)
        axes.grid(False, axis="x")
    grid[0].set_xlim(-0.6, len(names) - 0.4)
    figure.supylabel("AUROC", fontsize=7.5)
    figure.supxlabel("Label (positive films in training)", fontsize=7.5)
    return figure


def _ranges(axes: Axes, part: pd.DataFrame, names: Sequence[str], heads: Sequence[str]) -> None:
    """Draw one data set: mean and range over seeds of every label and head."""
    styles = style.head_styles(heads)
    shifts = 0.18 * (np.arange(len(heads)) - (len(heads) - 1) / 2)
    for x, label in enumerate(names):
        rows = part[part["label"] == label]
        if rows["value"].isna().all():
            faint: style.Keywords = {"color": style.FAINT, "style": "italic", "fontsize": 6}
            faint["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            place = axes.get_xaxis_transform()
            axes.text(x, 0.04, "undefined", rotation=90, transform=place, ha="center", va="bottom", **faint)
        for head, shift in zip(heads, shifts.tolist(), strict=True):
            values, look = rows.loc[rows["head"] == head, "value"].dropna(), styles[head]
            if len(values):
                axes.plot([x + shift] * 2, [values.min(), values.max()], color=look.colour, linewidth=1.0)
                mean: style.Keywords = {"color": look.colour, "markersize": 4.5, "zorder": 3} | style.WHITE_EDGE
                axes.plot(x + shift, values.mean(), look.marker, **mean)
