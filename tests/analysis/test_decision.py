"""Net benefit against counting film by film."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from qcxr.analysis import decision


@pytest.mark.parametrize("seed", range(4))
def test_net_benefit_counts_films(seed):
    rng = np.random.default_rng(seed)
    truth = np.append([0.0, 1.0], rng.random(200) < 0.1)
    probability = rng.beta(1, 6, 202).round(2)
    prevalence = float(truth.mean())
    at = decision.thresholds(prevalence)
    expected = []
    for t in at:
        _, false, _, true = confusion_matrix(truth, probability >= t).ravel()
        expected.append(true / 202 - false / 202 * t / (1 - t))
    np.testing.assert_allclose(decision.net_benefit(truth, probability, at), expected, atol=1e-14)
    everyone = decision.net_benefit(truth, np.ones(202), at)
    np.testing.assert_allclose(decision.act_on_all(prevalence, at), everyone, atol=1e-14)
    assert (decision.net_benefit(truth, np.zeros(202), at) == 0).all()
    assert decision.net_benefit(truth, truth, at) == pytest.approx(np.full(at.size, prevalence))


def test_thresholds_are_multiples_of_the_prevalence_and_end_below_one():
    rare, common = decision.thresholds(0.003), decision.thresholds(0.4)
    assert rare.max() == pytest.approx(0.012) and np.isfinite(rare).all()
    assert np.nanmax(common) <= decision.HIGHEST and np.isnan(common[-1])
    found = decision.net_benefit(np.array([0.0, 1, 1]), np.array([0.1, 0.5, 0.9]), common)
    assert np.isnan(found[-1]) and np.isfinite(found[0])
