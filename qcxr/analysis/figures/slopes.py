"""Paired seeds: mean AUROC of each run, the heads of one seed joined, with the mean difference's interval."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from qcxr.analysis.figures import forest, style
from qcxr.analysis.names import FEW, dataset_name, dataset_order, head_name, shortened, task_name, task_order


def slopes(*, metrics: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """One panel per data set (rows) and task (columns): a line per seed from head to head; bold is the mean.

    More heads than a few are rows of differences instead, as in `qcxr.analysis.figures.forest`.
    """
    mean = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")]
    tests = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc") & (tests["head_a"] == heads[0])]
    if len(heads) > FEW:
        return forest.differences(mean, tests, heads)
    tasks, datasets = task_order(mean["task"]), dataset_order(mean["dataset"])
    styles = style.head_styles(heads)
    names = shortened([head_name(head) for head in heads], 18)
    tilted: style.Keywords = (
        {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 7 else {}
    )
    figure = Figure(figsize=(min(style.PAGE, 0.9 + (0.75 + 0.5 * len(heads)) * len(tasks)), 0.4 + 2.0 * len(datasets)))
    panels = figure.subplots(len(datasets), len(tasks), squeeze=False, sharex=True, sharey="row")
    for i, dataset in enumerate(datasets):
        for j, task in enumerate(tasks):
            axes = panels[i, j]
            part = mean[(mean["task"] == task) & (mean["dataset"] == dataset)]
            runs = part.pivot(index="seed", columns="head", values="value").reindex(columns=list(heads))
            for _, run in runs.iterrows():
                axes.plot(range(len(heads)), run, color=style.FAINT, linewidth=0.8, zorder=2)
            for x, head in enumerate(heads):
                axes.plot([x] * len(runs), runs[head], styles[head].marker, color=styles[head].colour, zorder=3)
            axes.plot(range(len(heads)), runs.mean(), color=style.INK, linewidth=1.8, zorder=4)
            axes.set_title(_title(task, tests[(tests["task"] == task) & (tests["dataset"] == dataset)], i == 0), pad=3)
            axes.set_xticks(range(len(heads)), names, **tilted)
            axes.set_xlim(-0.35, len(heads) - 0.6)
            axes.grid(False, axis="x")
        panels[i, 0].set_ylabel(f"Mean AUROC\n{dataset_name(dataset)}")
    return figure


def _title(task: str, rows: pd.DataFrame, top: bool) -> str:
    """The task's name above the first row, and under it each difference with its interval over seeds."""
    lines = [task_name(task)] if top else []
    for row in rows[rows["difference"].notna()].to_dict("records"):
        name = f" {head_name(row['head_b'])}" if len(rows) > 1 else ""
        interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
        lines.append(f"Δ{name} {row['difference']:+.3f}{interval}")
    return "\n".join(lines)
