"""Training and validation loss by epoch, per task and head (paper Fig. 4)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qcxr.analysis.figures import style
from qcxr.analysis.names import task_name, task_order

WINDOWS = 10  # per epoch: a batch's own loss says more of its films than of the model


def losses(*, history: pd.DataFrame, steps: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """One line per run, best epoch marked; columns are tasks, rows are training and validation loss.

    history, steps: every run's history.csv and steps.csv with task, head, seed in front. The training loss is that of
    the steps, averaged over tenths of an epoch, against the epochs trained so far.
    """
    trained = by_window(steps)
    tasks = task_order(history["task"])
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


def _lines(axes: Axes, runs: pd.DataFrame, heads: Sequence[str], loss: str, *, width: float) -> None:
    """Draw one panel: a line per run; the best epoch of each is marked where rows say which is."""
    for head, look in style.head_styles(heads).items():
        for _, run in runs[runs["head"] == head].groupby("seed"):
            axes.plot(run["epoch"], run[loss], color=look.colour, linewidth=width, alpha=0.9)
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
