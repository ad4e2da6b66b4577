"""Patients: bootstrap intervals of AUROC and average precision and of their differences, and DeLong's test per seed.

Five seeds say nothing about patients. Here patients are drawn with replacement, each with all films; every run of a
task meets the same draws on a test set, so that differences between heads are paired by film. Intervals are
percentiles. A replicate's mean over labels is over those defined in it, as `qcxr.analysis.metrics` would score it.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64

from qcxr.analysis.delong import delong_test
from qcxr.analysis.inputs import Paths, read_predictions
from qcxr.analysis.outline import pairs
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.replicates import Replicated, Resampling, Tables, replicate
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = (
    "task", "dataset", "metric", "label", "kind", "head", "head_b", "seed", "value", "ci_low", "ci_high",
    "n_replicates", "n_patients", "delong_se", "delong_z", "delong_p", "delong_plain_p", "reason",
)  # fmt: skip
Row = dict[str, Any]


def bootstrap(
    tables: Tables,
    *,
    task: str,
    dataset: str,
    heads: Sequence[str] = ("cdl", "dqc"),
    against: Sequence[str] | None = None,
    resampling: Resampling = Resampling(),  # noqa: B008  (frozen)
) -> pd.DataFrame:
    """Return tidy intervals of one task on one test set.

    Rows of kind `head` per metric, head, seed and label (and `mean` over labels), of kind `difference` per pair
    (reference minus another), and both averaged over seeds under seed `mean`. Per seed and label, `delong_*` hold
    DeLong's test of the AUROCs, clustered by patient; delong_plain_p is its p as if films were independent.
    against: the references, by default heads[0]. n_replicates counts those in which the value is defined. A head
    without a run here has no rows; without a reference there is no pair, and no other head takes its place
    (`qcxr.analysis.statistics.unpaired` says so).

    Raises InputError if no head has a run, or a pair differs in seeds or films.
    """
    seeds = {head: sorted(s for h, s in tables if h == head) for head in heads}
    if not any(seeds.values()):
        raise InputError(f"task {task}, data set {dataset}: no run of {', '.join(heads)}; give their predictions")
    present = [head for head in heads if seeds[head]]
    compared = [pair for pair in pairs(heads, against) if seeds[pair[0]] and seeds[pair[1]]]
    if any(seeds[first] != seeds[other] for first, other in compared):
        raise InputError(
            f"task {task}, data set {dataset}: heads must have the same seeds, got {seeds}; run the others"
        )
    found = replicate({(head, run): tables[head, run] for head in present for run in seeds[head]}, resampling)
    rows = []
    for metric, column in product(METRICS, range(len(found.names))):
        for head in present:
            rows += list(_head_rows(found, head, metric, column, resampling.level))
        for pair in compared:
            rows += list(_difference_rows(found, pair, metric, column, resampling.level))
    first = next(iter(found.tables.values()))
    about = {"task": task, "dataset": dataset, "n_patients": len(set(first.patient_id))}
    return pd.DataFrame([about | row for row in rows], columns=list(COLUMNS))


def bootstrap_files(
    predictions: Paths,
    out: str | Path,
    *,
    heads: Sequence[str] = ("cdl", "dqc"),
    against: Sequence[str] | None = None,
    resampling: Resampling = Resampling(),  # noqa: B008  (frozen)
    variant: str = "",
) -> pd.DataFrame:
    """Bootstrap the prediction files of one task and data set (all heads and seeds) and write the tidy CSV `out`.

    variant: at which all these runs stand, written into a column of that name; a head that does not have the varied
    keys is given with the runs that it has. Draws depend on the patients and the random seed alone: such a head's
    intervals are the same at every variant.
    """
    tables = read_predictions(predictions)
    groups = {(run.task, run.dataset) for run in tables}
    if len(groups) != 1:
        raise InputError(f"a bootstrap is of one task and data set, got {sorted(groups)}; call it once for each")
    ((task, dataset),) = groups
    by_run = {(run.head, run.seed): table for run, table in tables.items()}
    if len(by_run) < len(tables):
        raise InputError("a bootstrap is of one variant, got runs of several of a head and seed; call it once for each")
    frame = bootstrap(by_run, task=task, dataset=dataset, heads=heads, against=against, resampling=resampling)
    if variant:
        frame.insert(frame.columns.get_loc("seed"), "variant", variant)
    write_csv(frame, out)
    return frame


def interval(draws: Float[np.ndarray, " replicates"], level: float = 0.95) -> tuple[float, float, int, str]:
    """Return (low, high, defined replicates, note) of a percentile interval over the defined replicates."""
    defined = draws[~np.isnan(draws)]
    if not defined.size:
        return np.nan, np.nan, 0, "undefined in every replicate"
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    lost = draws.size - defined.size
    note = f"undefined in {lost} of {draws.size} replicates: too few patients have or lack the finding" if lost else ""
    return float(low), float(high), defined.size, note


def _head_rows(found: Replicated, head: str, metric: str, column: int, level: float) -> Iterator[Row]:
    keys = {"metric": metric, "kind": "head", "head": head, "head_b": ""}
    observed, drawn = found.of(head, metric, column)
    for k, run in enumerate(found.seeds(head)):
        yield keys | _row(found, column, str(run), observed[k], drawn[k], level)
    yield keys | _row(found, column, "mean", observed.mean(), drawn.mean(axis=0), level)


def _difference_rows(found: Replicated, pair: tuple[str, str], metric: str, column: int, level: float) -> Iterator[Row]:
    first, other = pair
    keys = {"metric": metric, "kind": "difference", "head": first, "head_b": other}
    (a, drawn_a), (b, drawn_b) = found.of(first, metric, column), found.of(other, metric, column)
    gaps, drawn = a - b, drawn_a - drawn_b
    name = found.names[column]
    for k, run in enumerate(found.seeds(other)):
        row = keys | _row(found, column, str(run), gaps[k], drawn[k], level)
        if metric == "auroc" and name != "mean" and not np.isnan(gaps[k]):
            row |= _delong(found, (first, run), (other, run), name)
        yield row
    yield keys | _row(found, column, "mean", gaps.mean(), drawn.mean(axis=0), level)


def _row(
    found: Replicated, column: int, seed: str, value: float, draws: Float64[np.ndarray, " replicates"], level: float
) -> Row:
    low, high, defined, reason = interval(draws, level)
    if np.isnan(value):
        reason = found.why_undefined(column)
    row = {"label": found.names[column], "seed": seed, "value": value, "ci_low": low, "ci_high": high}
    return row | {"n_replicates": defined, "reason": reason}


def _delong(found: Replicated, first: tuple[str, int], other: tuple[str, int], label: str) -> Row:
    a, b = found.tables[first], found.tables[other]
    truth, score = a.of(label)
    patient = found.patient[~np.isnan(a.truth[:, a.labels.index(label)])]
    tested = delong_test(truth, score, b.of(label)[1], patient)
    return {f"delong_{key}": tested[key] for key in ("se", "z", "p", "plain_p")}
