"""AUROC against training frequency: what the long tail costs each head."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from qcxr.analysis.figures import style
from qcxr.analysis.metrics import MEANS
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name
from qcxr.errors import InputError


def longtail(
    *, metrics: pd.DataFrame, counts: pd.DataFrame, heads: list[str], task: str, head_over: int = 1000,
    tail_under: int = 100,
) -> Figure:  # fmt: skip
    """Mean and range over seeds of each label's AUROC, labels from rare to common in training; a panel per data set.

    Labels stand evenly, with their positives in training below: on a log axis the names of common ones collide. Dotted
    lines part tail (< tail_under), medium and head labels (> head_over). counts: dataset, split, label, n, n_positive.
    Raises InputError if counts lack a label's training count.
    """
    part = metrics[(metrics["task"] == task) & (metrics["metric"] == "auroc") & ~metrics["label"].isin(MEANS)]
    train = counts[counts["split"] == "train"].set_index("label")["n_positive"]
    lacking = sorted(set(part["label"]) - set(train.index))
    if lacking:
        raise InputError(f"training counts lack labels {', '.join(lacking)}; count every label of task {task}")
    names = sorted(part["label"].unique(), key=lambda label: train[label])
    datasets = dataset_order(part["dataset"])
    styles = style.head_styles(heads)
    shifts = 0.18 * (np.arange(len(heads)) - (len(heads) - 1) / 2)
    figure = Figure(figsize=(style.PAGE if len(names) > 10 else 0.7 * style.PAGE, 1.6 + 1.5 * len(datasets)))
    panels = figure.subplots(len(datasets), 1, squeeze=False, sharex=True, sharey=True)[:, 0]
    for axes, dataset in zip(panels, datasets, strict=True):
        for x, label in enumerate(names):
            rows = part[(part["dataset"] == dataset) & (part["label"] == label)]
            if rows["value"].isna().all():
                axes.text(x, 0.04, "undefined", rotation=90, transform=axes.get_xaxis_transform(), ha="center",
                          va="bottom", color=style.FAINT, style="italic", fontsize=6,
                          bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
            for head, shift in zip(heads, shifts, strict=True):
                values = rows.loc[rows["head"] == head, "value"].dropna()
                if len(values):
                    axes.plot([x + shift] * 2, [values.min(), values.max()], color=styles[head].colour, linewidth=1.0)
                    axes.plot(x + shift, values.mean(), styles[head].marker, color=styles[head].colour, markersize=4.5,
                              markeredgecolor="white", markeredgewidth=0.4, zorder=3)  # fmt: skip
        for border in (tail_under - 0.5, head_over + 0.5):
            below = sum(train[label] < border for label in names)
            if 0 < below < len(names):
                axes.axvline(below - 0.5, color=style.INK, linewidth=0.7, linestyle=":")
        if part["value"].min() < 0.52:
            axes.axhline(0.5, color=style.FAINT, linewidth=0.7, linestyle="--")
        axes.set_title(f"{task_name(task)}, {dataset_name(dataset)}")
        axes.set_ylabel("AUROC")
        axes.grid(False, axis="x")
    panels[-1].set_xticks(range(len(names)), [f"{n} ({train[n]:,})" for n in names], rotation=40, ha="right",
                          rotation_mode="anchor")  # fmt: skip
    panels[-1].set_xlim(-0.6, len(names) - 0.4)
    panels[-1].set_xlabel("Label (positive films in training)")
    handles = [
        Line2D([], [], color=styles[head].colour, marker=styles[head].marker, label=head_name(head)) for head in heads
    ]
    style.legend(figure, handles, loc="outside upper center")
    return figure
