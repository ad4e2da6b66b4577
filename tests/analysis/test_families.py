"""Families of p against statsmodels, and how often they claim what is not there."""

import gc

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from qcxr.analysis import families, statistics
from qcxr.analysis.inference import METHODS, Inference

from .test_inference import LABELS, scored


def correlated(rng, *, replicates, labels, seeds, shift=0.0):
    """Differences of labels that share half of their variance over seeds."""
    common = rng.standard_normal((replicates, 1, seeds))
    return shift + np.sqrt(0.5) * (common + rng.standard_normal((replicates, labels, seeds)))


@pytest.fixture(scope="module")
def compared():
    return statistics.compare(scored(), heads=("cdl", "dqc", "mlp"))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("family", "size"), [("labels", 5), ("pairs", 10), ("study", 40)])
def test_families_are_adjusted_as_statsmodels_does(compared, method, family, size):
    made = families.adjust(compared, compared["p"], Inference(adjust=method, family=family))
    tests = compared.assign(p_adjusted=made["p_adjusted"])
    keys = {"labels": ["task", "dataset", "head_b"], "pairs": ["task", "dataset"], "study": ["metric"]}[family]
    for group, expected in (
        (tests[tests["label"].isin(LABELS)].groupby(keys), size),
        (tests[tests["label"] == "mean"].groupby("metric"), 8),
        (tests[tests["label"].isin(["mean_head", "mean_tail"])].groupby("metric"), 16),
    ):
        for _, part in group:
            assert len(part) == expected
            judge = part["p"] if method == "none" else multipletests(part["p"], method=METHODS[method])[1]
            np.testing.assert_allclose(part["p_adjusted"], judge, rtol=1e-12)


def test_holm_of_our_own_is_statsmodels_to_the_bit_and_leaves_the_collector_alone(monkeypatch):
    rng, collected = np.random.default_rng(5), []
    with monkeypatch.context() as patch:
        patch.setattr(gc, "collect", lambda *given: collected.append(given))
        frozen = gc.get_freeze_count()
        families.adjusted(rng.random(19), "holm")
        assert gc.get_freeze_count() == frozen and not collected
    for size in [1, 2, 3, 8, 19, 50] * 2:
        p = np.where(rng.random(size) < 0.3, 0.02, rng.random(size) ** 3)  # with ties
        assert families.adjusted(p, "holm").tolist() == multipletests(p, method="holm")[1].tolist()
        lost = np.append(p, np.nan)
        assert families.adjusted(lost, "holm")[:-1].tolist() == families.adjusted(p, "holm").tolist()
        assert np.isnan(families.adjusted(lost, "holm")[-1])


@pytest.mark.parametrize(("method", "labels"), [("holm", 8), ("hochberg", 8), ("bonferroni", 19)])
def test_a_family_without_any_effect_rarely_claims_one(method, labels):
    """Chance of one false claim among all labels at most alpha, within three Monte Carlo errors."""
    rng, replicates = np.random.default_rng(1), 3000
    draws = correlated(rng, replicates=replicates, labels=labels, seeds=5)
    p = stats.ttest_1samp(draws, 0, axis=2).pvalue
    found = np.mean([families.adjusted(one, method).min() < 0.05 for one in p])
    assert np.mean(p.min(axis=1) < 0.05) > 0.15  # raw p claim one far more often
    assert found <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / replicates)


def test_false_discoveries_are_a_small_share():
    rng, replicates = np.random.default_rng(2), 2000
    draws = correlated(rng, replicates=replicates, labels=14, seeds=5)
    draws[:, :4] += 3.0
    p = stats.ttest_1samp(draws, 0, axis=2).pvalue
    shares = []
    for one in p:
        claimed = families.adjusted(one, "bh") < 0.05
        shares.append(claimed[4:].sum() / max(claimed.sum(), 1))
    assert np.mean(shares) <= 0.05 * 10 / 14 + 3 * np.std(shares) / np.sqrt(replicates)
