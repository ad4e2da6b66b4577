"""Paper against here: every number of the paper beside this study's, with the difference."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from qcxr.analysis import paper
from qcxr.analysis.inputs import Run, hours
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.results import Results
from qcxr.analysis.shown import Shown


class Number(NamedTuple):
    """One number of the paper, where it belongs, and ours or nothing."""

    quantity: str
    where: str
    theirs: float
    ours: Any


def paper_vs_here(results: Results) -> pd.DataFrame:
    """Return rows (Quantity, Where, Paper, Here, Difference); a number that this study does not have is left empty.

    Only meaningful when the study ran the paper's protocol.
    """
    rows = []
    for number in _numbers(results):
        ours = None if number.ours is None or pd.isna(number.ours) else float(number.ours)
        difference = None if ours is None else ours - number.theirs
        row = {"Quantity": number.quantity, "Where": number.where, "Paper": number.theirs, "Here": ours}
        rows.append(row | {"Difference": difference})
    return pd.DataFrame(rows).astype({"Paper": float, "Here": float, "Difference": float})


def _numbers(results: Results) -> Iterator[Number]:
    yield from _of_metrics(results.metrics, results.shown)
    yield from _of_tests(results.tests)
    yield from _of_runs(results.runs)
    if results.counts is not None:
        yield from _of_counts(results.counts)
    if results.parameters is not None:
        yield from _of_parameters(results.parameters)
    if results.benchmark is not None:
        yield from _of_steps(results.benchmark)


def _of_metrics(metrics: pd.DataFrame, shown: Shown) -> Iterator[Number]:
    means = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc")]
    auroc = means.groupby(["task", "dataset", "head"])["value"].agg(["mean", "std", "size"])
    for (task, dataset, head), (mean, sd) in paper.MEAN_AUROC.items():
        where = f"{task_name(task)}, {dataset_name(dataset)}, {head_name(head)}"
        ours = auroc.loc[(task, dataset, head)] if (task, dataset, head) in auroc.index else {}
        yield Number("Mean AUROC", where, mean, ours.get("mean"))
        spread = shown.spread(ours["std"], int(ours["size"])) if len(ours) else None
        yield Number("Mean AUROC, sd over seeds", where, sd, spread)


def _of_tests(tests: pd.DataFrame) -> Iterator[Number]:
    pairs = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    pairs = pairs[(pairs["head_a"] == "cdl") & (pairs["head_b"] == "dqc")].set_index(["task", "dataset"])
    for quantity, column, numbers in (
        ("p, paired t-test", "p", paper.P_VALUE),
        ("Percent difference", "percent_difference", paper.PERCENT_DIFFERENCE),
    ):
        for key, theirs in numbers.items():
            where = f"{task_name(key[0])}, {dataset_name(key[1])}"
            yield Number(quantity, where, theirs, pairs[column].get(key))


def _of_runs(runs: Sequence[Run]) -> Iterator[Number]:
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run["task"], run["head"]), []).append(run)
    for (task, head), theirs in paper.VALIDATION_LOSS.items():
        found = [run["best_val_loss"] for run in groups.get((task, head), []) if run.get("best_val_loss") is not None]
        where = f"{task_name(task)}, {head_name(head)}"
        yield Number("Best validation loss", where, theirs, sum(found) / len(found) if found else None)
    for (task, head), theirs in paper.GPU_HOURS.items():
        spent = [taken for run in groups.get((task, head), []) if (taken := hours(run)) is not None]
        yield Number(
            "GPU-hours, all seeds", f"{task_name(task)}, {head_name(head)}", theirs, sum(spent) if spent else None
        )


def _of_counts(frame: pd.DataFrame) -> Iterator[Number]:
    ours = frame.set_index(["dataset", "split", "label"])["n_positive"]
    splits = (("nih", "train"), ("nih", "val"), ("nih", "test"), ("mimic", "test"))
    for label, numbers in paper.LABEL_COUNTS.items():
        for (dataset, split), theirs in zip(splits, numbers, strict=True):
            where = f"{dataset_name(dataset)} {split}, {label}"
            yield Number("Positive films", where, theirs, ours.get((dataset, split, label)))


def _of_parameters(frame: pd.DataFrame) -> Iterator[Number]:
    parts = frame[frame["head"] == "dqc"].set_index("task")
    for part, by_task in paper.PARAMETERS.items():
        for task, theirs in by_task.items():
            yield Number("Parameters", f"{task_name(task)}, {part}", theirs, parts[part].get(task))


def _of_steps(frame: pd.DataFrame) -> Iterator[Number]:
    seconds = frame.groupby(["task", "head", "framework"])["seconds"].mean()
    for key, theirs in paper.STEP_SECONDS.items():
        where = f"{task_name(key[0])}, {head_name(key[1])}, {key[2]}"
        yield Number("Training step, s", where, theirs, seconds.get(key))
