"""Reliability diagrams: observed frequency against predicted probability, per label on one test set."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.calibration import expected_calibration_error
from qcxr.analysis.calibration import reliability as bins_of
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import FEW, dataset_name, head_name, task_name
from qcxr.analysis.predictions import Predictions, RunKey

BINS = 15
Pair = tuple[Float[np.ndarray, " films"], Float[np.ndarray, " films"]]  # truth and probability


def reliability(*, predictions: Mapping[RunKey, Predictions], heads: Sequence[str], task: str, dataset: str) -> Figure:
    """One panel per label, films of all seeds of a head together; area of a marker by films; ECE in the panel.

    Rare findings get small probabilities: axes are square-rooted so that bins near 0 can be told apart. Of more heads
    than a few each has one panel, with a line per label.
    """
    runs = {run: table for run, table in predictions.items() if (run.task, run.dataset) == (task, dataset)}
    labels = next(iter(runs.values())).labels
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    if len(heads) > FEW:
        return _by_head(runs, labels, heads, title=title)
    figure, grid = style.label_grid(len(labels))
    for axes, label in zip(grid, labels, strict=False):
        pairs = {head: [table.of(label) for run, table in runs.items() if run.head == head] for head in heads}
        _panel(axes, pairs)
        style.label_title(axes, label)
        _root_axes(axes)
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    handles = style.line_handles(heads, note=" (number: mean ECE)")
    style.legend(figure, handles, loc="outside upper center", title=title)
    return figure


def _panel(axes: Axes, pairs: Mapping[str, Sequence[Pair]]) -> None:
    """Draw one label from the (truth, probability) of each head's runs."""
    axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
    errors = []
    for head, look in style.head_styles(pairs).items():
        truth, score = (np.concatenate(parts) for parts in zip(*pairs[head], strict=True))
        if why_undefined(truth) == "label not covered by this data set":
            style.said_in_panel(axes, "not covered")
            break
        mean, observed, films = bins_of(truth, score, bins=BINS)
        some = films > 0
        axes.plot(mean[some], observed[some], color=look.colour, linewidth=0.8)
        area = 3 + 25 * films[some] / films.max()
        marker: style.Keywords = {"marker": look.marker, "color": look.colour, "edgecolor": "white", "linewidth": 0.3}
        axes.scatter(mean[some], observed[some], s=area, zorder=3, **marker)
        errors.append(np.mean([expected_calibration_error(*pair, bins=BINS) for pair in pairs[head]]))
    for row, (head, error) in enumerate(zip(pairs, errors, strict=False)):
        place = (0.03, 0.96 - 0.13 * row)
        axes.text(*place, f"{head_name(head)} {error:.3f}", transform=axes.transAxes, va="top", fontsize=5.5)


def _by_head(runs: Mapping[RunKey, Predictions], labels: Sequence[str], heads: Sequence[str], *, title: str) -> Figure:
    """One panel per head: a thin line per label, the films of all labels together bold, those of heads[0] in grey."""
    figure, grid = style.panels([style.title(head) for head in heads], columns=5, height=1.4, above=0.7)
    first: tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]] | None = None
    for head, axes in zip(heads, grid, strict=False):
        look = style.head_styles(heads)[head]
        axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
        pairs = [[table.of(label) for run, table in runs.items() if run.head == head] for label in labels]
        pairs = [own for own in pairs if own and own[0][0].size]
        for own in pairs:
            axes.plot(*_bins(own), color=look.colour, linewidth=0.4, alpha=0.45)
        if pairs:
            whole = _bins([pair for own in pairs for pair in own])
            first = whole if head == heads[0] else first
            axes.plot(*whole, look.marker, linestyle="-", color=look.colour, linewidth=1.3, markersize=3)
            error = np.mean([expected_calibration_error(*pair, bins=BINS) for own in pairs for pair in own])
            axes.text(0.03, 0.96, f"{error:.3f}", transform=axes.transAxes, va="top", fontsize=5.5)
        if first is not None and head != heads[0]:
            axes.plot(*first, color=style.INK, linewidth=0.8, linestyle=style.DASHES[1])
        _root_axes(axes)
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    figure.suptitle(title, fontsize=8)
    return figure


def _bins(pairs: Sequence[Pair]) -> tuple[Float[np.ndarray, " bins"], Float[np.ndarray, " bins"]]:
    """(mean probability, observed frequency) of the bins with films, of several runs' films together."""
    truth, score = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    mean, observed, films = bins_of(truth, score, bins=BINS)
    return mean[films > 0], observed[films > 0]


def _root_axes(axes: Axes) -> None:
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    axes.set_xticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
    axes.set_yticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _root(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.sqrt(np.clip(x, 0, None))
