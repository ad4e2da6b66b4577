"""Intervals of seeds and patients together hold the truth as often as they say; those of either alone do not.

A few hundred simulated studies, so within three Monte Carlo errors of 95 %. `tests/analysis/coverage.py` makes them, and
in minutes the table of docs/analysis.md, by which the degrees of freedom were chosen.
"""

import numpy as np
import pytest

from qcxr.analysis import ranking

from . import coverage

STUDIES = 150


def test_the_truth_is_that_of_a_huge_test_set():
    rng = np.random.default_rng(0)
    made = coverage.Design(6, n_patients=20_000, trained=0.0)
    found = [table for (head, _), table in coverage.runs(made, rng, heads="a")]
    for metric, of in (("auroc", ranking.auroc), ("average_precision", ranking.average_precision)):
        true = coverage.truth(made, metric, "a")
        for label in coverage.LABELS:
            assert np.mean([of(*table.of(label)) for table in found]) == pytest.approx(true[label], abs=0.012)


@pytest.mark.parametrize("n_seeds", [3, 5])
def test_differences_are_covered(n_seeds):
    """Of both metrics, of a common and a rare label (ten patients) and of the mean; and few false claims."""
    made = coverage.Design(n_seeds, n_patients=150, prevalence=(0.25, 0.06, 0.015))
    shares = coverage.coverage(made, studies=STUDIES, seed=n_seeds).xs("difference", level="kind")
    error = 100 * np.sqrt(0.95 * 0.05 / STUDIES)
    assert (shares["total"] >= 95 - 3 * error).all()
    assert shares["total"].mean() == pytest.approx(95.5, abs=2.5)
    assert (shares["claims"] <= 5 + 3 * error).all()
    common = shares.xs("common", level="label")
    assert (common["patients"] < 90).all() and (shares["seeds"].mean() < 92)
    assert shares["patients"].mean() < shares["total"].mean() - 3 and (abs(shares["se_ratio"] - 1) < 0.2).all()
