"""ROC and precision-recall curves per label on one test set, one line per run."""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis import ranking
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.predictions import Predictions

Tables = dict[tuple[str, str, int, str], Predictions]
POINTS = 300  # a curve of 50,000 films has as many corners; a page shows a few hundred


def roc(*, predictions: Tables, heads: list[str], task: str, dataset: str) -> Figure:
    """Sensitivity against 1 - specificity per label, one line per run, the diagonal is chance."""
    figure, panels = _grid(predictions, heads, task, dataset, ranking.roc, "1 − specificity", "Sensitivity")
    for axes in panels:
        axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
    return figure


def precision_recall(*, predictions: Tables, heads: list[str], task: str, dataset: str) -> Figure:
    """Precision against recall per label, one line per run, the dotted line is the label's prevalence (chance)."""
    figure, panels = _grid(predictions, heads, task, dataset, ranking.precision_recall, "Recall", "Precision")
    table = next(t for key, t in predictions.items() if (key[0], key[3]) == (task, dataset))
    for axes, label in zip(panels, table.labels, strict=True):
        truth = table.of(label)[0]
        if not why_undefined(truth):
            axes.axhline(truth.mean(), color=style.FAINT, linewidth=0.6, linestyle=":")
    return figure


def _grid(
    predictions: Tables, heads: list[str], task: str, dataset: str, curve: Callable, x: str, y: str
) -> tuple[Figure, list]:
    """Draw one panel per label; return the figure and the panels in label order."""
    runs = {key: table for key, table in predictions.items() if (key[0], key[3]) == (task, dataset)}
    labels = next(iter(runs.values())).labels
    styles = style.head_styles(heads)
    figure, grid = style.label_grid(len(labels))
    for axes, label in zip(grid, labels, strict=False):
        reason = ""
        for (_, head, _, _), table in runs.items():
            if head not in heads:
                continue
            truth, score = table.of(label)
            reason = why_undefined(truth)
            if reason:
                said = f"undefined:\n{reason}"
                axes.text(0.5, 0.5, said, ha="center", va="center", color=style.FAINT, style="italic")
                break
            axes.plot(*_thin(*curve(truth, score)), color=styles[head].colour, linewidth=0.7, alpha=0.8,
                      linestyle="-" if head == heads[0] else (0, (4, 1)))  # fmt: skip
        axes.set_title(label, fontsize=7 if len(label) < 20 else 6, pad=3)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)
    handles = [
        Line2D([], [], color=styles[h].colour, linestyle="-" if h == heads[0] else (0, (4, 1)), label=head_name(h))
        for h in heads
    ]
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    style.legend(figure, handles, loc="outside upper center", title=title)
    return figure, list(grid[: len(labels)])


def _thin(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keep about POINTS corners, evenly along the curve's length, first and last included."""
    if x.size <= POINTS:
        return x, y
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    keep = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)).clip(0, x.size - 1))
    return x[keep], y[keep]
