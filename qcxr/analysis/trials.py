"""A search's trials: what the best of a smaller budget would have been, and what was chosen.

Expected best validation score of k trials, after Dodge et al. 2019 ("Show Your Work"), who draw k of the n trials with
replacement. Here they are drawn without: the best of k distinct trials is what a search of k would have shown, its mean
is unbiased, and at k = n it is the best that was found (Tang et al. 2020 on the bias of drawing with replacement).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from qcxr.analysis.names import head_name, head_order, key_value, metric_name, task_name, task_order

FIXED = (
    "task",
    "head",
    "trial",
    "seed",
    "metric",
    "value",
    "chosen",
    "lower_is_better",
)  # all others are searched keys
SPREAD = (0.1, 0.9)  # quantiles of the best of k


def best_of(values: Float[np.ndarray, " trials"]) -> Float[np.ndarray, "trials 3"]:
    """Return (mean, low, high) of the best of k of the values for k = 1 to all; the largest is the best.

    The best of k is at most the i-th smallest of n with probability C(i, k) / C(n, k); low and high are its 10 % and
    90 % quantiles, values that occur. A trial that ended without a value (NaN) counts as the worst of the others.
    """
    ordered = np.sort(np.where(np.isnan(values), np.nanmin(values), values))
    n = ordered.size
    rank = np.arange(1, n + 1)
    at_most = np.ones(n)
    found = np.empty((n, 3))
    for k in range(1, n + 1):
        at_most *= np.maximum(rank - k + 1, 0) / (n - k + 1)  # C(i, k) / C(n, k) from the one for k - 1
        mean = np.diff(at_most, prepend=0.0) @ ordered
        found[k - 1] = (mean, *(ordered[np.searchsorted(at_most, quantile - 1e-12)] for quantile in SPREAD))
    return found


def lower_is_better(search: pd.DataFrame) -> bool:
    """Whether the metric that trials were chosen by is a loss."""
    return "lower_is_better" in search and bool(search["lower_is_better"].eq(True).any())


def budget(search: pd.DataFrame, order: Iterable[str] = ()) -> pd.DataFrame:
    """Expected best score against the number of trials: rows task, head, trials, mean, low, high.

    Heads in the order given; where a lower score is better, the best is the lowest. A head without any score has none.
    """
    sign = -1.0 if lower_is_better(search) else 1.0
    rows = []
    for task in task_order(search["task"]):
        for head in head_order(search["head"], order):
            values = search.loc[(search["task"] == task) & (search["head"] == head), "value"].to_numpy(float)
            if not np.isfinite(values).any():
                continue
            for k, (mean, low, high) in enumerate(best_of(sign * values), 1):
                edges = sorted((sign * low, sign * high))
                rows.append(
                    {"task": task, "head": head, "trials": k, "mean": sign * mean, "low": edges[0], "high": edges[1]}
                )
    return pd.DataFrame(rows, columns=["task", "head", "trials", "mean", "low", "high"])


def searched(search: pd.DataFrame) -> list[str]:
    """The keys that trials differ in, by their dotted names."""
    return [column for column in search if column not in FIXED]


def chosen(search: pd.DataFrame, order: Iterable[str] = ()) -> pd.DataFrame:
    """The chosen trial of every task and head: its validation score, the number of trials, and its settings."""
    rows = []
    picked = search[search["chosen"].astype(bool)]
    for task in task_order(search["task"]):
        for head in head_order(search["head"], order):
            own = search[(search["task"] == task) & (search["head"] == head)]
            for row in picked[(picked["task"] == task) & (picked["head"] == head)].to_dict("records"):
                score: dict[str, Any] = {"Trials": len(own), "Failed": int(own["value"].isna().sum())}
                score |= {f"Validation {metric_name(row['metric'])}": row["value"], "Trial": str(row["trial"])}
                settings = {key: "—" if _empty(row[key]) else key_value(row[key]) for key in searched(search)}
                rows.append({"Task": task_name(task), "Head": head_name(head)} | score | settings)
    return pd.DataFrame(rows)


def space(search: pd.DataFrame) -> list[str]:
    """What the trials tried of every key, in words: a range of numbers, or the values."""
    texts = []
    for key in searched(search):
        values = [value for value in dict.fromkeys(search[key]) if not _empty(value)]
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
        if numbers and len(values) > 6:
            texts.append(f"{key} from {key_value(float(min(values)))} to {key_value(float(max(values)))}")
        elif values:
            names = sorted(values) if numbers else values
            texts.append(f"{key} of {', '.join(key_value(float(v) if numbers else v) for v in names)}")
    return texts


def _empty(value: object) -> bool:
    return value is None or value == "" or (isinstance(value, float) and bool(np.isnan(value)))
