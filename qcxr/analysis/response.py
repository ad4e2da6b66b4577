"""A metric against a varied key: means over seeds with two intervals, over seeds and over patients.

The two answer different questions. The t-interval over seeds says how another training would differ; the percentile
interval over patients (`qcxr.analysis.bootstrap`, of the mean over seeds) how another test set would.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float

from qcxr.analysis import variants
from qcxr.analysis.components import estimate
from qcxr.analysis.outline import Outline
from qcxr.analysis.ranking import METRICS
from qcxr.errors import InputError

COLUMNS = (
    "task", "dataset", "metric", "head", "place", "varied", "n_seeds", "mean", "sd", "seeds_low", "seeds_high",
    "patients_low", "patients_high",
)  # fmt: skip


def curve(metrics: pd.DataFrame, outline: Outline, axis: str, *, bootstrap: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a row per task, data set, metric, head and value of the axis, of the mean over labels.

    place: of the value in the axis's order. varied: whether the head has the key; one that has not stands at every
    value with the same runs. Other keys are as at the base variant. Patients' intervals are from `bootstrap`'s rows
    averaged over seeds. InputError if the axis is not of the outline.
    """
    if axis not in outline.axes:
        raise InputError(f"axis must be among {', '.join(outline.axes) or 'none'}, got {axis}; vary it in the config")
    mean = metrics[(metrics["label"] == "mean") & metrics["metric"].isin(METRICS)]
    patients = _of_patients(bootstrap)
    rows = []
    for place, (_, variant) in enumerate(outline.along(axis)):
        there = variants.runs_at(mean, outline, variant)
        for key, runs in there.groupby(["task", "dataset", "metric", "head"], sort=False):
            row = dict(zip(COLUMNS, (*key, place), strict=False))
            arm = outline.standing(key[3], variant)
            row["varied"] = arm is not None and axis in arm.at
            row |= over_seeds(runs["value"].to_numpy(float))
            low, high = patients.get((*key[:3], variant, key[3]), (np.nan, np.nan))
            rows.append(row | {"patients_low": low, "patients_high": high})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def over_seeds(values: Float[np.ndarray, " seeds"]) -> dict[str, float]:
    """Mean, standard deviation and 95 % t-interval of the mean of values, NaN where there are too few.

    Unlike in estimates.csv, equal values have an interval without width, so that figures draw a point with its bar.
    """
    n = values.size
    sd = float(values.std(ddof=1)) if n > 1 else np.nan
    found = estimate(float(values.mean()), sd**2 / n, n - 1)
    low, high = (found.value, found.value) if sd == 0 else (found.low, found.high)
    return {"n_seeds": n, "mean": found.value, "sd": sd, "seeds_low": low, "seeds_high": high}


def _of_patients(bootstrap: pd.DataFrame | None) -> dict[tuple[str, ...], tuple[float, float]]:
    """(task, data set, metric, variant, head) -> interval over patients of the mean over labels and seeds."""
    if bootstrap is None:
        return {}
    rows = bootstrap[(bootstrap["kind"] == "head") & (bootstrap["label"] == "mean") & (bootstrap["seed"] == "mean")]
    keys = zip(rows["task"], rows["dataset"], rows["metric"], variants.of(rows), rows["head"], strict=True)
    return dict(zip(keys, zip(rows["ci_low"], rows["ci_high"], strict=True), strict=True))
