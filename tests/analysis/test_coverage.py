"""Intervals of seeds and patients together hold the truth as often as they say; those of either alone do not.

`tests/analysis/coverage.py` makes the simulated studies, and in minutes the table by which the degrees of freedom were
chosen. Shares are held to three Monte Carlo errors.
"""

import numpy as np
import pytest

from qcxr.analysis import ranking

from . import coverage


def test_the_truth_is_that_of_a_huge_test_set():
    rng = np.random.default_rng(0)
    made = coverage.Design(2, n_patients=40_000, prevalence=(0.25, 0.06, 0.04), trained=0.0)
    found = [table for (head, _), table in coverage.runs(made, rng, heads="a")]
    for metric, of in (("auroc", ranking.auroc), ("average_precision", ranking.average_precision)):
        true = coverage.truth(made, metric, "a")
        for label in coverage.LABELS:
            assert np.mean([of(*table.of(label)) for table in found]) == pytest.approx(true[label], abs=0.012)


def held(n_seeds, *, studies, n_patients=300, rare=0.008):
    """Check the coverage of the differences of both metrics, labels (one rare) and their mean; few false claims."""
    made = coverage.Design(n_seeds, n_patients=n_patients, prevalence=(0.25, 0.06, rare))
    shares = coverage.coverage(made, studies=studies, seed=n_seeds).xs("difference", level="kind")
    error = 100 * np.sqrt(0.95 * 0.05 / studies)
    low = 95 - 3 * error - 1.5 * (n_seeds < 5)  # two degrees of freedom are few for Satterthwaite
    assert (shares["total"] >= low).all(), shares
    assert (shares["claims"] <= 100 - low).all(), shares
    assert (shares.drop("rare", level="label")["total"] <= 95 + 3 * error + 1).all(), shares
    # patients alone are nearly enough with many seeds, and seeds alone are for a common label with few
    whole, alone = shares["total"].mean(), shares[["seeds", "patients"]].mean()
    assert (alone < whole).all() and alone.min() < whole - 2, shares
    assert (abs(shares["se_ratio"] - 1) < 0.2).all(), shares


def test_differences_are_covered(unchecked):
    held(5, studies=60, n_patients=120, rare=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(("n_seeds", "studies"), [(3, 600), (5, 600), (20, 200)])
def test_differences_are_covered_within_monte_carlo_error(unchecked, n_seeds, studies):
    held(n_seeds, studies=studies)
