"""What patients vary: each head's values and each difference with their variance over the patients of a test set.

The variance comes from every patient's influence (`qcxr.analysis.influence`): no draws, and of a run nothing is kept
but its patients' influences, so that runs can be read one after the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis import influence
from qcxr.analysis.gathered import Column, Gathered, Runs
from qcxr.analysis.inputs import Paths, index_predictions
from qcxr.analysis.metrics import Frequencies
from qcxr.analysis.outline import pairs
from qcxr.analysis.predictions import read
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.sides import NOTHING, Side, variances
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = (
    "task", "dataset", "metric", "label", "kind", "head", "head_b", "n_seeds", "n_patients", "positive_patients",
    "value", "patients_variance", "shared_variance", "patients_df", "reason",
)  # fmt: skip
COUNTS = ("n_seeds", "n_patients", "positive_patients")


def patients(
    tables: Runs,
    *,
    task: str,
    dataset: str,
    heads: Sequence[str] = ("cdl", "dqc"),
    against: Sequence[str] | None = None,
    frequencies: Frequencies | None = None,
) -> pd.DataFrame:
    """Return tidy variances over patients (`COLUMNS`) of one task on one test set.

    tables: (head, seed) -> predictions, or an iterator of such pairs, which is read once and table by table. Rows per
    metric (AUROC, average precision), label and mean over labels (mean; head, medium and tail with `frequencies`), for
    every head with a run and every pair of `pairs(heads, against)`.

    value: mean over seeds. patients_variance: its variance over patients, given these runs. shared_variance: the mean
    covariance over patients of the values of two different seeds, which `qcxr.analysis.components.over_both` takes; it
    may fall below 0. For one seed the two are equal. patients_df: degrees of freedom of both.

    Raises InputError if no head has a run, or a pair differs in seeds or films.
    """
    found = Gathered()
    for (head, seed), table in tables.items() if isinstance(tables, Mapping) else tables:
        if head in heads:
            found.add(head, seed, table)
    where = f"task {task}, data set {dataset}"
    if not found.runs:
        raise InputError(f"{where}: no run of {', '.join(heads)}; give their predictions")
    sides = _sides(found, heads, against, where)
    rows = []
    for metric in METRICS:
        for column in found.columns(frequencies):
            rows += list(_rows(found, metric, column, sides))
    frame = pd.DataFrame([{"task": task, "dataset": dataset} | row for row in rows], columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


def patients_files(
    predictions: Paths,
    out: str | Path,
    *,
    heads: Sequence[str] = ("cdl", "dqc"),
    against: Sequence[str] | None = None,
    frequencies: Frequencies | None = None,
    variant: str = "",
) -> pd.DataFrame:
    """As `patients` of the prediction files of one task and data set, read one at a time; write the tidy CSV `out`.

    variant: at which all these runs stand, written into a column of that name (as in
    `qcxr.analysis.bootstrap.bootstrap_files`).
    """
    files = index_predictions(predictions)
    groups = {(run.task, run.dataset) for run in files}
    if len(groups) != 1:
        raise InputError(f"variances are of one task and data set, got {sorted(groups)}; call it once for each")
    if len({(run.head, run.seed) for run in files}) < len(files):
        raise InputError("variances are of one variant, got runs of several of a head and seed; call it once for each")
    ((task, dataset),) = groups
    tables = (((run.head, run.seed), read(path)) for run, path in files.items())
    frame = patients(tables, task=task, dataset=dataset, heads=heads, against=against, frequencies=frequencies)
    if variant:
        frame.insert(frame.columns.get_loc("metric"), "variant", variant)
    write_csv(frame, out)
    return frame


def _sides(found: Gathered, heads: Sequence[str], against: Sequence[str] | None, where: str) -> list[Side]:
    seeds = {head: sorted(seed for name, seed in found.runs if name == head) for head in heads}
    runs = {head: [found.runs.index((head, seed)) for seed in seeds[head]] for head in heads}
    compared = [pair for pair in pairs(heads, against) if runs[pair[0]] and runs[pair[1]]]
    if any(seeds[first] != seeds[other] for first, other in compared):
        raise InputError(f"{where}: heads must have the same seeds, got {seeds}; run the others")
    alone = [Side(head, runs[head]) for head in heads if runs[head]]
    return alone + [Side(first, runs[first], other, runs[other]) for first, other in compared]


def _rows(found: Gathered, metric: str, column: Column, sides: Iterable[Side]) -> Iterator[dict[str, Any]]:
    """A column's rows, one for each side."""
    counts = {"n_patients": column.n_patients, "positive_patients": column.positive_patients}
    about = {"metric": metric, "label": column.name} | counts
    if not column.labels:
        for side in sides:
            yield about | side.keys | {"reason": column.reason}
        return
    values = found.values(metric)[:, column.labels].mean(axis=1)
    covered = found.covariance(metric, column)
    parts = [found.total(metric, label) for label in column.labels]
    freedom = [max(found.clusters[label].df, 1) for label in column.labels]
    for side in sides:
        row = about | side.keys | {"value": float(side.of(values).mean())}
        variance, shared = variances(side.covariance(covered))
        row |= {"patients_variance": variance, "shared_variance": shared}
        row |= {"patients_df": influence.freedom([side.of(part).mean(axis=0) for part in parts], freedom)}
        same = "" if variance > NOTHING or np.isnan(variance) else _why_nothing(side)
        yield row | {"reason": "; ".join(filter(None, (column.reason, same)))}


def _why_nothing(side: Side) -> str:
    return "both heads rank all films alike" if side.other else "constant predictions: no film is ranked above another"
