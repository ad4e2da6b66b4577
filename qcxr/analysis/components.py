"""One interval for what two things vary: the seed of the training and the patients of the test set.

Seeds stand where the readers of a multi-reader multi-case study stand, patients where its cases do (Obuchowski &
Rockette 1995; Hillis 2007, which gives the degrees of freedom). With d_s the value of seed s, all on the same patients,

    variance of the mean of d_s = (variance of d_s over seeds) / n_seeds + (what patients add to every seed alike),

and the second part is the mean of the patients' covariances between different seeds: their variance within one seed
is in the first part already, because each d_s was measured on these patients.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

LEVEL = 0.95  # of every interval


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error, degrees of freedom (inf: normal), interval, and two-sided p against 0."""

    value: float
    se: float = np.nan
    df: float = np.nan
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan


def estimate(value: float, variance: float, df: float = np.inf) -> Estimate:
    """The t (or normal) interval and test of a value; only the value where the variance is not above 0 or NaN."""
    if np.isnan(value) or not variance > 0 or not df > 0:
        return Estimate(value)
    se = float(np.sqrt(variance))
    reach = se * float(stats.t.ppf((1 + LEVEL) / 2, df))
    p = float(2 * stats.t.sf(abs(value) / se, df))
    return Estimate(value, se, float(df), value - reach, value + reach, p)


def over_both(
    value: float,
    *,
    seed_variance: float,
    n_seeds: int,
    shared_variance: float,
    patients_df: float = np.inf,
    patients_variance: float = 0.0,
) -> Estimate:
    """Seeds and patients together, degrees of freedom by Satterthwaite (1946), as in Hillis 2007, eq. 9.

    seed_variance: sample variance of the values of the seeds (ddof 1). shared_variance: of patients, common to all
    seeds; below 0, as an estimate may be, it counts as 0. patients_df: its degrees of freedom, Hillis has inf. One seed
    has no variance over seeds, so nothing but the value.

    patients_variance: of the mean, these runs given, where it is known; the whole is at least as large. Three seeds
    that happen to lie close together then pretend to no more than patients allow (coverage: docs/analysis.md).
    """
    if n_seeds < 2:
        return Estimate(value)
    of_patients = max(shared_variance, 0.0)
    of_seeds = max(seed_variance / n_seeds, patients_variance - of_patients)
    below = of_seeds**2 / (n_seeds - 1) + (of_patients**2 / patients_df if np.isfinite(patients_df) else 0.0)
    variance = of_seeds + of_patients
    return estimate(value, variance, variance**2 / below if below > 0 else np.inf)


def bounded(found: Estimate) -> Estimate:
    """The same estimate of something between 0 and 1 with its interval taken on the logit scale, which keeps it there.

    An AUROC near 1 has a small standard error just where it is too high by chance. On the logit scale that asymmetry is
    milder (Pepe 2003, The Statistical Evaluation of Medical Tests, 5.2.4). Its p against 0 has no meaning: NaN. Values
    of 0 and 1 and those without a standard error come back as they are.
    """
    if np.isnan(found.se) or not 0 < found.value < 1:
        return found
    middle = special.logit(found.value)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, found.df)) * found.se / (found.value * (1 - found.value))
    low, high = (float(special.expit(middle + sign * reach)) for sign in (-1, 1))
    return replace(found, low=low, high=high, p=np.nan)
