"""ROC and precision-recall curves per label on one test set, one line per run."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis import ranking
from qcxr.analysis.figures import style
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.names import FEW, dataset_name, task_name
from qcxr.analysis.predictions import Predictions, RunKey

Tables = Mapping[RunKey, Predictions]
Films = Float[np.ndarray, " films"]
Curve = tuple[Float[np.ndarray, " corners"], Float[np.ndarray, " corners"]]
POINTS = 300  # a curve of 50,000 films has as many corners; a page shows a few hundred
GRID = np.linspace(0.0, 1.0, POINTS)


def roc(*, predictions: Tables, heads: Sequence[str], task: str, dataset: str) -> Figure:
    """Sensitivity against 1 - specificity per label, one line per run; the diagonal is chance.

    Of more heads than a few each has one panel, with a line per label.
    """
    if len(heads) > FEW:
        return _by_head(_runs(predictions, task, dataset), heads, _roc, "1 − specificity", "Sensitivity")
    figure, panels = _grid(_runs(predictions, task, dataset), heads, _roc, "1 − specificity", "Sensitivity")
    for axes in panels:
        axes.plot([0, 1], [0, 1], color=style.FAINT, linewidth=0.6, linestyle=":")
    return figure


def precision_recall(*, predictions: Tables, heads: Sequence[str], task: str, dataset: str) -> Figure:
    """Precision against recall per label, panels as in `roc`, the dotted line is the label's prevalence (chance)."""
    runs = _runs(predictions, task, dataset)
    if len(heads) > FEW:
        return _by_head(runs, heads, _precision_recall, "Recall", "Precision")
    figure, panels = _grid(runs, heads, _precision_recall, "Recall", "Precision")
    table = next(iter(runs.values()))
    for axes, label in zip(panels, table.labels, strict=True):
        truth = table.of(label)[0]
        if not why_undefined(truth):
            axes.axhline(truth.mean(), color=style.FAINT, linewidth=0.6, linestyle=":")
    return figure


def _runs(predictions: Tables, task: str, dataset: str) -> Tables:
    return {run: table for run, table in predictions.items() if (run.task, run.dataset) == (task, dataset)}


def _roc(truth: Films, score: Films) -> Curve:
    """All corners: those on a straight line count when a curve is thinned by its length."""
    true, false, _ = ranking.confusion(truth, score)
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def _precision_recall(truth: Films, score: Films) -> Curve:
    """From the highest score on, without the end at recall 0 that scikit-learn adds and no threshold gives."""
    true, false, _ = ranking.confusion(truth, score)
    return true / true[-1], true / (true + false)


def as_steps(run: Curve) -> tuple[Float[np.ndarray, " steps"], Float[np.ndarray, " steps"]]:
    """Ends of a precision-recall curve's steps, to be drawn `steps-pre`: the area below is the average precision.

    A threshold's precision holds for the recall that it adds, as scikit-learn's display draws it from the other end.
    Of more steps than POINTS those in the same of so many parts of the recall are drawn as one, of the same area.
    """
    recall, precision = run
    width = np.diff(recall, prepend=0.0)
    recall, precision, width = (ends[width > 0] for ends in (recall, precision, width))  # a false positive is no step
    if recall.size > POINTS:
        part = np.minimum((recall * POINTS).astype(int), POINTS - 1)
        starts = np.flatnonzero(np.diff(part, prepend=-1))
        area, width = np.add.reduceat(width * precision, starts), np.add.reduceat(width, starts)
        recall, precision = recall[np.append(starts[1:] - 1, recall.size - 1)], area / width
    return np.append(0.0, recall), np.append(precision[0], precision)


def _grid(
    runs: Tables, heads: Sequence[str], curve: Callable[[Films, Films], Curve], x: str, y: str
) -> tuple[Figure, list[Axes]]:
    """Draw one panel per label; return the figure and the panels in label order."""
    run, table = next(iter(runs.items()))
    figure, grid = style.label_grid(len(table.labels))
    for axes, label in zip(grid, table.labels, strict=False):
        _panel(axes, {key: given.of(label) for key, given in runs.items() if key.head in heads}, heads, curve)
        style.label_title(axes, label)
    _unit_square(grid[0])
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)
    handles = style.dashed_handles(heads)
    title = f"{task_name(run.task)}, {dataset_name(run.dataset)} test set"
    style.legend(figure, handles, loc="outside upper center", title=title)
    return figure, grid[: len(table.labels)]


def _panel(
    axes: Axes,
    given: Mapping[RunKey, tuple[Films, Films]],
    heads: Sequence[str],
    curve: Callable[[Films, Films], Curve],
) -> None:
    styles = style.head_styles(heads)
    for run, (truth, score) in given.items():
        if reason := why_undefined(truth):
            style.said_in_panel(axes, f"undefined:\n{reason}")
            break
        look = styles[run.head]
        found = curve(truth, score)
        steps = curve is not _roc
        x, y = as_steps(found) if steps else _thin(*found)
        line: style.Keywords = {"color": look.colour, "linewidth": 0.7, "linestyle": look.dashes}
        axes.plot(x, y, drawstyle="steps-pre" if steps else "default", **line)


def _by_head(runs: Tables, heads: Sequence[str], curve: Callable[[Films, Films], Curve], x: str, y: str) -> Figure:
    """One panel per head: a thin line per label (mean over runs), their mean bold, that of heads[0] in grey."""
    run, table = next(iter(runs.items()))
    figure, grid = style.panels([style.title(head) for head in heads], columns=5, height=1.4, above=0.7)
    first = None
    for head, axes in zip(heads, grid, strict=False):
        look = style.head_styles(heads)[head]
        found = []
        for label in table.labels:
            own = [given.of(label) for key, given in runs.items() if key.head == head]
            if own and not why_undefined(own[0][0]):
                steps = [stepped(curve(*pair), from_left=curve is _roc) for pair in own]
                found.append(np.mean(steps, axis=0))
                axes.plot(GRID, found[-1], color=style.pale(look.colour), linewidth=0.4)
        if found:
            mean = np.mean(found, axis=0)
            first = mean if head == heads[0] else first
            axes.plot(GRID, mean, color=look.colour, linewidth=1.5)
        if first is not None and head != heads[0]:
            axes.plot(GRID, first, color=style.INK, linewidth=0.8, linestyle=style.DASHES[1])
    _unit_square(grid[0])
    figure.supxlabel(x, fontsize=7.5)
    figure.supylabel(y, fontsize=7.5)
    figure.suptitle(f"{task_name(run.task)}, {dataset_name(run.dataset)} test set", fontsize=8)
    return figure


def _unit_square(axes: Axes) -> None:
    """Of one panel and so of all that share its axes: panel by panel matplotlib would go through all for each."""
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def stepped(run: Curve, *, from_left: bool) -> Float[np.ndarray, " points"]:
    """A curve's value at each of GRID, taken as steps: the mean of several is their vertical mean (Fawcett 2006).

    from_left: what its last corner up to there has (ROC), else what its first corner from there on has (precision,
    which falls with recall): neither promises more than a threshold gives.
    """
    x, y = run
    at = np.searchsorted(x, GRID, side="right") - 1 if from_left else np.searchsorted(x, GRID)
    return y[at.clip(0, y.size - 1)]


def _thin(x: Float[np.ndarray, " corners"], y: Float[np.ndarray, " corners"]) -> Curve:
    """Keep about POINTS corners, evenly along the curve's length, first and last included."""
    if x.size <= POINTS:
        return x, y
    length = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    keep = np.unique(np.searchsorted(length, np.linspace(0, length[-1], POINTS)).clip(0, x.size - 1))
    return x[keep], y[keep]
