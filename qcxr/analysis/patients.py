"""What patients vary: each head's values and each difference with their variance over the patients of a test set.

The variance comes from every patient's influence (`qcxr.analysis.influence`): no draws, and of a run nothing is kept
but its patients' influences, so that runs can be read one after the other.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float64

from qcxr.analysis.gathered import Column, Gathered, Runs
from qcxr.analysis.inputs import Paths, index_predictions
from qcxr.analysis.metrics import Frequencies
from qcxr.analysis.outline import pairs
from qcxr.analysis.predictions import read
from qcxr.analysis.ranking import METRICS
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = (
    "task", "dataset", "metric", "label", "kind", "head", "head_b", "n_seeds", "n_patients", "positive_patients",
    "value", "patients_variance", "shared_variance", "patients_df", "reason",
)  # fmt: skip
COUNTS = ("n_seeds", "n_patients", "positive_patients")
NOTHING = 1e-18  # a variance below it is rounding


class Side(NamedTuple):
    """What a row is of: a head's runs, or a reference's runs less another head's, seed by seed."""

    head: str
    runs: list[int]
    other: str = ""
    less: Sequence[int] = ()

    @property
    def keys(self) -> dict[str, Any]:
        """The columns that name it."""
        kind = "difference" if self.other else "head"
        return {"kind": kind, "head": self.head, "head_b": self.other, "n_seeds": len(self.runs)}

    def of(self, values: Float64[np.ndarray, "runs ..."]) -> Float64[np.ndarray, "seeds ..."]:
        """The values of its seeds, from those of all runs."""
        return values[self.runs] - values[self.less] if self.other else values[self.runs]

    def covariance(self, runs: Float64[np.ndarray, "runs runs"]) -> Float64[np.ndarray, "seeds seeds"]:
        """The covariance between its seeds, from that between all runs."""
        return self.of(self.of(runs).T)


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
        variance, shared = _variances(side.covariance(covered))
        row |= {"patients_variance": variance, "shared_variance": shared}
        row |= {"patients_df": _freedom([side.of(part).mean(axis=0) for part in parts], freedom)}
        same = "" if variance > NOTHING or np.isnan(variance) else _why_nothing(side)
        yield row | {"reason": "; ".join(filter(None, (column.reason, same)))}


def _variances(seeds: Float64[np.ndarray, "seeds seeds"]) -> tuple[float, float]:
    """Variance of the mean over seeds, and mean covariance of two different ones."""
    n = len(seeds)
    variance = float(seeds.mean())
    shared = float(seeds.sum() - np.trace(seeds)) / (n * (n - 1)) if n > 1 else variance
    return (variance, shared) if not variance <= NOTHING else (0.0, 0.0)


def _freedom(parts: Sequence[Float64[np.ndarray, " patients"]], freedom: Sequence[int]) -> float:
    """Degrees of freedom of the variance of a mean over labels: the smaller of two answers, at least 1.

    By Satterthwaite from those of its labels, where a label adds its covariance with the mean, so that what they add
    sums to the whole. And from the influences themselves: a variance's degrees of freedom are twice its square over its
    own variance, which is that of a sum of squares; with a few patients of many films it is far below their number.
    """
    whole = np.sum(parts, axis=0)
    squares = whole**2
    if not squares.sum() > 0:
        return float(min(freedom))
    added = np.array([part @ whole for part in parts])
    of_labels = added.sum() ** 2 / np.sum(added**2 / np.array(freedom))
    spread = np.sum(squares**2) / squares.sum() ** 2 - 1 / squares.size
    return float(max(1.0, min(of_labels, 2 / spread if spread > 0 else np.inf)))


def _why_nothing(side: Side) -> str:
    return "both heads rank all films alike" if side.other else "constant predictions: no film is ranked above another"
