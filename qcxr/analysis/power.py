"""What a test could have found, and whether a difference is small enough to count as none.

All of a t-test whose standard error and degrees of freedom are known: those of paired seeds (df = n - 1), of seeds and
patients together or of patients (Satterthwaite's df; normal where it is inf). Power is that of the noncentral t
distribution (Cohen 1988), the equivalence test two one-sided ones (Schuirmann 1987).
"""

import numpy as np
from jaxtyping import Float
from scipy import stats
from scipy.optimize import elementwise

Rows = Float[np.ndarray, " rows"]
FARTHEST = 1e3  # noncentrality, in standard errors, beyond which nothing is sought
OTHER_TAIL = 8.0  # noncentrality from which the test's other tail does not count


def power(difference: Rows, se: Rows, df: Rows, *, alpha: float) -> Rows:
    """The power of the two-sided test for a true `difference`; NaN where se or df is.

    By the noncentral t: P(|T| > t_crit), T with `df` degrees of freedom and noncentrality difference / se.
    """
    known = (se > 0) & (df > 0)
    shift = np.abs(np.divide(difference, se, out=np.full(se.shape, np.nan), where=known))
    return _power(shift, np.where(known, df, np.nan), alpha)


def detectable(se: Rows, df: Rows, *, alpha: float, power: float) -> Rows:
    """The smallest true difference that the two-sided test finds with probability `power`; NaN where se or df is.

    Also NaN where that takes more than `FARTHEST` standard errors, as with one degree of freedom and a small alpha.
    """
    found = np.full(se.shape, np.nan)
    known = (se > 0) & (df > 0)
    reached = known & (_power(np.full(se.shape, FARTHEST), np.where(known, df, np.nan), alpha) > power)
    if reached.any():
        root = elementwise.find_root(
            lambda shift, df: _power(shift, df, alpha) - power,
            (np.zeros(int(reached.sum())), np.full(int(reached.sum()), FARTHEST)),
            args=(df[reached],),
        )
        found[reached] = root.x * se[reached]
    return found


def equivalence(difference: Rows, se: Rows, df: Rows, *, margin: float) -> Rows:
    """p of the two one-sided tests that the true difference lies within -margin and margin; NaN where se or df is."""
    known = (se > 0) & (df > 0)
    scale, df = np.where(known, se, np.nan), np.where(known, df, np.nan)
    above = _upper((difference + margin) / scale, df)  # of: the difference is -margin or less
    below = _upper((margin - difference) / scale, df)
    return np.maximum(above, below)


def _upper(t: Rows, df: Rows) -> Rows:
    return np.where(np.isinf(df), stats.norm.sf(t), stats.t.sf(t, np.where(np.isinf(df), 1.0, df)))


def _power(shift: Rows, df: Rows, alpha: float) -> Rows:
    """Power at a noncentrality `shift` of 0 or more."""
    normal = np.isinf(df)
    finite = np.where(normal, 1.0, df)
    critical = np.where(normal, stats.norm.isf(alpha / 2), stats.t.isf(alpha / 2, finite))
    by_normal = stats.norm.sf(critical - shift) + stats.norm.cdf(-critical - shift)
    # The other tail is below 1e-9 there, where scipy may have none. At some shifts from 5 on, where it is below 1e-14,
    # scipy has none either (NaN).
    other = np.where(shift < OTHER_TAIL, stats.nct.cdf(-critical, finite, np.minimum(shift, OTHER_TAIL)), 0.0)
    other = np.where(np.isnan(other) & ~np.isnan(shift), 0.0, other)
    return np.where(normal, by_normal, stats.nct.sf(critical, finite, shift) + other)
