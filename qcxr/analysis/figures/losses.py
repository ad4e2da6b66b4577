"""Training and validation loss by epoch, per task and head (paper Fig. 4)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.names import FEW, task_name, task_order

WINDOWS = 10  # per epoch: a batch's own loss says more of its films than of the model


def losses(*, history: pd.DataFrame, steps: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """One line per run, best epoch marked; columns are tasks, rows are training and validation loss.

    history, steps: every run's history.csv and steps.csv with task, head, seed in front. The training loss is that of
    the steps, averaged over tenths of an epoch, against the epochs trained so far. Of more heads than a few each has
    its own panel, heads[0] grey in all.
    """
    trained = by_window(steps)
    tasks = task_order(history["task"])
    if len(heads) > FEW:
        return _by_head(history, trained, heads)
    figure = Figure(figsize=(min(style.PAGE, 1.0 + 2.1 * len(tasks)), 3.7))
    panels = figure.subplots(2, len(tasks), squeeze=False, sharex="col", sharey=True)
    for column, task in enumerate(tasks):
        _lines(panels[0, column], trained[trained["task"] == task], heads, "train_loss", width=0.5)
        panels[0, column].set_title(task_name(task))
    for column, task in enumerate(tasks):
        axes = panels[1, column]
        _lines(axes, history[history["task"] == task], heads, "val_loss", width=0.9)
        axes.set_xlabel("Epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    panels[0, 0].set_ylabel("Training loss")
    panels[1, 0].set_ylabel("Validation loss")
    style.legend(figure, style.line_handles(heads), loc="outside upper center")
    return figure


def _by_head(history: pd.DataFrame, trained: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """A small panel per task and head: validation loss (thick) over training loss (thin), heads[0]'s in grey."""
    order = style.by_head(heads, task_order(history["task"]), columns=4)
    titles = [style.title(place[1], task_name(place[0])) if place else "" for place in order]
    figure, grid = style.panels(titles, columns=4, height=1.25)
    for place, axes in zip(order, grid, strict=False):
        if place is None:
            continue
        validation, training = (frame[frame["task"] == place[0]] for frame in (history, trained))
        for _, run in validation[validation["head"] == heads[0]].groupby("seed"):
            axes.plot(run["epoch"], run["val_loss"], color=style.FAINT, linewidth=0.5, zorder=1)
        look = style.head_styles(heads)[place[1]]
        for _, run in training[training["head"] == place[1]].groupby("seed"):
            axes.plot(run["epoch"], run["train_loss"], color=style.pale(look.colour), linewidth=0.4)
        _lines(axes, validation, heads, "val_loss", width=0.9, only=place[1])
    figure.supxlabel("Epoch", fontsize=7.5)
    figure.supylabel("Loss", fontsize=7.5)
    return figure


def _lines(axes: Axes, runs: pd.DataFrame, heads: Sequence[str], loss: str, *, width: float, only: str = "") -> None:
    """Draw one panel: a line per run; the best epoch of each is marked where rows say which is. only: of one head."""
    for head, look in style.head_styles(heads).items():
        if only and head != only:
            continue
        for _, run in runs[runs["head"] == head].groupby("seed"):
            axes.plot(run["epoch"], run[loss], color=look.colour, linewidth=width)
            best = run[run["best"].astype(bool)].tail(1) if "best" in run else run.head(0)
            if len(best):
                axes.plot(best["epoch"], best[loss], look.marker, color=look.colour, zorder=3, **style.WHITE_EDGE)


def by_window(steps: pd.DataFrame) -> pd.DataFrame:
    """Mean training loss of each tenth of an epoch: columns task, head, seed, epoch (its end), train_loss."""
    keys = ["task", "head", "seed"]
    last = steps.groupby(keys)[["step", "epoch"]].transform("max")  # a run ends with an epoch
    window = np.ceil((steps["step"] / last["step"] * last["epoch"] * WINDOWS).round(9)) / WINDOWS
    means = steps.assign(epoch=window).groupby([*keys, "epoch"], sort=False)["loss"].mean()
    return means.rename("train_loss").reset_index()
