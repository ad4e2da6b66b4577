"""How much heads vary: from training to training, from one set of patients to another, and over a search's trials.

Two heads' variances over seeds are compared by the test of Pitman (1939) and Morgan (1939), which is for pairs: a and b
vary alike if a + b and a - b are not correlated. It rests on normal values; beside it stands Levene's test about the
medians (Brown & Forsythe 1974), which does not, but knows nothing of pairs. With a handful of seeds only a ratio of
variances far from 1 can be found: its interval says how far.
"""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from qcxr.analysis import families, matched, variants
from qcxr.analysis.outline import Outline
from qcxr.analysis.ranking import METRICS

COLUMNS = (
    "task", "dataset", "variant", "metric", "label", "kind", "head", "head_b", "n_seeds", "mean", "mean_b", "sd",
    "sd_low", "sd_high", "sd_b", "ratio", "ratio_low", "ratio_high", "p_pitman_morgan", "p_brown_forsythe", "reading",
    "p_adjusted", "seed_variance", "patients_variance", "search_variance", "n_trials", "reason",
)  # fmt: skip
PAIRED = "Pitman-Morgan"
UNPAIRED = "Brown-Forsythe"  # values of a head do not look normal, or the paired test is undefined
# Level of Shapiro-Wilk. It chooses a test and claims nothing, so it does not follow analysis.alpha: a stricter claim
# must not rest on a laxer check.
NORMAL = 0.05

Seeds = Float[np.ndarray, " seeds"]


def variance(
    metrics: pd.DataFrame,
    *,
    heads: Sequence[str],
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
    patients: pd.DataFrame | None = None,
    search: pd.DataFrame | None = None,
    adjust: str = "holm",
) -> pd.DataFrame:
    """Return a row (`COLUMNS`) of each head and of each pair, per task, data set, variant and metric, of the mean.

    kind `head`: mean, sd over seeds with its 95 % interval (of normal values), and what varies: seed_variance (one
    training, sd squared), patients_variance (the patients' part that all trainings share, `shared_variance` of the rows
    of `patients`; below 0 it counts as 0) and search_variance (over the trials of `search`, each one training of other
    settings, by their score on validation; only for the metric that they were chosen by). kind `difference`: of head -
    head_b in the same way, and the ratio of the variances (head / head_b) with its 95 % interval and both tests.
    reading: the test to read; p_adjusted: its p by `adjust`, a method of `qcxr.analysis.inference.METHODS`, over all
    tasks, data sets and pairs of a metric (and variant).
    """
    outline = variants.outlined(metrics, outline)
    mean = metrics[metrics["metric"].isin(METRICS) & (metrics["label"] == "mean")]
    shared = _shared(patients, outline)
    rows = [*_of_heads(mean, heads, search), *_of_pairs(mean, heads, against, outline)]
    for row in rows:
        key = tuple(row[name] for name in ("task", "dataset", "metric", "head", "head_b", "variant"))
        row["patients_variance"] = shared.get(key, np.nan)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    read = table["p_pitman_morgan"].where(table["reading"] == PAIRED, table["p_brown_forsythe"]).astype(float)
    table["p_adjusted"] = families.within(read, adjust, table["metric"], table["variant"])
    return table[matched.columns_of(COLUMNS, varied=outline.varied)]


def _of_heads(mean: pd.DataFrame, heads: Sequence[str], search: pd.DataFrame | None) -> Iterator[dict[str, Any]]:
    trials = _trials(search)
    keys = ["task", "dataset", "metric", "head", "variant"]
    grouped = dict(iter(mean.assign(variant=variants.of(mean)).groupby(keys, sort=False)))
    for key, runs in sorted(grouped.items(), key=lambda item: _place(item[0][3], heads)):
        if key[3] not in heads:
            continue
        row = dict(zip(keys, key, strict=True)) | {"label": "mean", "kind": "head", "head_b": ""}
        row |= _spread(runs["value"].to_numpy(float))
        yield row | trials.get((key[0], key[3], key[2]), {})


def _place(head: str, heads: Sequence[str]) -> int:
    return list(heads).index(head) if head in heads else len(heads)


def _of_pairs(
    mean: pd.DataFrame, heads: Sequence[str], against: Sequence[str] | None, outline: Outline
) -> Iterator[dict[str, Any]]:
    runs = matched.by_seed(mean, heads=heads, against=against, outline=outline)
    for key, part in runs.groupby(matched.COMPARISON, sort=False):
        row = dict(zip(matched.COMPARISON, key, strict=True))
        row = {"head": row.pop("head_a"), "head_b": row.pop("head_b")} | row | {"label": "mean", "kind": "difference"}
        a, b = part["a"].to_numpy(float), part["b"].to_numpy(float)
        row |= compared(a, b) | {"mean": a.mean(), "mean_b": b.mean()}
        yield row | {"n_seeds": a.size, "seed_variance": _spread(a - b)["seed_variance"]}


def _spread(values: Seeds) -> dict[str, Any]:
    sd = float(values.std(ddof=1)) if values.size > 1 else np.nan
    reason = "" if values.size > 1 else "one seed: nothing is known of another training"
    reason = "the mean is undefined" if np.isnan(values).any() else reason
    found = {"n_seeds": values.size, "mean": values.mean(), "sd": sd, "seed_variance": sd**2, "reason": reason}
    if values.size > 1:  # of normal values: (n - 1) sd^2 / sigma^2 is chi-squared
        low, high = sd * np.sqrt((values.size - 1) / stats.chi2.ppf([0.975, 0.025], values.size - 1))
        found |= {"sd_low": float(low), "sd_high": float(high)}
    return found


def compared(a: Seeds, b: Seeds) -> dict[str, Any]:
    """Compare the variances of paired values: sd, sd_b, ratio with its interval, both tests, which to read, reason."""
    found: dict[str, Any] = {"reading": "", "reason": ""}
    if np.isnan(a).any() or np.isnan(b).any():
        return found | {"reason": "the mean is undefined"}
    if a.size < 2:
        return found | {"reason": "one seed: nothing is known of another training"}
    found |= {"sd": float(a.std(ddof=1)), "sd_b": float(b.std(ddof=1))}
    if a.size < 3:
        return found | {"reason": "two seeds: variances cannot be compared"}
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return found | {"reason": "a head's values are all equal"}
    found |= pitman_morgan(a, b)
    found["p_brown_forsythe"] = _brown_forsythe(a, b)
    normal = min(float(stats.shapiro(values).pvalue) for values in (a, b)) >= NORMAL
    p = {PAIRED: found["p_pitman_morgan"] if normal else np.nan, UNPAIRED: found["p_brown_forsythe"]}
    readable = [name for name, value in p.items() if not np.isnan(value)]
    return found | ({"reading": readable[0]} if readable else {"reason": "no test of the variances is defined"})


def _brown_forsythe(a: Seeds, b: Seeds) -> float:
    """Its p; NaN where all values of a head lie equally far from the median, so that nothing varies within heads."""
    spread = [np.ptp(np.abs(values - np.median(values))) for values in (a, b)]
    return float(stats.levene(a, b, center="median").pvalue) if max(spread) > 0 else np.nan


def pitman_morgan(a: Seeds, b: Seeds) -> dict[str, float]:
    """Ratio of the variances of paired values, its 95 % interval, and the p of equal variances.

    At least three pairs. The interval holds the ratios that the test does not reject (Morgan 1939, eq. 10; Snedecor &
    Cochran 1989, 10.8). NaN where a is b up to sign and shift, so that one of sum and difference is constant.
    """
    n, ratio = a.size, float(a.var(ddof=1) / b.var(ddof=1))
    r = float(np.corrcoef(a, b)[0, 1])
    if abs(r) > 1 - 1e-12:
        return {"ratio": ratio, "ratio_low": np.nan, "ratio_high": np.nan, "p_pitman_morgan": np.nan}
    p = float(stats.pearsonr(a + b, a - b).pvalue)
    k = 1 + 2 * (1 - r**2) * stats.t.ppf(0.975, n - 2) ** 2 / (n - 2)
    reach = np.sqrt(k**2 - 1)
    low, high = ratio * float(k - reach), ratio * float(k + reach)
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high, "p_pitman_morgan": p}


def _shared(patients: pd.DataFrame | None, outline: Outline) -> dict[tuple[Hashable, ...], float]:
    """(task, data set, metric, head, head_b, variant) -> patients' variance common to all seeds; head_b may be "".

    There the variant is one of the grid's, here that of the head's runs, or where the pair meets.
    """
    if patients is None:
        return {}
    rows = patients[patients["label"] == "mean"]
    names = [rows[name] for name in ("task", "dataset", "metric", "head")]
    heads = list(zip(rows["head"], rows["head_b"].fillna(""), variants.of(rows), strict=True))
    there = {place: _standing(*place, outline) for place in dict.fromkeys(heads)}
    values = rows["shared_variance"].astype(float).clip(lower=0)
    keys = zip(*names, (place[1] for place in heads), (there[place] for place in heads), strict=True)
    return dict(zip(keys, values, strict=True))


def _standing(head: str, other: str, variant: str, outline: Outline) -> str | None:
    """The variant of a head's runs, or the name under which two heads are compared, at a variant of the grid."""
    if variant not in outline.variants:
        return variant
    if other:
        arms = tuple(outline.standing(name, variant) for name in (head, other))
        met = tuple(arm.variant if arm else None for arm in arms)
        return next((name for name, pair in outline.meetings(head, other).items() if pair == met), None)
    arm = outline.standing(head, variant)
    return arm.variant if arm else None


def _trials(search: pd.DataFrame | None) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(task, head, metric) -> variance of the trials' validation score, and how many ended with one."""
    if search is None:
        return {}
    found = {}
    for key, trials in search.groupby(["task", "head", "metric"], sort=False):
        scores = trials["value"].dropna().to_numpy(float)
        if scores.size > 1:
            found[key] = {"search_variance": float(scores.var(ddof=1)), "n_trials": scores.size}
    return found
