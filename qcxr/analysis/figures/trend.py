"""The difference of two heads against the training films of a label: does it follow rarity?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

from qcxr.analysis import formats, leading, matched
from qcxr.analysis.figures import style
from qcxr.analysis.figures.named import name_points
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name
from qcxr.analysis.predictions import MEANS

Key = tuple[str, str]  # data set, head


def trend(
    *, trend: pd.DataFrame, tests: pd.DataFrame, metrics: pd.DataFrame, heads: Sequence[str], task: str
) -> Figure:
    """AUROC of heads[0] minus that of another, a point with its 95 % interval per label, over training films.

    A panel per data set with the labels' names; of more heads than two a small panel per head and data set, unnamed.
    The interval is the one that a row leads with (`qcxr.analysis.leading`).
    """
    tests = tests[(tests["task"] == task) & (tests["metric"] == "auroc") & ~tests["label"].isin(MEANS)]
    tests = tests[(tests["head_a"] == heads[0]) & tests["head_b"].isin(heads)]
    found = trend[(trend["task"] == task) & (trend["metric"] == "auroc") & (trend["head_a"] == heads[0])]
    counts = matched.train_positives(metrics[metrics["task"] == task])
    known = pd.Series([counts.get((task, label), np.nan) for label in tests["label"]], tests.index, dtype=float)
    points = leading.led(tests).assign(x=known.where(known > 0)).dropna(subset=["x", "difference"])
    if points.empty:
        return style.empty(f"{task_name(task)}: no label has a difference and known training films")
    others = [head for head in heads[1:] if head in set(points["head_b"])]
    figure, panels = _panels(dataset_order(points["dataset"]), others, points["label"].nunique())
    rows = {(row["dataset"], row["head_b"]): row for row in found.to_dict("records")}
    for key, axes in panels.items():
        here = points[(points["dataset"] == key[0]) & (points["head_b"] == key[1])]
        _panel(axes, here, rows.get(key), heads, named=len(others) == 1)
    _axes_said(figure, panels, heads, others)
    if len(others) == 1:
        figure.draw_without_rendering()  # names are put where there is room, so panels must have their places
        for key, axes in panels.items():
            here = points[points["dataset"] == key[0]]
            at = here[["x", "difference"]].to_numpy(float)
            name_points(axes, at, list(here["label"]), others=_drawn(axes, here), size=6)
    return figure


def _drawn(axes: Axes, rows: pd.DataFrame) -> Float[np.ndarray, "places 2"]:
    """Places along the intervals, which no name should hide; fewer where an interval is short."""
    ends = rows[["x", "low", "high"]].dropna().to_numpy(float)
    low, high = axes.get_ylim()
    places = [
        (x, y) for x, first, last in ends for y in np.linspace(first, last, 2 + int(40 * (last - first) / (high - low)))
    ]
    return np.array(places, dtype=float).reshape(-1, 2)


def _panels(datasets: Sequence[str], others: Sequence[str], labels: int) -> tuple[Figure, dict[Key, Axes]]:
    if len(others) == 1:
        columns = 1 if labels > 10 and len(datasets) < 4 else min(2, len(datasets))
        rows = -(-len(datasets) // columns)
        width = style.PAGE if columns == 2 or labels > 10 else 0.65 * style.PAGE
        figure = Figure(figsize=(width, 0.5 + min(2.7, 8.5 / rows) * rows))
        places = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes in places[len(datasets) :]:
            axes.set_visible(False)
        return figure, {(dataset, others[0]): axes for dataset, axes in zip(datasets, places, strict=False)}
    order = style.by_head(others, datasets, columns=5)
    titles = [style.title(place[1], dataset_name(place[0])) if place else "" for place in order]
    figure, grid = style.panels(titles, columns=5, height=min(1.35, 8.6 / -(-len(order) // 5)))
    return figure, {place: axes for place, axes in zip(order, grid, strict=False) if place}


def _panel(
    axes: Axes, rows: pd.DataFrame, found: Mapping[str, Any] | None, heads: Sequence[str], *, named: bool
) -> None:
    styles = style.head_styles(heads)
    axes.set_xscale("log")
    axes.axhline(0, color=style.INK, linewidth=0.6)
    for head, part in rows.groupby(rows["head_a"].where(rows["difference"] > 0, rows["head_b"]), sort=False):
        look = styles[str(head)]
        axes.vlines(part["x"], part["low"], part["high"], colors=look.colour, linewidth=0.9 if named else 0.6)
        marker: style.Keywords = {"markersize": 5 if named else 3, "color": look.colour, "zorder": 4}
        axes.plot(part["x"], part["difference"], look.marker, **marker, **style.WHITE_EDGE)
    said = ""
    if found is not None and pd.notna(found["rho"]):
        axes.plot(*zip(*_line(found, rows["x"]), strict=True), color=style.INK, linewidth=1.0, linestyle="--", zorder=3)
        interval = f" [{found['rho_low']:+.2f}, {found['rho_high']:+.2f}]" if pd.notna(found["rho_low"]) else ""
        said = f"$\\rho$ {found['rho']:+.2f}{interval * named}, p {formats.p_value(found['p'])}".replace("-", "−")
    elif found is not None and not named:
        said = "fewer than 5 labels"
    if named:
        where = f"{task_name(rows['task'].iloc[0])}, {dataset_name(rows['dataset'].iloc[0])}"
        axes.set_title(f"{where}: {said}" if said else f"{where}: too few labels for a trend")
    else:
        axes.text(0.03, 0.97, said, transform=axes.transAxes, va="top", fontsize=5.5)


def _line(found: Mapping[str, Any], x: pd.Series) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of Theil and Sen's line over the points."""
    low, high = float(x.min()), float(x.max())
    at = [found["intercept"] + found["slope"] * np.log10(end) for end in (low, high)]
    return (low, at[0]), (high, at[1])


def _axes_said(figure: Figure, panels: Mapping[Key, Axes], heads: Sequence[str], others: Sequence[str]) -> None:
    other = head_name(others[0]) if len(others) == 1 else "the other head"
    figure.supxlabel("Positive films in training", fontsize=7.5)
    figure.supylabel(f"AUROC, {head_name(heads[0])} − {other}", fontsize=7.5)
    one = next(iter(panels.values()))
    low, high = one.get_xlim()
    one.set_xlim(low / 1.15, high * 1.15)
    ticks = [10**k for k in range(8) if low / 1.15 <= 10**k <= high * 1.15]
    if len(ticks) < 2:
        ticks = [m * 10**k for k in range(8) for m in (1, 2, 5) if low / 1.15 <= m * 10**k <= high * 1.15]
    for axes in panels.values():
        axes.set_xticks(ticks, [f"{n:,}" for n in ticks], fontsize=7 if len(others) == 1 else 5.5)
        axes.xaxis.set_minor_locator(LogLocator(subs="auto") if len(others) == 1 else NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(lambda y, _: f"{y:+.2g}".replace("-", "−") if abs(y) > 1e-9 else "0")
