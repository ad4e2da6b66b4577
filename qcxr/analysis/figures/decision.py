"""Decision curves of every label on one test set, thresholds as multiples of its prevalence."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.decision import MULTIPLES, act_on_all, net_benefit, thresholds
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import FEW, dataset_name, task_name
from qcxr.analysis.predictions import Predictions, RunKey

Curve = Float[np.ndarray, " thresholds"]
LOWEST = -0.15  # of the axis: far below 0 nobody acts


def decision(*, predictions: Mapping[RunKey, Predictions], heads: Sequence[str], task: str, dataset: str) -> Figure:
    """One panel per label: standardised net benefit of each head, mean over seeds, acting on all dotted, on none at 0.

    Of more heads than a few each has one panel, with a line per label and the mean over labels.
    """
    runs = {run: table for run, table in predictions.items() if (run.task, run.dataset) == (task, dataset)}
    first = next(iter(runs.values()))
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    if len(heads) > FEW:
        return _by_head(runs, heads, title=title)
    figure, grid = style.label_grid(len(first.labels))
    for axes, label in zip(grid, first.labels, strict=False):
        truth, _ = first.of(label)
        style.label_title(axes, label)
        if why := why_undefined(truth):
            style.said_in_panel(axes, "not covered" if "covered" in why else why)
            continue
        prevalence = float(truth.mean())
        axes.plot(MULTIPLES, act_on_all(prevalence, thresholds(prevalence)) / prevalence, color=style.INK, **_DOTTED)
        axes.axhline(0, color=style.INK, linewidth=0.6)
        for head, look in style.head_styles(heads).items():
            curve = _mean(runs, head, label)
            if curve is not None:
                axes.plot(MULTIPLES, curve, color=look.colour, linestyle=look.dashes)
        place: style.Keywords = {"transform": axes.transAxes, "ha": "right", "va": "top", "fontsize": 5.5}
        axes.text(0.98, 0.97, f"prevalence {100 * prevalence:.2g} %", **place)
    _limits(grid[0])
    figure.supxlabel("Threshold, as a multiple of the label's prevalence", fontsize=7.5)
    figure.supylabel("Standardised net benefit", fontsize=7.5)
    every = Line2D([], [], color=style.INK, label="act on every film", **_DOTTED)
    style.legend(figure, [*style.dashed_handles(heads), every], loc="outside upper center", title=title)
    return figure


_DOTTED: style.Keywords = {"linestyle": ":", "linewidth": 0.9}


def _mean(runs: Mapping[RunKey, Predictions], head: str, label: str) -> Curve | None:
    """A head's standardised net benefit of one label, mean over its runs; None without runs."""
    curves = []
    for run, table in runs.items():
        if run.head == head:
            truth, probability = table.of(label)
            prevalence = float(truth.mean())
            curves.append(net_benefit(truth, probability, thresholds(prevalence)) / prevalence)
    return np.mean(curves, axis=0) if curves else None


def _by_head(runs: Mapping[RunKey, Predictions], heads: Sequence[str], *, title: str) -> Figure:
    """One panel per head: a thin line per label, the mean over labels bold, that of heads[0] dashed and dark."""
    figure, grid = style.panels([style.title(head) for head in heads], columns=5, height=1.4, above=0.7)
    table = next(iter(runs.values()))
    labels = [label for label in table.labels if not why_undefined(table.of(label)[0])]
    first: Curve | None = None
    for head, axes in zip(heads, grid, strict=False):
        look = style.head_styles(heads)[head]
        curves = [curve for label in labels if (curve := _mean(runs, head, label)) is not None]
        for curve in curves:
            axes.plot(MULTIPLES, curve, color=look.colour, linewidth=0.4, alpha=0.6)
        if curves:
            whole = np.mean(curves, axis=0)  # to where the most common label has its last threshold
            first = whole if head == heads[0] else first
            axes.plot(MULTIPLES, whole, color=look.colour, linewidth=1.6)
        if first is not None and head != heads[0]:
            axes.plot(MULTIPLES, first, color=style.INK, linewidth=0.8, linestyle=style.DASHES[1])
        axes.axhline(0, color=style.INK, linewidth=0.6)
    _limits(grid[0])
    figure.supxlabel("Threshold, as a multiple of each label's prevalence", fontsize=7.5)
    figure.supylabel("Standardised net benefit", fontsize=7.5)
    figure.suptitle(title, fontsize=8)
    return figure


def _limits(axes: Axes) -> None:
    axes.set_xlim(0, MULTIPLES[-1])
    axes.set_xticks([0, 1, 2, 3, 4])
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylim(LOWEST, 1.02)
