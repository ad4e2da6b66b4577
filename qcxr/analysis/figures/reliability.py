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

    Rare findings get small probabilities: axes are square-rooted so that bins near 0 can be told apart.
    """
    runs = {run: table for run, table in predictions.items() if (run.task, run.dataset) == (task, dataset)}
    labels = next(iter(runs.values())).labels
    figure, grid = style.label_grid(len(labels), len(heads))
    for axes, label in zip(grid, labels, strict=False):
        pairs = {head: [table.of(label) for run, table in runs.items() if run.head == head] for head in heads}
        _panel(axes, pairs)
        style.label_title(axes, label)
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_yscale("function", functions=(_root, np.square))
        axes.set_xticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
        axes.set_yticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    handles = style.line_handles(heads, note=" (number: mean ECE)" * (len(heads) <= FEW))
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
    if len(pairs) > FEW:
        return  # no room for the numbers; the table of all metrics has their means over labels
    for row, (head, error) in enumerate(zip(pairs, errors, strict=False)):
        place = (0.03, 0.96 - 0.13 * row)
        axes.text(*place, f"{head_name(head)} {error:.3f}", transform=axes.transAxes, va="top", fontsize=5.5)


def _root(x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.sqrt(np.clip(x, 0, None))
