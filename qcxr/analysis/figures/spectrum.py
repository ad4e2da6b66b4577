"""The weight spectrum of a run's circuit: how strong strings of each weight are, and the AUROC that they keep."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qcxr.analysis.figures import style
from qcxr.analysis.weights import MEAN

FLOOR = 1e-12  # what is below it is rounding; strings of weight 0 read no film


def spectrum(strengths: pd.DataFrame, kept: pd.DataFrame, *, title: str) -> Figure:
    """Left: standard deviation over films of each weight's part, a thin line per qubit, a bold one of their median.

    Right: AUROC from strings of at most that weight, a thin line per label, a bold one of their mean; the dashed line
    is the whole circuit's mean. Both tables are those of `qcxr.analysis.weights`.
    """
    figure = Figure(figsize=(style.PAGE, 2.6))
    strong, useful = figure.subplots(1, 2)
    look = style.HEADS["dqc"]
    table = strengths[strengths["weight"] > 0].pivot(index="weight", columns="qubit", values="std")
    table = table.where(table > FLOOR)
    strong.plot(table.index, table, color=style.FAINT, linewidth=0.4, alpha=0.6)
    strong.plot(table.index, table.median(axis=1), color=look.colour, marker=look.marker, label="median qubit")
    strong.set_yscale("log")
    strong.set(xlabel="weight of the strings", ylabel="standard deviation over films")
    scores = kept.pivot(index="weight", columns="label", values="auroc")
    mean, labels = scores[MEAN], scores.drop(columns=MEAN).dropna(axis=1)
    useful.plot(labels.index, labels, color=style.FAINT, linewidth=0.4, alpha=0.6)
    useful.plot(mean.index, mean, color=look.colour, marker=look.marker, label="mean over labels")
    if np.isfinite(mean.iloc[-1]):
        useful.axhline(mean.iloc[-1], color=style.INK, linestyle="--", linewidth=0.8, label="whole circuit")
    useful.set(xlabel="largest weight that is kept", ylabel="AUROC")
    for axes in (strong, useful):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend()
    figure.suptitle(title, fontsize=8)
    return figure
