"""The paper's figures in its manner: CDL and DQC as bars, raw p, labels by its Table I, a log2 volcano axis."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from qcxr.analysis.figures import style
from qcxr.analysis.figures.named import name_points
from qcxr.analysis.figures.published import DATASETS, TASKS
from qcxr.analysis.names import PAPER_HEADS, dataset_name, task_name
from qcxr.analysis.paper import LABEL_COUNTS
from qcxr.analysis.predictions import MEANS
from qcxr.study.labels import LABEL_SETS

CDL, DQC = PAPER_HEADS
MARKERS = dict(zip(TASKS, ("o", "s", "D"), strict=True))


def losses(*, history: pd.DataFrame, heads: Sequence[str]) -> Figure:
    """Fig. 4: a panel per task; per head training and validation loss of every run, and the latter's mean in bold."""
    tasks = [task for task in TASKS if task in set(history["task"])]
    figure = Figure(figsize=(min(style.PAGE, 1.0 + 2.1 * len(tasks)), 2.4))
    looks = style.head_styles(PAPER_HEADS)
    for axes, task in zip(figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0], tasks, strict=True):
        for head in PAPER_HEADS:
            own = history[(history["task"] == task) & (history["head"] == head)]
            for _, run in own.groupby("seed"):
                thin: style.Keywords = {"color": style.pale(looks[head].colour), "linewidth": 0.5}
                axes.plot(run["epoch"], run["train_loss"], linestyle=(0, (4, 2)), **thin)
                axes.plot(run["epoch"], run["val_loss"], **thin)
            mean = own.groupby("epoch")["val_loss"].mean()
            axes.plot(mean.index, mean, color=looks[head].colour, linewidth=1.6)
        axes.set_title(task_name(task))
        axes.set_xlabel("Epoch")
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    figure.axes[0].set_ylabel("Loss")
    handles = [Line2D([], [], color=looks[head].colour, label=head.upper()) for head in PAPER_HEADS]
    dashed = Line2D([], [], color=style.FAINT, linestyle=(0, (4, 2)), label="training")
    whole = Line2D([], [], color=style.FAINT, label="validation")
    style.legend(figure, [*handles, whole, dashed], loc="outside upper center")
    return figure


def means(*, metrics: pd.DataFrame, tests: pd.DataFrame, heads: Sequence[str], sd: str = "sample") -> Figure:
    """Fig. 5: a panel per test set, a pair of bars per task. sd: `sample` or `population`, of the error bars."""
    part = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")]
    tasks, datasets = (
        [name for name in known if name in set(part[key])] for key, known in (("task", TASKS), ("dataset", DATASETS))
    )
    figure = Figure(figsize=(min(style.PAGE, 0.8 + 1.1 * len(tasks) * len(datasets)), 2.8))
    tests = _pair(tests)
    tests = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    grid = figure.subplots(1, len(datasets), squeeze=False, sharey=True)[0]
    for axes, dataset in zip(grid, datasets, strict=True):
        here = tests[tests["dataset"] == dataset].set_index("task")["mark_raw"].to_dict()
        _bars(axes, part[part["dataset"] == dataset], "task", tasks, here, sd)
        axes.set_title(f"{dataset_name(dataset)} test set")
        axes.set_xticks(range(len(tasks)), [task_name(task) for task in tasks])
    grid[0].set_ylabel("Mean AUROC")
    style.legend(figure, style.bar_handles(PAPER_HEADS), loc="outside upper center")
    return figure


def labels(
    *,
    metrics: pd.DataFrame,
    tests: pd.DataFrame,
    heads: Sequence[str],
    task: str,
    dataset: str,
    sd: str = "sample",
) -> Figure:
    """Figs. 6-11: a pair of bars per label of a task on one test set, in the order of the paper's Table I."""
    part = metrics[(metrics["task"] == task) & (metrics["dataset"] == dataset) & (metrics["metric"] == "auroc")]
    names = by_table([label for label in part["label"].unique() if label not in MEANS])
    tests = _pair(tests)
    tests = tests[(tests["task"] == task) & (tests["dataset"] == dataset) & (tests["metric"] == "auroc")]
    figure = Figure(figsize=(style.PAGE if len(names) > 8 else 0.7 * style.PAGE, 3.2))
    axes = figure.subplots()
    _bars(axes, part, "label", names, tests.set_index("label")["mark_raw"].to_dict(), sd)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_ylabel("AUROC")
    axes.set_title(f"{task_name(task)}, {dataset_name(dataset)} test set")
    style.legend(figure, style.bar_handles(PAPER_HEADS), loc="outside upper center")
    return figure


def by_table(names: Iterable[str]) -> list[str]:
    """Labels as the paper's Table I lists them, by occurrence in NIH-CXR-LT; others behind them."""
    names = list(names)
    return [*(label for label in LABEL_COUNTS if label in names), *(n for n in names if n not in LABEL_COUNTS)]


def _bars(axes: Axes, part: pd.DataFrame, key: str, names: Sequence[str], marks: Mapping[str, str], sd: str) -> None:
    """Pairs of bars, CDL and DQC, from 0 on: mean and standard deviation over seeds, the raw p's mark above."""
    looks = style.head_styles(PAPER_HEADS)
    for x, name in enumerate(names):
        top = 0.0
        for head, shift in zip(PAPER_HEADS, (-0.2, 0.2), strict=True):
            values = part.loc[(part[key] == name) & (part["head"] == head), "value"].to_numpy(float)
            if not values.size or np.isnan(values).any():
                continue
            spread = float(values.std(ddof=1 if sd == "sample" else 0)) if values.size > 1 else 0.0
            look, mean = looks[head], float(values.mean())
            axes.bar(x + shift, mean, 0.38, color=look.colour, hatch=look.hatch, edgecolor="white", linewidth=0)
            for colour, width in (("white", 2.2), (style.INK, 0.9)):
                axes.vlines(x + shift, mean - spread, mean + spread, color=colour, linewidth=width, zorder=3)
            top = max(top, mean + spread)
        if not top:
            axes.text(x, 0.02, "undefined", rotation=90, ha="center", va="bottom", color=style.FAINT, fontsize=6)
        elif said := marks.get(name, ""):
            axes.plot(
                [x - 0.2, x - 0.2, x + 0.2, x + 0.2], top + np.array([0.01, 0.02, 0.02, 0.01]), color=style.INK, lw=0.7
            )
            axes.text(x, top + 0.02, said, ha="center", va="bottom", fontsize=6)
    axes.set_ylim(0, 1.08)
    axes.set_yticks(np.arange(0, 1.1, 0.2))
    axes.grid(False, axis="x")
    axes.set_xlim(-0.6, len(names) - 0.4)


def _pair(tests: pd.DataFrame) -> pd.DataFrame:
    """The rows of CDL and DQC as CDL minus DQC, whichever is the reference, with the raw p's mark."""
    both = tests[tests["head_a"].isin(PAPER_HEADS) & tests["head_b"].isin(PAPER_HEADS)]
    raw = both["mark_raw"] if "mark_raw" in both else both["mark"]  # of a table from before marks were adjusted
    sign = np.where(both["head_a"] == CDL, 1.0, -1.0)
    return both.assign(percent_difference=both["percent_difference"] * sign, mark_raw=raw.fillna(""))


def volcano(*, tests: pd.DataFrame, heads: Sequence[str], task: str) -> Figure:
    """Figs. 12 and 13: a point per label that `task` brings in and task of the runs, a panel per test set."""
    before = {label for known in TASKS[: TASKS.index(task)] for label in LABEL_SETS[known]}
    names = [label for label in LABEL_SETS[task] if label not in before]
    part = _pair(tests)
    part = part[(part["metric"] == "auroc") & part["label"].isin(names) & part["task"].isin(TASKS) & part["p"].notna()]
    part = part[part["dataset"].isin(DATASETS)]
    shown = part[part["percent_difference"] > 0]
    if shown.empty:
        return style.empty("DQC is not worse on any label, or none was tested: a log2 axis has no place for any point")
    shown = shown.assign(x=np.log2(shown["percent_difference"]), y=-np.log10(shown["p"].clip(lower=1e-300)))
    datasets = [name for name in DATASETS if name in set(part["dataset"])]
    figure = Figure(figsize=(style.PAGE, 3.7))
    grid = figure.subplots(1, len(datasets), squeeze=False, sharex=True, sharey=True)[0]
    look: style.Keywords = {"color": style.HEADS[CDL].colour, "clip_on": False, "zorder": 3} | style.WHITE_EDGE
    for axes, dataset in zip(grid, datasets, strict=True):
        for row in shown[shown["dataset"] == dataset].to_dict("records"):
            axes.plot(row["x"], row["y"], MARKERS[row["task"]], **look)
        axes.axhline(-np.log10(0.05), color=style.INK, linewidth=0.7, linestyle="--", zorder=1)
        axes.set_title(f"{dataset_name(dataset)} test set")
        lost = part[(part["dataset"] == dataset) & ~(part["percent_difference"] > 0)]
        axes.set_xlabel("$\\log_2$ of the percent difference in AUROC\n" + _absent(lost))
    grid[0].set_ylabel("$-\\log_{10}$ p (paired t-test, raw)")
    top = max(float(shown["y"].max()), 1.5)
    grid[0].set_ylim(-0.05 * top, 1.15 * top)
    grid[0].margins(x=0.12)
    known = [name for name in TASKS if name in set(part["task"])]
    points = [
        Line2D([], [], linestyle="", marker=MARKERS[name], label=f"runs of {task_name(name)}", **look) for name in known
    ]
    line = Line2D([], [], color=style.INK, linewidth=0.7, linestyle="--", label="p = 0.05")
    style.legend(figure, [*points, line], loc="outside upper center")
    figure.draw_without_rendering()
    for axes, dataset in zip(grid, datasets, strict=True):
        rows = shown[shown["dataset"] == dataset].sort_values("y", ascending=False, kind="stable")
        named = rows.drop_duplicates("label")
        places, others = (frame[["x", "y"]].to_numpy(float) for frame in (named, rows.drop(index=named.index)))
        name_points(axes, places, list(named["label"]), others=others, size=6)
    return figure


def _absent(lost: pd.DataFrame) -> str:
    """Name the points that a log2 axis has no place for, label by label with their tasks."""
    if lost.empty:
        return "every point has a place"
    tasks = lost.groupby("label", sort=False)["task"].apply(lambda found: ", ".join(map(task_name, found)))
    said = [f"{label} ({of})" for label, of in tasks.items()]
    lines = ["no place (DQC not worse): " + said[0]]
    for name in said[1:]:  # as many to a line as a panel is wide
        if len(lines[-1]) + len(name) > 52:
            lines[-1] += ","
            lines.append(name)
        else:
            lines[-1] += ", " + name
    return "\n".join(lines)
