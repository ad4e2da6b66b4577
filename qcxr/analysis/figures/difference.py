"""The study's main figure, a forest plot: the difference of AUROC of two heads, label by label and in the mean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from qcxr.analysis import leading
from qcxr.analysis.figures import style
from qcxr.analysis.names import FEW, dataset_name, dataset_order, head_name, task_name
from qcxr.analysis.ordering import label_order
from qcxr.analysis.predictions import MEANS

OF_MEANS = dict(
    zip(
        MEANS,
        ("Mean of all labels", "Mean of head labels", "Mean of medium labels", "Mean of tail labels"),
        strict=True,
    )
)
# Thin lines below the leading interval: how far, in rows, and how each looks.
PARTS: dict[str, tuple[float, style.Dashes]] = {"seeds": (0.22, "-"), "patients": (0.36, (0, (1, 1)))}


@dataclass(frozen=True)
class Rows:
    """Where rows stand: labels from common to rare, below them the means. height: of a row, in inches."""

    places: Mapping[str, float]
    names: Sequence[str]
    height: float
    parts: bool = True

    @property
    def end(self) -> float:
        """Where the last row ends."""
        return max(self.places.values()) + 0.75


def difference(
    *, tests: pd.DataFrame, metrics: pd.DataFrame, heads: Sequence[str], task: str, margin: float = 0.01
) -> Figure:
    """heads[0] minus the other head, one panel per test set (and pair), the same labels in the same order in all.

    The long line is the interval that the words of a report follow (`qcxr.analysis.leading`), the thin ones
    below it are its parts; an arrow says that it goes on. The mark of the adjusted p stands at the right edge. Within
    the grey band (+-margin) two heads count as equivalent.
    """
    part = tests[(tests["task"] == task) & (tests["metric"] == "auroc") & (tests["head_a"] == heads[0])]
    part = leading.led(part[part["head_b"].isin(heads)])
    if part["difference"].isna().all():
        return style.empty(f"{task_name(task)}: no difference is defined")
    others = [head for head in heads if head in set(part["head_b"])]
    rows = _rows(part, metrics, task, pairs=len(others))
    figure, panels = _panels(dataset_order(part["dataset"]), others, rows)
    low, high = _limits(part, margin)
    colours = {head: look.colour for head, look in style.head_styles(heads).items()}
    for (dataset, other), axes in panels.items():
        here = part[(part["dataset"] == dataset) & (part["head_b"] == other)].set_index("label")
        axes.axvspan(-margin, margin, facecolor=style.BAND, edgecolor=style.FAINT, linewidth=0.4, zorder=0)
        axes.axvline(0, color=style.INK, linewidth=0.7, zorder=1)
        axes.axhline(max(y for label, y in rows.places.items() if label not in OF_MEANS) + 0.8, color=style.INK, lw=0.5)
        axes.set_xlim(low, high)
        for label, y in rows.places.items():
            if label in here.index:
                _row(axes, y, here.loc[label], (colours[heads[0]], colours[other]), rows)
        axes.set_yticks(list(rows.places.values()), rows.names, fontsize=7 if rows.height > 0.15 else 5)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(rows.end, -0.7)
        axes.grid(False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6 if len(others) == 1 else 4 if rows.parts else 3))
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:+g}" if x else "0")
    _name_axes(figure, panels, heads[0])
    kinds = [kind for kind in leading.NAMES if (part["lead"] == kind).any()]
    handles = _handles(part, kinds, margin, rows.parts)
    style.legend(figure, handles, loc="outside upper center", title=task_name(task))
    return figure


def _rows(part: pd.DataFrame, metrics: pd.DataFrame, task: str, *, pairs: int) -> Rows:
    """Labels in the study's order with their training films (if known), then the means that are defined."""
    labels = [label for label in label_order(metrics, task) if label in set(part["label"])]
    films = metrics[metrics["task"] == task].groupby("label")["train_positives"].max()
    names = [f"{label} ({films[label]:,.0f})" if films.notna().get(label, False) else label for label in labels]
    means = [mean for mean in MEANS if part.loc[part["label"] == mean, "difference"].notna().any()]
    places = [*map(float, range(len(labels))), *(len(labels) + 0.6 + k for k in range(len(means)))]
    height = 0.25 if pairs == 1 else 0.17 if pairs < FEW else 0.1
    named = [*names, *(OF_MEANS[mean] for mean in means)]
    return Rows(dict(zip([*labels, *means], places, strict=True)), named, height, parts=pairs < FEW)


def _panels(datasets: Sequence[str], others: Sequence[str], rows: Rows) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Data sets side by side for one pair of heads; a row of pairs for each data set for several."""
    tall = rows.height * (rows.end + 0.7)
    if len(others) == 1:
        figure = Figure(figsize=(style.PAGE, 1.25 + tall))
        grid = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
        for axes, dataset in zip(grid, datasets, strict=True):
            axes.set_title(f"{dataset_name(dataset)} test set")
        return figure, {(dataset, others[0]): axes for dataset, axes in zip(datasets, grid, strict=True)}
    columns = min(5, len(others))
    order = style.by_head(others, datasets, columns=columns)
    titles = [f"{style.title(place[1])}\n{dataset_name(place[0])}" if place else "" for place in order]
    figure, axes_of = style.panels(titles, columns=columns, height=0.35 + tall, above=1.1)
    return figure, {place: axes for place, axes in zip(order, axes_of, strict=False) if place}


def _limits(part: pd.DataFrame, margin: float) -> tuple[float, float]:
    """Room for every difference, the means' intervals and most labels': a rare label's may be ten times as long."""
    means = part[part["label"].isin(MEANS)]
    ends = []
    for side, column in ((-1, "low"), (1, "high")):
        reach = (side * part[column]).fillna(side * part["difference"]).dropna()
        own = [(side * part["difference"]).max(), (side * means[column]).max(), 1.5 * margin, reach.quantile(0.85)]
        most = float(np.nanmax(own))
        ends.append(side * float(reach.max() if reach.max() < 1.5 * most else most))
    room = 0.05 * (ends[1] - ends[0])
    return ends[0] - room, ends[1] + room


def _row(axes: Axes, y: float, row: pd.Series, colours: tuple[str, str], rows: Rows) -> None:
    """One label or mean: the leading interval in the colour of the better head, its parts, the adjusted mark."""
    at_edge: style.Keywords = {
        "transform": axes.get_yaxis_transform(),
        "va": "center",
        "fontsize": 6 if rows.height > 0.15 else 5,
    }
    if pd.isna(row["difference"]):
        said = "undefined" if rows.height < 0.25 else f"undefined: {row['reason']}"[:44]
        axes.text(0.02, y, said, color=style.FAINT, style="italic", **at_edge)
        return
    first, other = axes.get_xlim()
    colour = colours[0] if row["difference"] > 0 else colours[1]
    wide = 1.6 if row.name in OF_MEANS else 1.1
    if pd.notna(row["low"]):
        axes.plot([max(row["low"], first), min(row["high"], other)], [y, y], color=colour, linewidth=wide, zorder=3)
        for beyond, marker, edge in ((row["low"] < first, "<", first), (row["high"] > other, ">", other)):
            if beyond:
                axes.plot(edge, y, marker, color=colour, markersize=3, clip_on=False, zorder=4)
    for kind, (below, dashes) in PARTS.items() if rows.parts else ():
        if row["lead"] != kind and pd.notna(row[f"{kind}_low"]):
            ends = [max(row[f"{kind}_low"], first), min(row[f"{kind}_high"], other)]
            axes.plot(ends, [y + below] * 2, color=style.FAINT, linewidth=0.7, linestyle=dashes, zorder=2)
    look = "D" if row.name in OF_MEANS else "o"
    axes.plot(row["difference"], y, look, color=colour, markersize=4 if rows.height > 0.15 else 2.5, zorder=5)
    axes.text(1.01, y, row["mark"], ha="left", **at_edge)


def _name_axes(figure: Figure, panels: Mapping[tuple[str, str], Axes], reference: str) -> None:
    """Say at every panel, or once for all, what the axis is and which side is whose."""
    others = list(dict.fromkeys(other for _, other in panels))
    other = head_name(others[0]) if len(others) == 1 else "the other head"
    said = f"Difference of AUROC\n← {other} better · {head_name(reference)} better →"
    if len(others) > 1:
        figure.supxlabel(said, fontsize=7.5)
        return
    for axes in panels.values():
        axes.set_xlabel(said)


def _handles(part: pd.DataFrame, leads: Iterable[str], margin: float, parts: bool) -> list[Artist]:
    """The legend: what the leading line is, what its parts are, and the band."""
    leads = list(leads)
    named = " or ".join(leading.NAMES[kind] for kind in leads)
    handles: list[Artist] = (
        [Line2D([], [], color=style.INK, marker="o", label=f"95 % interval: {named}")] if leads else []
    )
    for kind, (_, dashes) in PARTS.items() if parts else ():
        if leads != [kind] and part[f"{kind}_low"].notna().any():
            look: style.Keywords = {"color": style.FAINT, "linewidth": 0.8, "linestyle": dashes}
            handles.append(Line2D([], [], label=f"{kind} alone", **look))
    band: style.Keywords = {"facecolor": style.BAND, "edgecolor": style.FAINT, "linewidth": 0.4}
    return [*handles, Patch(label=f"within ±{margin:g}: counts as equivalent", **band)]
