"""Reliability diagrams: observed frequency against predicted probability, per label on one test set."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.calibration import expected_calibration_error
from qcxr.analysis.calibration import reliability as bins_of
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import dataset_name, head_name, task_name

BINS = 15


def reliability(*, predictions: dict, heads: list[str], task: str, dataset: str) -> Figure:
    """One panel per label, films of all seeds of a head together; area of a marker by films; ECE in the panel.

    Rare findings get small probabilities: axes are square-rooted so that bins near 0 can be told apart.
    """
    runs = {key: table for key, table in predictions.items() if (key[0], key[3]) == (task, dataset)}
    labels = next(iter(runs.values())).labels
    styles = style.head_styles(heads)
    figure, grid = style.label_grid(len(labels))
    for axes, label in zip(grid, labels, strict=False):
        axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
        errors = []
        for head in heads:
            pairs = [table.of(label) for key, table in runs.items() if key[1] == head]
            truth, score = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
            if why_undefined(truth) == "label not covered by this data set":
                axes.text(0.5, 0.5, "not covered", ha="center", va="center", color=style.FAINT, style="italic")
                break
            mean, observed, films = bins_of(truth, score, bins=BINS)
            some = films > 0
            axes.plot(mean[some], observed[some], color=styles[head].colour, linewidth=0.8)
            axes.scatter(mean[some], observed[some], s=3 + 25 * films[some] / films.max(), color=styles[head].colour,
                         marker=styles[head].marker, edgecolor="white", linewidth=0.3, zorder=3)  # fmt: skip
            errors.append(np.mean([expected_calibration_error(*pair, bins=BINS) for pair in pairs]))
        for row, (head, error) in enumerate(zip(heads, errors, strict=False)):
            axes.text(0.03, 0.96 - 0.13 * row, f"{head_name(head)} {error:.3f}", transform=axes.transAxes, va="top",
                      fontsize=5.5)  # fmt: skip
        axes.set_title(label, fontsize=7 if len(label) < 20 else 6, pad=3)
        axes.set_xscale("function", functions=(_root, np.square))
        axes.set_yscale("function", functions=(_root, np.square))
        axes.set_xticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
        axes.set_yticks([0, 0.1, 0.5, 1], ["0", "0.1", "0.5", "1"])
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    figure.supxlabel("Predicted probability", fontsize=7.5)
    figure.supylabel("Observed frequency", fontsize=7.5)
    handles = [
        Line2D([], [], color=styles[h].colour, marker=styles[h].marker, label=f"{head_name(h)} (number: mean ECE)")
        for h in heads
    ]
    title = f"{task_name(task)}, {dataset_name(dataset)} test set"
    style.legend(figure, handles, loc="outside upper center", title=title)
    return figure


def _root(x: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(x, 0, None))
