"""A metric over seeds: the interval of its mean."""

import numpy as np
import pytest
from scipy import stats

from qcxr.analysis.response import over_seeds


@pytest.mark.parametrize("n", [2, 5, 20])
def test_the_interval_is_scipys(n):
    values = 0.8 + 0.01 * np.random.default_rng(n).standard_normal(n)
    found = over_seeds(values)
    low, high = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found["seeds_low"], found["seeds_high"]) == pytest.approx((low, high), rel=1e-12)
    assert (found["mean"], found["sd"]) == pytest.approx((values.mean(), np.sqrt(values.var(ddof=1))))


def test_equal_values_are_a_point_and_one_has_no_interval():
    found = over_seeds(np.array([0.7, 0.7]))
    assert (found["sd"], found["seeds_low"], found["seeds_high"]) == (0.0, 0.7, 0.7)
    found = over_seeds(np.array([0.7]))
    assert found["mean"] == 0.7 and np.isnan([found["sd"], found["seeds_low"], found["seeds_high"]]).all()
