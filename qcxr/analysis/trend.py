"""Does the difference between two heads depend on how rare a finding is in training? Over the labels of a task.

Spearman's rank correlation of the difference with the training films of a label, tested by permuting labels (all
orders of eight labels or fewer, a fixed sample of orders for more), its interval by Fisher's z with the standard error
of Bonett & Wright (2000); and the slope of Theil (1950) and Sen (1968) per tenfold of training films. The labels are
what is sampled here: the test says whether *these* runs order labels by rarity more than chance would. What another
training would give is beside it: the correlation of every single seed, and their t-interval. A single seed's is closer
to 0 than that of the means, because noise of training hides an order.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from qcxr.analysis import families, matched, variants
from qcxr.analysis.outline import Outline
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.response import over_seeds

COLUMNS = (
    "task", "dataset", "metric", "head_a", "head_b", "variant", "n_labels", "n_seeds", "rho", "rho_low", "rho_high",
    "p", "p_adjusted", "exact", "seeds_rho", "seeds_low", "seeds_high", "slope", "slope_low", "slope_high", "intercept",
    "reason",
)  # fmt: skip
FEWEST = 5  # labels: the smallest p of four is 2/24
RESAMPLES = 9_999  # orders drawn where there are more
EXACT = 8  # labels: 40,320 orders
SEED = 0

Labels = Float[np.ndarray, " labels"]


def trend(
    metrics: pd.DataFrame,
    *,
    heads: Sequence[str],
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
    adjust: str = "holm",
) -> pd.DataFrame:
    """Return a row (`COLUMNS`) per task, data set, metric, pair and variant.

    metrics: tidy metrics of all runs with `train_positives`. Differences are head_a - head_b, mean over seeds: a rho
    below 0 says that head_a's lead grows with rarity. slope: per tenfold of training films, with its 95 % interval;
    intercept: of the line at one training film. exact: whether p is of all orders. p_adjusted: by `adjust`, a
    method of `qcxr.analysis.inference.METHODS`, over all tasks, data sets and pairs of a metric (and variant). Fewer
    than five labels with a difference and known training films: empty, with a `reason`. The column `variant` is there
    where something varies.
    """
    outline = variants.outlined(metrics, outline)
    asked = metrics[metrics["metric"].isin(METRICS) & ~metrics["label"].isin(MEANS)]
    runs = matched.by_seed(asked, heads=heads, against=against, outline=outline)
    counts = matched.train_positives(asked)
    keys = pd.MultiIndex.from_frame(runs[["task", "label"]])
    runs["positives"] = counts.reindex(keys).to_numpy(float) if len(counts) else np.nan
    rows = []
    for key, part in runs.groupby(matched.COMPARISON, sort=False):
        rows.append(dict(zip(matched.COMPARISON, key, strict=True)) | _of_labels(part))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["p_adjusted"] = families.within(table["p"], adjust, table["metric"], table["variant"])
    return table[matched.columns_of(COLUMNS, varied=outline.varied)]


def _of_labels(part: pd.DataFrame) -> dict[str, Any]:
    table = part.pivot(index="label", columns="seed", values="difference")
    positives = part.groupby("label")["positives"].first().reindex(table.index)
    defined = table.notna().all(axis=1)
    used = defined & (positives > 0)
    found: dict[str, Any] = {"n_labels": int(used.sum()), "n_seeds": table.shape[1], "reason": ""}
    if used.sum() < FEWEST:
        why = "" if positives.notna().any() else "; training films are not known"
        return found | {"reason": f"{used.sum()} labels with a difference and training films: needs {FEWEST}{why}"}
    x, runs = np.log10(positives[used].to_numpy(float)), table[used].to_numpy(float)
    y = runs.mean(axis=1)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return found | {"reason": "all labels have the same difference or the same number of training films"}
    found |= correlation(x, y)
    line = stats.theilslopes(y, x, 0.95)
    found |= {"slope": line.slope, "intercept": line.intercept}
    found |= {"slope_low": line.low_slope, "slope_high": line.high_slope}
    singles = np.array([_rho(x, run) for run in runs.T if np.ptp(run) > 0])
    if singles.size:
        other = over_seeds(singles)
        low, high = np.clip([other["seeds_low"], other["seeds_high"]], -1, 1)
        found |= {"seeds_rho": other["mean"], "seeds_low": low, "seeds_high": high}
    return found


def correlation(x: Labels, y: Labels) -> dict[str, Any]:
    """Spearman's rho of two rows of numbers, neither constant: rho, rho_low, rho_high, p, exact; at least 5 of each."""
    n, rho = x.size, _rho(x, y)
    p, exact = permuted(x, y)
    low = high = np.nan
    if abs(rho) < 1:  # the interval of a perfect order would be a point
        reach = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (n - 3))
        low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    return {"rho": rho, "rho_low": float(low), "rho_high": float(high), "p": p, "exact": exact}


def permuted(x: Labels, y: Labels) -> tuple[float, bool]:
    """Two-sided p of Spearman's rho (twice the smaller tail) over orders of the labels, and whether over all."""
    ranks = [2 * stats.rankdata(values) for values in (x, y)]  # doubled they are whole numbers, and so are their sums
    null, exact = _orders(*(tuple(np.sort(rank).tolist()) for rank in ranks))
    seen = float((ranks[0] * ranks[1]).sum())
    own = 0 if exact else 1  # the order seen is one of those that were not drawn
    tails = [(np.sum(null >= seen) + own) / (null.size + own), (np.sum(null <= seen) + own) / (null.size + own)]
    return min(1.0, 2 * float(min(tails))), exact


@cache
def _orders(x: tuple[float, ...], y: tuple[float, ...]) -> tuple[Float[np.ndarray, " orders"], bool]:
    """What the sum of products of two rows of ranks is, over all orders of one of them, or a sample of the orders.

    Without ties it depends on the number of labels alone, so that one call serves all pairs of heads.
    """
    exact = len(x) <= EXACT
    found = stats.permutation_test(
        (np.array(x),),
        lambda ordered, axis=-1: (ordered * np.array(y)).sum(axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=np.inf if exact else RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return np.asarray(found.null_distribution, dtype=float), exact


def _rho(x: Labels, y: Labels) -> float:
    return float(stats.spearmanr(x, y).statistic)
