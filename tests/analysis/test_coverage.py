"""Intervals of seeds and patients together hold the truth as often as they say; those of either alone do not.

`tests/analysis/coverage.py` makes the simulated studies, and in minutes the table by which the degrees of freedom were
chosen. Shares are held to three Monte Carlo errors, three seeds to 1.5 % less (two degrees of freedom are few for
Satterthwaite), and to 1 % more; a rare label, whose average precision is covered too often, to the lower bound only.
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
    if studies >= 600:  # fewer cannot tell an interval that is too wide
        assert (shares.drop("rare", level="label")["total"] <= 95 + 3 * error + 1).all(), shares
    # seeds alone hold as often for a common label with three seeds, where patients vary little beside them
    others = shares.drop("common", level="label") if n_seeds < 5 else shares
    assert (others["seeds"] < others["total"]).all() and shares["seeds"].mean() < shares["total"].mean() - 2, shares
    # and patients alone nearly as often with twenty, whose mean hardly varies
    assert shares["patients"].mean() < shares["total"].mean() - 2 * (n_seeds < 20), shares
    assert (abs(shares["se_ratio"] - 1) < 0.2).all(), shares


def test_differences_are_covered(unchecked):
    held(5, studies=60, n_patients=120, rare=0.02)


@pytest.mark.slow(minutes=8)
@pytest.mark.parametrize("n_seeds", [3, 5, 20])
def test_differences_are_covered_within_monte_carlo_error(unchecked, n_seeds):
    held(n_seeds, studies=600 if n_seeds < 20 else 240)  # a study of twenty seeds takes as long as four of five


@pytest.mark.slow
@pytest.mark.parametrize(("n_seeds", "share"), [(5, 13), (20, 39)])
def test_changes_are_claimed_over_other_patients_as_often_as_the_guide_says(unchecked, n_seeds, share):
    studies = 300 if n_seeds < 20 else 100
    found = coverage.false_changes(coverage.Design(n_seeds), studies=studies, seed=n_seeds)
    assert found == pytest.approx(share, abs=300 * np.sqrt(share / 100 * (1 - share / 100) / studies))
