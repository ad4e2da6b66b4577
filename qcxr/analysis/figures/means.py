"""Mean AUROC per task and data set: bars, one point per seed, pairs joined, significance marks (paper Fig. 5)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from qcxr.analysis.figures import style
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name, task_order


def means(*, metrics: pd.DataFrame, tests: pd.DataFrame, heads: list[str]) -> Figure:
    """Bars of the mean over seeds with the runs as points; a bracket carries the paired t-test's mark (raw p)."""
    mean = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")]
    tests = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    tasks, datasets = task_order(mean["task"]), dataset_order(mean["dataset"])
    styles = style.head_styles(heads)
    figure = Figure(figsize=(min(style.PAGE, max(style.COLUMN, 1.9 * len(datasets) * max(1, len(tasks) / 2))), 2.6))
    panels = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    low, high = mean["value"].min(), mean["value"].max()
    low = 0.5 if not low < 0.5 else np.floor(20 * low) / 20
    step = 0.05 * max(high - low, 0.05) if np.isfinite(high) else 0.01
    width = 0.8 / len(heads)
    for axes, dataset in zip(panels, datasets, strict=True):
        for x, task in enumerate(tasks):
            part = mean[(mean["task"] == task) & (mean["dataset"] == dataset)]
            runs = part.pivot(index="seed", columns="head", values="value").reindex(columns=heads)
            places = x + width * (np.arange(len(heads)) - (len(heads) - 1) / 2)
            for place, head in zip(places, heads, strict=True):
                axes.bar(place, runs[head].mean() - low, 0.94 * width, bottom=low, color=styles[head].colour,
                         hatch=styles[head].hatch, edgecolor="white", linewidth=0)  # fmt: skip
            for _, run in runs.iterrows():
                axes.plot(places, run, color=style.INK, linewidth=0.5, alpha=0.6, zorder=3)
            for place, head in zip(places, heads, strict=True):
                axes.plot(np.full(len(runs), place), runs[head], styles[head].marker, color="white",
                          markeredgecolor=style.INK, markeredgewidth=0.6, zorder=4)  # fmt: skip
            if runs.isna().all(axis=None):
                axes.text(x, low + step, "undefined", rotation=90, ha="center", va="bottom", color=style.FAINT)
                continue
            level = np.nanmax(runs.to_numpy()) + step
            for k, head in enumerate(heads[1:], start=1):
                row = tests[(tests["task"] == task) & (tests["dataset"] == dataset) & (tests["head_b"] == head)]
                said = row["mark"].iloc[0] if len(row) and isinstance(row["mark"].iloc[0], str) else ""
                if said:
                    axes.plot([places[0], places[0], places[k], places[k]], [level, level + step / 2] * 1
                              + [level + step / 2, level], color=style.INK, linewidth=0.7)  # fmt: skip
                    middle = (places[0] + places[k]) / 2
                    axes.text(middle, level + step / 2, said, ha="center", va="bottom")
                    level += 3 * step
        axes.set_title(dataset_name(dataset))
        axes.set_xticks(range(len(tasks)), [task_name(task) for task in tasks])
        axes.grid(False, axis="x")
    panels[0].set_ylabel("Mean AUROC" if low >= 0.5 else "Mean AUROC (chance = 0.5)")
    panels[0].set_ylim(low, None)
    handles = [
        Patch(facecolor=styles[h].colour, hatch=styles[h].hatch, edgecolor="white", label=head_name(h)) for h in heads
    ]
    style.legend(figure, handles, loc="outside upper center")
    return figure
