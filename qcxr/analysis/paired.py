"""Two heads over their paired seeds: the paper's t-test (section III-G), and what a reviewer asks for beside it.

Effect size with its correction for few seeds (Hedges 1981), Shapiro-Wilk on the differences and what follows when it
rejects, Wilcoxon's signed-rank test and how small its p can be, Welch's test as of seeds that are not paired.
"""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import special, stats

from qcxr.analysis.components import estimate

TESTED = (
    "t", "df", "p", "ci_low", "ci_high", "d_z", "g_z", "shapiro_p", "wilcoxon_p", "wilcoxon_floor",
)  # fmt: skip
CONSTANT = 1e-12  # a spread below it, for values up to 1, is rounding
ENUMERATED = 13  # seeds up to which 2^n signs are few enough to go through


def hedges_factor(df: int) -> float:
    """J, by which a standardised mean difference of `df` degrees of freedom is too large on average (Hedges 1981).

    J = gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)); NaN below 2, where the mean does not exist.
    """
    if df < 2:
        return float("nan")
    return float(np.exp(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def wilcoxon_floor(n: int) -> float:
    """The smallest two-sided p that the exact signed-rank test of n differences can give: 2 / 2^n."""
    return float(2.0 ** (1 - n))


def is_constant(difference: Float[np.ndarray, " seeds"]) -> bool:
    """Whether differences are equal but for rounding, from which a t of 1e15 would follow."""
    return float(np.std(difference, ddof=1)) <= CONSTANT * max(1.0, float(np.abs(difference).max()))


def paired_test(difference: Float[np.ndarray, " seeds"]) -> dict[str, Any]:
    """Statistics of paired differences (`TESTED`), and `reason`, which says why there are none.

    ci_low, ci_high: the 95 % t-interval of the mean. wilcoxon_p is exact where differences are neither 0 nor tied, or
    where seeds are few enough to go through all signs.
    """
    n = difference.size
    result = dict.fromkeys(TESTED, np.nan)
    if n < 2:
        return result | {"reason": "one seed: a paired test needs at least two"}
    result |= {"df": n - 1, "wilcoxon_floor": wilcoxon_floor(n)}
    if is_constant(difference):
        return result | {"reason": "all differences are equal: the t-test is undefined"}
    spread = float(np.std(difference, ddof=1))
    found = estimate(float(np.mean(difference)), spread**2 / n, n - 1)
    result |= {"t": found.value / found.se, "p": found.p, "ci_low": found.low, "ci_high": found.high}
    result |= {"d_z": found.value / spread, "g_z": hedges_factor(n - 1) * found.value / spread}
    if n >= 3:
        result["shapiro_p"] = float(stats.shapiro(difference).pvalue)
    result["wilcoxon_p"] = _signed_rank(difference)
    return result | {"reason": ""}


def welch(tests: pd.DataFrame) -> Float[np.ndarray, " rows"]:
    """p of Welch's t-test, as if no run of one head had a counterpart; NaN where neither head varies.

    tests: mean_a, sd_a, mean_b, sd_b and n_seeds of every row.
    """
    a, b = (tests[[f"mean_{x}", f"sd_{x}"]].to_numpy(float).T for x in "ab")
    n = tests["n_seeds"].to_numpy(float)
    found = np.full(n.shape, np.nan)
    varies = np.maximum(a[1], b[1]) > CONSTANT * np.maximum(1.0, np.maximum(np.abs(a[0]), np.abs(b[0])))
    if varies.any():
        first, other = ((*x[:, varies], n[varies]) for x in (a, b))
        found[varies] = stats.ttest_ind_from_stats(*first, *other, equal_var=False).pvalue
    return found


def reading(tested: dict[str, Any], n: int, alpha: float) -> str:
    """Which test to read instead of the t-test, in words; "" unless Shapiro-Wilk rejects normal differences."""
    if not tested["shapiro_p"] < alpha:  # also NaN
        return ""
    found = f"differences not normal (Shapiro-Wilk p {tested['shapiro_p']:.3g}): "
    floor = tested["wilcoxon_floor"]
    if floor < alpha:
        return f"{found}read Wilcoxon's signed-rank test (p {tested['wilcoxon_p']:.2g}) instead of the t-test"
    few = f"{n} seeds are too few for a rank test (its p cannot go below {floor:g})"
    return f"{found}{few}; look at the single differences"


def _signed_rank(difference: Float[np.ndarray, " seeds"]) -> float:
    """Two-sided p of the signed-rank test without zeros (Wilcoxon 1945); scipy's exact distribution knows no ties."""
    difference = difference[difference != 0]
    n = difference.size
    if np.unique(np.abs(difference)).size == n and n <= 50:
        return float(stats.wilcoxon(difference, method="exact").pvalue)
    # The normal approximation would fall below what so few signs can give.
    method = stats.PermutationMethod(n_resamples=2**ENUMERATED) if n <= ENUMERATED else "approx"
    return float(stats.wilcoxon(difference, method=method).pvalue)
