"""Paper against here: every number of the paper beside this study's, with the difference."""

from collections.abc import Mapping, Sequence

import pandas as pd

from qcxr.analysis import paper
from qcxr.analysis.inputs import hours
from qcxr.analysis.names import dataset_name, head_name, task_name


def paper_vs_here(
    *,
    metrics: pd.DataFrame,
    tests: pd.DataFrame,
    runs: Sequence[Mapping] = (),
    label_counts: pd.DataFrame | None = None,
    parameter_counts: pd.DataFrame | None = None,
    benchmark: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return rows (Quantity, Where, Paper, Here, Difference); a number that this study does not have is left empty.

    benchmark: columns task, head, framework, seconds, a row per timed step. Only meaningful when the study ran
    the paper's protocol.
    """
    rows = []

    def row(quantity: str, where: str, theirs: float, ours: float | None) -> None:
        ours = None if ours is None or pd.isna(ours) else float(ours)
        difference = None if ours is None else ours - theirs
        rows.append({"Quantity": quantity, "Where": where, "Paper": theirs, "Here": ours, "Difference": difference})

    runs_of = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")].groupby(
        ["task", "dataset", "head"]
    )
    auroc = runs_of["value"].agg(["mean", "std"])
    for (task, dataset, head), (mean, sd) in paper.MEAN_AUROC.items():
        where = f"{task_name(task)}, {dataset_name(dataset)}, {head_name(head)}"
        ours = auroc.loc[(task, dataset, head)] if (task, dataset, head) in auroc.index else {}
        row("Mean AUROC", where, mean, ours.get("mean"))
        row("Mean AUROC, sd over seeds", where, sd, ours.get("std"))
    pairs = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    pairs = pairs[(pairs["head_a"] == "cdl") & (pairs["head_b"] == "dqc")].set_index(["task", "dataset"])
    for quantity, column, numbers in (
        ("p, paired t-test", "p", paper.P_VALUE),
        ("Percent difference", "percent_difference", paper.PERCENT_DIFFERENCE),
    ):
        for key, theirs in numbers.items():
            where = f"{task_name(key[0])}, {dataset_name(key[1])}"
            row(quantity, where, theirs, pairs[column].get(key))
    _of_runs(row, runs)
    if label_counts is not None:
        _of_counts(row, label_counts)
    if parameter_counts is not None:
        parts = parameter_counts[parameter_counts["head"] == "dqc"].set_index("task")
        for part, by_task in paper.PARAMETERS.items():
            for task, theirs in by_task.items():
                row("Parameters", f"{task_name(task)}, {part}", theirs, parts[part].get(task))
    if benchmark is not None:
        seconds = benchmark.groupby(["task", "head", "framework"])["seconds"].mean()
        for key, theirs in paper.STEP_SECONDS.items():
            row("Training step, s", f"{task_name(key[0])}, {head_name(key[1])}, {key[2]}", theirs, seconds.get(key))
    return pd.DataFrame(rows).astype({"Paper": float, "Here": float, "Difference": float})


def _of_runs(row, runs: Sequence[Mapping]) -> None:
    groups: dict[tuple[str, str], list[Mapping]] = {}
    for run in runs:
        groups.setdefault((run["task"], run["head"]), []).append(run)
    for (task, head), theirs in paper.VALIDATION_LOSS.items():
        ours = [run["best_val_loss"] for run in groups.get((task, head), []) if run.get("best_val_loss") is not None]
        where = f"{task_name(task)}, {head_name(head)}"
        row("Best validation loss", where, theirs, sum(ours) / len(ours) if ours else None)
    for (task, head), theirs in paper.GPU_HOURS.items():
        ours = [hours(run) for run in groups.get((task, head), []) if hours(run) is not None]
        row("GPU-hours, all seeds", f"{task_name(task)}, {head_name(head)}", theirs, sum(ours) if ours else None)


def _of_counts(row, frame: pd.DataFrame) -> None:
    ours = frame.set_index(["dataset", "split", "label"])["n_positive"]
    for label, numbers in paper.LABEL_COUNTS.items():
        for (dataset, split), theirs in zip(
            (("nih", "train"), ("nih", "val"), ("nih", "test"), ("mimic", "test")), numbers, strict=True
        ):
            row(
                "Positive films", f"{dataset_name(dataset)} {split}, {label}", theirs, ours.get((dataset, split, label))
            )
