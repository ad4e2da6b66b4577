"""The curves that are drawn are scikit-learn's, ties included, to the bit."""

import numpy as np
import pytest
from sklearn.metrics import precision_recall_curve, roc_curve

from qcxr.analysis.figures.curves import _precision_recall, _roc


@pytest.mark.parametrize("seed", range(40))
def test_corners_are_those_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 400))
    truth = np.append([0.0, 1.0], rng.random(n) < 0.3).astype(float)
    score = np.round(rng.random(n + 2), int(rng.integers(1, 6)))
    false, true, _ = roc_curve(truth, score, drop_intermediate=False)
    np.testing.assert_array_equal(_roc(truth, score), (false, true))
    precision, recall, _ = precision_recall_curve(truth, score)
    # without the end at recall 0 that no threshold gives
    np.testing.assert_array_equal(_precision_recall(truth, score), (recall[-2::-1], precision[-2::-1]))
