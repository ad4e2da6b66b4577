"""Mean AUROC per task and data set: bars with their interval, one point per seed, pairs joined, adjusted marks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import leading
from qcxr.analysis.figures import forest, style
from qcxr.analysis.names import FEW, dataset_name, dataset_order, task_name, task_order


def means(
    *, metrics: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], estimates: pd.DataFrame | None = None
) -> Figure:
    """Bars of the mean over seeds with the runs as points; a bracket carries the mark of the adjusted p.

    estimates: with the interval of every mean (`qcxr.analysis.leading`). More heads than a few are rows
    instead, as in `qcxr.analysis.figures.forest`.
    """
    mean = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")]
    tests = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc") & (tests["head_a"] == heads[0])]
    known = None
    if estimates is not None:
        known = leading.led(estimates[(estimates["label"] == "mean") & (estimates["metric"] == "auroc")])
    if len(heads) > FEW:
        return forest.scores(mean, tests, heads, known)
    tasks, datasets = task_order(mean["task"]), dataset_order(mean["dataset"])
    figure = Figure(figsize=(min(style.PAGE, max(style.COLUMN, 1.9 * len(datasets) * max(1, len(tasks) / 2))), 2.6))
    panels = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    low, high = mean["value"].min(), mean["value"].max()
    low = 0.5 if not low < 0.5 else float(np.floor(20 * low) / 20)
    step = 0.05 * max(high - low, 0.05) if np.isfinite(high) else 0.01
    for axes, dataset in zip(panels, datasets, strict=True):
        for x, task in enumerate(tasks):
            part = mean[(mean["task"] == task) & (mean["dataset"] == dataset)]
            runs = part.pivot(index="seed", columns="head", values="value").reindex(columns=list(heads))
            places = x + 0.8 / len(heads) * (np.arange(len(heads)) - (len(heads) - 1) / 2)
            at = dict(zip(heads, places.tolist(), strict=True))
            _bars(axes, at, runs, low=low)
            top = _whiskers(axes, at, known, task, dataset)
            if runs.isna().all(axis=None):
                axes.text(x, low + step, "undefined", rotation=90, ha="center", va="bottom", color=style.FAINT)
                continue
            here = tests[(tests["task"] == task) & (tests["dataset"] == dataset)].set_index("head_b")["mark"]
            level = float(np.nanmax([np.nanmax(runs.to_numpy()), top])) + step
            for head, place in zip(heads[1:], places[1:].tolist(), strict=True):
                if said := here.get(head, ""):
                    _bracket(axes, (float(places[0]), place), level, step, said)
                    level += 3 * step
        axes.set_title(dataset_name(dataset))
        axes.set_xticks(range(len(tasks)), [task_name(task) for task in tasks])
        axes.grid(False, axis="x")
    panels[0].set_ylabel("Mean AUROC" if low >= 0.5 else "Mean AUROC (chance = 0.5)")
    panels[0].set_ylim(low, None)
    style.legend(figure, style.bar_handles(heads), loc="outside upper center")
    return figure


def _bars(axes: Axes, places: dict[str, float], runs: pd.DataFrame, *, low: float) -> None:
    """Draw one task: a bar per head from `low` on, its runs as points, the heads of one seed joined."""
    styles = style.head_styles(places)
    for head, place in places.items():
        look = styles[head]
        filled: style.Keywords = {"color": look.colour, "hatch": look.hatch, "edgecolor": "white", "linewidth": 0}
        axes.bar(place, runs[head].mean() - low, 0.94 * 0.8 / len(places), bottom=low, **filled)
    for _, run in runs.iterrows():
        axes.plot(list(places.values()), run, color=style.FAINT, linewidth=0.5, zorder=3)
    for head, place in places.items():
        style.runs_as_points(axes, np.full(len(runs), place), runs[head], styles[head], edge=0.6)


def _whiskers(axes: Axes, places: dict[str, float], known: pd.DataFrame | None, task: str, dataset: str) -> float:
    """Draw the interval of every head's mean beside its runs; return the highest end, NaN without any."""
    if known is None:
        return np.nan
    here = known[(known["task"] == task) & (known["dataset"] == dataset)].set_index("head")
    here = here.reindex(list(places))
    beside = np.array(list(places.values())) + 0.28 / len(places)
    for colour, width in (("white", 2.4), (style.INK, 0.9)):  # an outline, for what lies over a dark bar
        axes.vlines(beside, here["low"], here["high"], color=colour, linewidth=width, zorder=5)
    return float(here["high"].max())


def _bracket(axes: Axes, ends: tuple[float, float], level: float, step: float, said: str) -> None:
    first, last = ends
    heights = [level, level + step / 2, level + step / 2, level]
    axes.plot([first, first, last, last], heights, color=style.INK, linewidth=0.7)
    axes.text((first + last) / 2, level + step / 2, said, ha="center", va="bottom")
