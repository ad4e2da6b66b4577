"""Calibration slope and intercept against statsmodels, and where they do not exist."""

import numpy as np
import pytest
import statsmodels.api as sm

from qcxr.analysis import metrics, recalibration

from . import synthetic


def by_statsmodels(truth, probability):
    """(slope, intercept with the slope at 1) of two binomial regressions."""
    cut = np.clip(probability, recalibration.EPSILON, 1 - recalibration.EPSILON)
    logit, family = np.log(cut / (1 - cut)), sm.families.Binomial()
    both = sm.GLM(truth, sm.add_constant(logit), family=family).fit(tol=1e-14)
    large = sm.GLM(truth, np.ones((truth.size, 1)), offset=logit, family=family).fit(tol=1e-14)
    return both.params[1], large.params[0]


@pytest.mark.parametrize("seed", range(6))
def test_slope_and_intercept_equal_statsmodels(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.choice([40, 400, 5000]))
    true = rng.normal(-2, 1.5, n)
    truth = (rng.random(n) < 1 / (1 + np.exp(-true))).astype(float)
    stretched = rng.normal(0.5, 1) + rng.uniform(0.3, 6) * true + rng.normal(0, 0.5, n)
    probability = (1 / (1 + np.exp(-stretched))).astype(np.float32).astype(float)  # some are 0 and 1
    slope, intercept = by_statsmodels(truth, probability)
    assert recalibration.slope(truth, probability) == pytest.approx(slope, rel=1e-7)
    assert recalibration.intercept(truth, probability) == pytest.approx(intercept, rel=1e-9, abs=1e-11)


def test_what_is_calibrated_has_slope_one_and_intercept_zero():
    rng = np.random.default_rng(0)
    logit = rng.normal(-3, 1.5, 200_000)
    probability = 1 / (1 + np.exp(-logit))
    truth = (rng.random(logit.size) < probability).astype(float)
    assert recalibration.slope(truth, probability) == pytest.approx(1, abs=0.03)
    assert recalibration.intercept(truth, probability) == pytest.approx(0, abs=0.03)
    doubled, shifted = 1 / (1 + np.exp(-2 * logit)), 1 / (1 + np.exp(-logit + 1.5))
    assert recalibration.slope(truth, doubled) == pytest.approx(recalibration.slope(truth, probability) / 2, rel=1e-4)
    expected = recalibration.intercept(truth, probability) + 1.5
    assert recalibration.intercept(truth, shifted) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("truth", "probability", "said"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.6, 0.7], "a threshold parts"),
        ([0, 0, 1, 1], [0.1, 0.3, 0.3, 0.7], "a threshold parts"),
        ([1, 1, 0, 0], [0.1, 0.3, 0.3, 0.7], "a threshold parts"),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], "constant predictions"),
        ([0, 1, 0, 1], [0.0, 0.0, 1e-9, 1e-8], "constant predictions"),
        ([0, 1, 0, 1], [0.1, 0.3, 0.3, 0.3], "a threshold parts"),
        ([0, 1, 0, 1, 0], [0.1, 0.3, 0.3, 0.3, 0.4], ""),
        ([0, 1, 0, 1], [0.1, 0.2, 0.3, 0.4], ""),
    ],
)
def test_a_slope_is_given_only_where_there_is_one(truth, probability, said):
    truth, probability = np.array(truth, float), np.array(probability)
    reason = recalibration.why_no_slope(truth, probability)
    assert reason.startswith(said) and bool(reason) == bool(said)
    assert np.isfinite(recalibration.intercept(truth, probability))
    if not said:
        assert recalibration.slope(truth, probability) == pytest.approx(by_statsmodels(truth, probability)[0], rel=1e-6)


def test_scores_hold_them_and_their_means():
    truth = synthetic.truth(synthetic.LABELS["cxr8"], empty=("Mass",), films=900)
    table = synthetic.predict(truth, head="cdl", seed=0)
    table["p_Nodule"] = table["p_Nodule"].clip(0.4, 0.4)
    frame = metrics.score(table).set_index(["metric", "label"])
    y, p = table["y_Effusion"].to_numpy(float), table["p_Effusion"].to_numpy(float)
    slope, intercept = by_statsmodels(y, p)
    assert frame.loc[("calibration_slope", "Effusion"), "value"] == pytest.approx(slope)
    assert frame.loc[("calibration_intercept", "Effusion"), "value"] == pytest.approx(intercept)
    assert frame.loc[("calibration_slope", "Nodule"), "reason"] == "constant predictions: no slope"
    assert frame.loc[("brier_skill", "Mass"), "reason"] == "no positives"
    mean = frame.loc[("calibration_slope", "mean")]
    assert mean["reason"] == "over 6 of 8 labels; undefined: Mass, Nodule"
    assert mean["value"] == pytest.approx(frame.loc["calibration_slope"]["value"].drop("mean").mean())
