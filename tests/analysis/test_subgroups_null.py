"""How often a gap is found where there is none."""

import numpy as np
import pytest

from qcxr.analysis.contrasts import Contrast, cell
from qcxr.analysis.sides import Side


def test_error_rate_where_there_is_no_gap():
    """Films of a patient share a shift, some patients are in both groups, seeds differ in each group by chance."""
    rng = np.random.default_rng(3)
    trials, seeds, n_patients, films = 600, 4, 90, 360
    rejected = {"both": 0, "patients": 0}
    for _ in range(trials):
        patient = rng.integers(0, n_patients, films)
        ill = rng.random(n_patients) < 0.4
        truth = np.where(rng.random(films) < 0.8, ill[patient], rng.random(films) < 0.3).astype(float)
        group = np.where(rng.random(films) < 0.8, patient % 2, rng.integers(0, 2, films))
        shared = truth + 0.7 * rng.standard_normal(n_patients)[patient] + rng.standard_normal(films)
        gains = rng.normal(0, 0.4, (seeds, 2))[:, group]
        score = shared + gains * truth + 0.4 * rng.standard_normal((seeds, films))
        cells = [cell(truth[group == g], score[:, group == g], patient[group == g], n_patients) for g in (0, 1)]
        gap = Contrast(cells[:1], cells[1:], here=np.ones(n_patients, dtype=bool))
        found = gap.measured(Side("cdl", list(range(seeds))))
        rejected["both"] += found.over.total.p < 0.05
        rejected["patients"] += found.over.patients.p < 0.05
    rate = rejected["both"] / trials
    assert 0.025 <= rate <= 0.08, rejected  # about three standard errors of 600 trials around .05
    assert rejected["patients"] / trials > 0.1  # patients alone forget the seeds


@pytest.mark.slow
def test_error_rate_of_a_mean_gap_over_many_labels_with_few_positive_patients():
    """Eight labels whose scores correlate by a half, four positive patients in each of two groups, one run."""
    rng = np.random.default_rng(4)
    trials, labels, each = 1200, 8, 120
    patient, truth = np.arange(2 * each), (np.arange(each) < 4).astype(float)
    rejected = 0
    for _ in range(trials):
        shared = rng.standard_normal(2 * each)
        score = np.sqrt(0.5) * (shared + rng.standard_normal((labels, 2 * each))) + np.tile(truth, 2)
        groups = [
            [cell(truth, one[None, films], patient[films], 2 * each) for one in score]
            for films in (patient < each, patient >= each)
        ]
        found = Contrast(*groups, here=np.ones(2 * each, dtype=bool)).measured(Side("cdl", [0]))
        rejected += found.over.patients.p < 0.05
    assert abs(rejected / trials - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / trials), rejected
