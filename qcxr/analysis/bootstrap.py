"""Patients: bootstrap intervals of AUROC and of AUROC differences, clustered by patient, and DeLong's test per seed.

Five seeds say nothing about patients. Here patients are drawn with replacement, each with all films; every run of a
task meets the same draws on a test set, so that differences between heads are paired by film. Intervals are
percentiles. A replicate's mean over labels is over those defined in it, as `qcxr.analysis.metrics` would score it.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.analysis import ranking
from qcxr.analysis.delong import delong_test
from qcxr.analysis.inputs import Paths, read_predictions
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.predictions import Predictions, same_films
from qcxr.analysis.replicates import RankedLabel, patient_weights
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = (
    "task", "dataset", "label", "kind", "head", "head_b", "seed", "value", "ci_low", "ci_high",
    "n_replicates", "n_patients", "delong_se", "delong_z", "delong_p", "reason",
)  # fmt: skip


def replicate_aurocs(
    tables: Mapping[tuple[str, int], Predictions], *, replicates: int, seed: int, threads: int = 2
) -> tuple[np.ndarray, np.ndarray]:
    """Return observed AUROCs (runs, L + 1) and those of every replicate (runs, L + 1, replicates); NaN where undefined.

    tables: (head, seed) -> predictions of one task on one test set; runs in their order. The last column is the mean
    over labels. The number of threads does not change the result.
    """
    same_films({f"{head}/seed{run}": table for (head, run), table in tables.items()})
    first = next(iter(tables.values()))
    patients, patient = np.unique(first.patient_id.astype(str), return_inverse=True)
    labels = range(len(first.labels))
    ranked = {}
    observed = np.full((len(tables), len(labels) + 1), np.nan)
    for i, table in enumerate(tables.values()):
        for j in labels:
            truth, score = table.of(table.labels[j])
            if not why_undefined(truth):
                observed[i, j] = ranking.auroc(truth, score)
                ranked[i, j] = RankedLabel(table.truth[:, j], table.probability[:, j], patient, len(patients))

    def block(weights: np.ndarray) -> np.ndarray:
        result = np.full((*observed.shape, weights.shape[1]), np.nan)
        for (i, j), label in ranked.items():
            result[i, j] = label.auroc(weights)
        return result

    rng = np.random.default_rng(seed)
    with ThreadPoolExecutor(threads) as pool:
        blocks = list(pool.map(block, patient_weights(len(patients), replicates=replicates, rng=rng)))
    drawn = np.concatenate(blocks, axis=-1) if blocks else np.empty((*observed.shape, 0))
    observed[:, -1] = _mean(observed[:, :-1], axis=1)
    drawn[:, -1] = _mean(drawn[:, :-1], axis=1)
    return observed, drawn


def bootstrap(
    tables: Mapping[tuple[str, int], Predictions],
    *,
    task: str,
    dataset: str,
    heads: Sequence[str] = ("cdl", "dqc"),
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    threads: int = 2,
) -> pd.DataFrame:
    """Return tidy intervals of one task on one test set.

    tables: (head, seed) -> predictions. Rows of kind `auroc` per head, seed and label (and `mean` over labels), of
    kind `difference` per pair (heads[0] minus another), and both averaged over seeds under seed `mean`. Per seed and
    label, `delong_*` hold DeLong's test. n_replicates counts those in which the value is defined.

    Raises InputError if a head is missing, heads differ in seeds or films, replicates < 100, or level is not in (0, 1).
    """
    if replicates < 100:
        raise InputError(f"bootstrap must be >= 100 replicates, got {replicates}; set analysis.bootstrap in the config")
    if not 0 < level < 1:
        raise InputError(f"level must be in (0, 1), got {level}; 0.95 is usual")
    seeds = {head: sorted(s for h, s in tables if h == head) for head in heads}
    if len({tuple(s) for s in seeds.values()}) != 1 or not seeds[heads[0]]:
        raise InputError(
            f"task {task}, data set {dataset}: heads must have the same seeds, got {seeds}; run the others"
        )
    chosen = {(head, run): tables[head, run] for head in heads for run in seeds[heads[0]]}
    observed, drawn = replicate_aurocs(chosen, replicates=replicates, seed=seed, threads=threads)
    shape = (len(heads), len(seeds[heads[0]]), *observed.shape[1:])
    observed, drawn = observed.reshape(shape), drawn.reshape(*shape, replicates)

    first = next(iter(chosen.values()))
    n_patients = len(set(first.patient_id))
    names = [*first.labels, "mean"]
    rows = []

    def add(value, draws, j, run, **keys) -> None:
        low, high, defined, reason = interval(draws, level)
        if np.isnan(value):
            reason = why_undefined(first.of(names[j])[0]) if j < len(first.labels) else "undefined for all labels"
        row = {"task": task, "dataset": dataset, "label": names[j], "seed": run, "value": value}
        row |= {"ci_low": low, "ci_high": high, "n_replicates": defined, "n_patients": n_patients, "reason": reason}
        rows.append(row | keys)

    for j in range(len(names)):
        for h, head in enumerate(heads):
            for k, run in enumerate(seeds[head]):
                add(observed[h, k, j], drawn[h, k, j], j, str(run), kind="auroc", head=head, head_b="")
            add(observed[h, :, j].mean(), drawn[h, :, j].mean(axis=0), j, "mean", kind="auroc", head=head, head_b="")
        gaps, drawn_gaps = observed[0, :, j] - observed[1:, :, j], drawn[0, :, j] - drawn[1:, :, j]
        for h, other in enumerate(heads[1:]):
            keys = {"kind": "difference", "head": heads[0], "head_b": other}
            for k, run in enumerate(seeds[other]):
                tested = {}
                if j < len(first.labels) and not np.isnan(gaps[h, k]):
                    tested = _delong(chosen[heads[0], run], chosen[other, run], names[j])
                add(gaps[h, k], drawn_gaps[h, k], j, str(run), **keys, **tested)
            add(gaps[h].mean(), drawn_gaps[h].mean(axis=0), j, "mean", **keys)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def bootstrap_files(
    predictions: Paths,
    out: str | Path,
    *,
    heads: Sequence[str] = ("cdl", "dqc"),
    replicates: int = 2000,
    seed: int = 0,
    level: float = 0.95,
    threads: int = 2,
) -> pd.DataFrame:
    """Bootstrap the prediction files of one task and data set (all heads and seeds) and write the tidy CSV `out`."""
    tables = read_predictions(predictions)
    groups = {(task, dataset) for task, _, _, dataset in tables}
    if len(groups) != 1:
        raise InputError(f"a bootstrap is of one task and data set, got {sorted(groups)}; call it once for each")
    ((task, dataset),) = groups
    frame = bootstrap(
        {(head, run): table for (_, head, run, _), table in tables.items()},
        task=task, dataset=dataset, heads=heads, replicates=replicates, seed=seed, level=level, threads=threads,
    )  # fmt: skip
    write_csv(frame, out)
    return frame


def interval(draws: np.ndarray, level: float = 0.95) -> tuple[float, float, int, str]:
    """Return (low, high, defined replicates, note) of a percentile interval over the defined ones of draws (R,)."""
    defined = draws[~np.isnan(draws)]
    if not defined.size:
        return np.nan, np.nan, 0, "undefined in every replicate"
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    lost = draws.size - defined.size
    note = f"undefined in {lost} of {draws.size} replicates: too few patients have or lack the finding" if lost else ""
    return float(low), float(high), defined.size, note


def _delong(a: Predictions, b: Predictions, label: str) -> dict:
    truth, score = a.of(label)
    tested = delong_test(truth, score, b.of(label)[1])
    return {"delong_se": tested["se"], "delong_z": tested["z"], "delong_p": tested["p"]}


def _mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean over the defined entries along an axis, NaN where none is."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=axis)
    return np.divide(np.where(defined, values, 0).sum(axis=axis), n, out=np.full(n.shape, np.nan), where=n > 0)
