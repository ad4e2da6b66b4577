"""Training and validation loss by epoch, per task and head (paper Fig. 4)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.names import head_name, task_name, task_order

ROWS = {"train_loss": "Training loss", "val_loss": "Validation loss"}


WINDOWS = 10  # per epoch: a batch's own loss says more of its films than of the model


def losses(*, history: pd.DataFrame, steps: pd.DataFrame, heads: list[str]) -> Figure:
    """One line per run, best epoch marked; columns are tasks, rows are training and validation loss.

    history, steps: every run's history.csv and steps.csv with task, head, seed in front. The training loss is that of
    the steps, averaged over tenths of an epoch, against the epochs trained so far.
    """
    trained = by_window(steps)
    tasks = task_order(history["task"])
    styles = style.head_styles(heads)
    figure = Figure(figsize=(min(style.PAGE, 1.0 + 2.1 * len(tasks)), 3.7))
    panels = figure.subplots(2, len(tasks), squeeze=False, sharex="col", sharey=True)
    for (row, (column, name)), task in ((r, t) for r in enumerate(ROWS.items()) for t in enumerate(tasks)):
        axes = panels[row, task[0]]
        lines, width = (trained, 0.5) if column == "train_loss" else (history, 0.9)
        for head in heads:
            runs = lines[(lines["task"] == task[1]) & (lines["head"] == head)]
            for _, run in runs.groupby("seed"):
                axes.plot(run["epoch"], run[column], color=styles[head].colour, linewidth=width, alpha=0.9)
                if column == "train_loss":
                    continue
                best = run[run["best"].astype(bool)].tail(1)
                if len(best):
                    axes.plot(best["epoch"], best[column], styles[head].marker, color=styles[head].colour,
                              markeredgecolor="white", markeredgewidth=0.4, zorder=3)  # fmt: skip
        if row == 0:
            axes.set_title(task_name(task[1]))
        else:
            axes.set_xlabel("Epoch")
            axes.xaxis.get_major_locator().set_params(integer=True)
        if task[0] == 0:
            axes.set_ylabel(name)
    handles = [Line2D([], [], color=styles[h].colour, marker=styles[h].marker, label=head_name(h)) for h in heads]
    style.legend(figure, handles, loc="outside upper center")
    return figure


def by_window(steps: pd.DataFrame) -> pd.DataFrame:
    """Mean training loss of each tenth of an epoch: columns task, head, seed, epoch (its end), train_loss."""
    keys = ["task", "head", "seed"]
    last = steps.groupby(keys)[["step", "epoch"]].transform("max")  # a run ends with an epoch
    window = np.ceil((steps["step"] / last["step"] * last["epoch"] * WINDOWS).round(9)) / WINDOWS
    means = steps.assign(epoch=window).groupby([*keys, "epoch"], sort=False)["loss"].mean()
    return means.rename("train_loss").reset_index()
