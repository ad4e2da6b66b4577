"""Reliability diagrams: observed frequency against predicted probability, per label on one test set, run by run."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.calibration import bins as bins_of
from qcxr.analysis.calibration import expected_calibration_error
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import FEW, dataset_name, head_name, task_name
from qcxr.analysis.predictions import Predictions, RunKey

BINS, LEAST = 15, 10
Pair = tuple[Float[np.ndarray, " films"], Float[np.ndarray, " films"]]  # truth and probability


def reliability(*, predictions: Mapping[RunKey, Predictions], heads: Sequence[str], task: str, dataset: str) -> Figure:
    """One panel per label: a thin line per run, and of each head's first run the bins' intervals; ECE in the panel.

    Bins have LEAST films or more (`qcxr.analysis.calibration.bins`): a line does not plunge on one film. Runs are not
    put together, because those of several seeds are the same films again. Rare findings get small probabilities: axes
    are square-rooted so that bins near 0 can be told apart. Of more heads than a few each has one panel, with a line
    per label.
    """
    runs = {run: table for run, table in predictions.items() if (run.task, run.dataset) == (task, dataset)}
    labels = next(iter(runs.values())).labels
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    if len(heads) > FEW:
        return _by_head(runs, labels, heads, title=title)
    figure, grid = style.label_grid(len(labels))
    for axes, label in zip(grid, labels, strict=False):
        pairs = {head: [runs[run].of(label) for run in sorted(runs) if run.head == head] for head in heads}
        _panel(axes, pairs)
        style.label_title(axes, label)
    _root_axes(grid[0])
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    handles = style.line_handles(heads, note=" (number: mean ECE)")
    style.legend(figure, handles, loc="outside upper center", title=title)
    return figure


def _panel(axes: Axes, pairs: Mapping[str, Sequence[Pair]]) -> None:
    """Draw one label from the (truth, probability) of each head's runs, the first run's bins as markers with bars."""
    axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
    errors = {}
    for head, look in style.head_styles(pairs).items():
        if why_undefined(pairs[head][0][0]) == "label not covered by this data set":
            style.said_in_panel(axes, "not covered")
            break
        for k, pair in enumerate(pairs[head]):
            own = bins_of(*pair, bins=BINS, least=LEAST)
            axes.plot(own.mean, own.observed, color=style.pale(look.colour), linewidth=0.5, zorder=2)
            if not k:
                axes.vlines(own.mean, own.low, own.high, color=look.colour, linewidth=0.8, zorder=3)
                axes.plot(
                    own.mean, own.observed, look.marker, color=look.colour, markersize=2.5, zorder=4, clip_on=False
                )
        errors[head] = np.mean([expected_calibration_error(*pair, bins=BINS) for pair in pairs[head]])
    for row, (head, error) in enumerate(errors.items()):
        place = (0.03, 0.96 - 0.13 * row)
        axes.text(*place, f"{head_name(head)} {error:.3f}", transform=axes.transAxes, va="top", fontsize=5.5)


def _by_head(runs: Mapping[RunKey, Predictions], labels: Sequence[str], heads: Sequence[str], *, title: str) -> Figure:
    """One panel per head: a thin line per label, bold all labels' films, both of its first run; heads[0]'s in grey."""
    figure, grid = style.panels([style.title(head) for head in heads], columns=5, height=1.4, above=0.7)
    first: tuple[Float[np.ndarray, " first"], Float[np.ndarray, " first"]] | None = None
    for head, axes in zip(heads, grid, strict=False):
        look = style.head_styles(heads)[head]
        axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
        own = [runs[run] for run in sorted(runs) if run.head == head]
        pairs = [own[0].of(label) for label in labels] if own else []
        pairs = [pair for pair in pairs if pair[0].size]
        for pair in pairs:
            found = bins_of(*pair, bins=BINS, least=LEAST)
            axes.plot(found.mean, found.observed, color=style.pale(look.colour), linewidth=0.4)
        if pairs:
            truth, score = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
            whole = bins_of(truth, score, bins=BINS, least=LEAST)
            first = (whole.mean, whole.observed) if head == heads[0] else first
            axes.plot(whole.mean, whole.observed, look.marker, linestyle="-", color=look.colour, lw=1.3, markersize=3)
            every = [table.of(label) for table in own for label in labels]
            error = np.mean([expected_calibration_error(*pair, bins=BINS) for pair in every if pair[0].size])
            axes.text(0.03, 0.96, f"{error:.3f}", transform=axes.transAxes, va="top", fontsize=5.5)
        if first is not None and head != heads[0]:
            axes.plot(*first, color=style.INK, linewidth=0.8, linestyle=style.DASHES[1])
    _root_axes(grid[0])
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    figure.suptitle(title, fontsize=8)
    return figure


def _root_axes(axes: Axes) -> None:
    """Of one panel and so of all that share its axes."""
    axes.set_xscale("function", functions=(_root, np.square))
    axes.set_yscale("function", functions=(_root, np.square))
    axes.set_xticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
    axes.set_yticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _root(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.sqrt(np.clip(x, 0, None))
