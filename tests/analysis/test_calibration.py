"""Calibration against statsmodels and by hand: bins with their intervals, skill, slope, intercept."""

import numpy as np
import pytest
from sklearn import metrics as reference
from statsmodels.stats.proportion import proportion_confint

from qcxr.analysis import calibration


def films(n=3000, seed=0, rare=0.3):
    """Truth drawn from probabilities that crowd near 0, as of a rare finding."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(rare, 5, n)
    return (rng.random(n) < probability).astype(float), probability


def test_joined_bins_hold_every_film_and_none_is_small():
    for seed, least in ((0, 10), (1, 10), (2, 60), (3, 1)):
        truth, probability = films(seed=seed)
        found = calibration.bins(truth, probability, least=least)
        assert found.films.min() >= least and found.films.sum() == truth.size
        assert (np.diff(found.mean) > 0).all()
        assert (found.mean * found.films).sum() == pytest.approx(probability.sum())
        assert (found.observed * found.films).sum() == pytest.approx(truth.sum())
        low, high = proportion_confint(found.observed * found.films, found.films, method="wilson")
        np.testing.assert_allclose((found.low, found.high), (low, high), atol=1e-15)
    whole = calibration.bins(truth, probability, least=1)
    _, observed, counts = calibration.reliability(truth, probability)
    np.testing.assert_array_equal(whole.films, counts[counts > 0])
    np.testing.assert_allclose(whole.observed, observed[counts > 0])


def test_bins_of_few_films_join_upwards_and_the_rest_downwards():
    probability = np.repeat([0.05, 0.15, 0.25, 0.45, 0.55, 0.95], [4, 3, 5, 20, 2, 1])
    truth = (np.arange(probability.size) % 3 == 0).astype(float)
    assert calibration.bins(truth, probability, bins=10).films.tolist() == [12, 23]
    assert calibration.bins(truth, probability, bins=10, least=20).films.tolist() == [35]
    assert calibration.bins(truth[:3], probability[:3], bins=10).films.tolist() == [3]
    assert calibration.bins(truth[:0], probability[:0]).films.tolist() == []


def test_skill_is_what_the_prevalence_is_not_worth():
    truth, probability = films()
    constant = np.full(truth.size, truth.mean())
    expected = 1 - reference.brier_score_loss(truth, probability) / reference.brier_score_loss(truth, constant)
    assert calibration.brier_skill(truth, probability) == pytest.approx(expected)
    assert calibration.brier_skill(truth, constant) == pytest.approx(0, abs=1e-12)
    assert calibration.brier_skill(truth, truth) == 1
