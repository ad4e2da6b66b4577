"""Every head's means over seeds with their intervals: over seeds, over patients, and over both together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis import variants
from qcxr.analysis.collapsed import collapsed, named
from qcxr.analysis.components import estimate
from qcxr.analysis.outline import Outline
from qcxr.analysis.parts import Parts, counts, intervals
from qcxr.analysis.ranking import METRICS

COLUMNS = (
    "task", "dataset", "metric", "label", "head", "n_seeds", "mean", "sd", "seeds_low", "seeds_high",
    "patients_se", "patients_df", "patients_low", "patients_high", "total_se", "total_df", "total_low", "total_high",
    "n_patients", "n_positive", "positive_patients", "train_positives", "collapsed", "reason",
)  # fmt: skip
COUNTS = ("n_seeds", "n_patients", "n_positive", "positive_patients", "train_positives")


def estimates(
    metrics: pd.DataFrame,
    *,
    patients: pd.DataFrame | None = None,
    outline: Outline | None = None,
    own: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row per task, data set, metric (`METRICS`, and the user's `own`), label (and mean), head and variant.

    metrics: tidy metrics of all runs. patients: rows of the patients' files; without them only the interval over seeds
    is there. outline: of a study that varies something, which has the column `variant` behind head.

    Intervals are 95 %: t over seeds (`seeds_`), t over patients given these runs (`patients_`), and of both
    together (`total_`, `qcxr.analysis.components`). sd divides by n - 1. What is undefined is empty and has a `reason`.
    """
    outline = variants.outlined(metrics, outline)
    parts, flagged = Parts.of(patients, outline), collapsed(metrics)
    asked = metrics[metrics["metric"].isin([*METRICS, *own])]
    asked = asked.assign(variant=variants.of(asked))
    rows = []
    for key, part in asked.groupby(["task", "dataset", "metric", "label", "head", "variant"], sort=False):
        task, dataset, metric, label, head, variant = key
        row = parts.row((task, dataset, metric, label), [head], [variant])
        found = dict(zip(("task", "dataset", "metric", "label", "head", "variant"), key, strict=True))
        found |= _over_seeds(part) | counts(part, row)
        over = intervals(found["mean"], part["value"].to_numpy(float), row)
        found |= (over.bounded() if metric in METRICS else over).columns()
        rows.append(found | {"collapsed": named(flagged, task, dataset, [(head, variant)])})
    columns: Sequence[str] = COLUMNS
    if outline.varied:
        columns = [name for column in COLUMNS for name in ((column, "variant") if column == "head" else (column,))]
    return pd.DataFrame(rows, columns=list(columns)).astype(dict.fromkeys(COUNTS, "Int64"))


def _over_seeds(part: pd.DataFrame) -> dict[str, Any]:
    """Mean, sd and t-interval of the seeds' values, and why there is none."""
    values = part["value"].to_numpy(float)
    n, mean = values.size, float(values.mean())
    said = [str(reason) for reason in part["reason"].unique() if isinstance(reason, str) and reason]
    variance = float(np.var(values, ddof=1)) if n > 1 else float("nan")
    found = estimate(mean, variance / n, n - 1)
    return {
        "n_seeds": n,
        "mean": mean,
        "sd": float(np.sqrt(variance)),
        "seeds_low": found.low,
        "seeds_high": found.high,
        "reason": "; ".join(said) or ("value undefined" if np.isnan(mean) else ""),
    }
