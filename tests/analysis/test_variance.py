"""Variances over seeds: against least squares and scipy, how often they err, and where the parts come from."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from qcxr.analysis import variance as module
from qcxr.analysis.outline import Outline
from qcxr.analysis.variance import COLUMNS, compared, pitman_morgan, variance

from .test_outline import GRID


def scored(heads=("cdl", "dqc"), *, seeds=5, variants=None, sd=None):
    """Mean AUROC of every run; sd: of each head over seeds."""
    rng = np.random.default_rng(3)
    arms = [(head, variant) for head in heads for variant in (variants or {}).get(head, ("",))]
    rows = []
    for (head, variant), seed, dataset in itertools.product(arms, range(seeds), ("nih", "mimic")):
        row = {"task": "cxr8", "head": head, "variant": variant, "seed": seed, "dataset": dataset, "metric": "auroc"}
        value = 0.8 + (sd or {}).get(head, 0.01) * rng.standard_normal()
        rows += [row | {"label": label, "value": value, "reason": ""} for label in ("mean", "Mass")]
    frame = pd.DataFrame(rows)
    return frame if variants else frame.drop(columns="variant")


def test_the_paired_test_is_a_regression_of_difference_on_sum():
    """Pitman's test is that of the slope of a - b on a + b, and its interval the ratios that are not rejected."""
    rng = np.random.default_rng(0)
    for n in (3, 5, 20):
        both = rng.multivariate_normal([0, 1], [[1, 0.7], [0.7, 2]], n)
        a, b = both.T
        found = pitman_morgan(a, b)
        slope = sm.OLS(a - b, sm.add_constant(a + b)).fit()
        assert found["p_pitman_morgan"] == pytest.approx(slope.pvalues[1])
        assert found["ratio"] == pytest.approx(np.var(a) / np.var(b))
        for border in ("ratio_low", "ratio_high"):
            scaled = b * np.sqrt(found[border])
            assert stats.pearsonr(a + scaled, a - scaled).pvalue == pytest.approx(0.05)


def test_error_rates_hold():
    """1,000 draws of five pairs: 5 % false alarms with correlated heads; Brown-Forsythe is far below with so few."""
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], (1000, 5))
    p = np.array([pitman_morgan(*draw.T)["p_pitman_morgan"] for draw in draws])
    assert abs((p < 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 1000)
    wide = np.mean(
        [(f := pitman_morgan(3 * x, y))["ratio_low"] < 9 < f["ratio_high"] for x, y in draws.transpose(0, 2, 1)]
    )
    assert abs(wide - 0.95) < 3 * np.sqrt(0.05 * 0.95 / 1000)


@pytest.mark.parametrize(("ratio", "correlation"), [(30, 0.0), (7, 0.9)])
def test_what_five_seeds_find_is_what_the_guide_says(ratio, correlation):
    """Power .8, with 2,000 simulated studies (se .009)."""
    rng = np.random.default_rng(2)
    draws = rng.standard_normal((2000, 2, 5))
    wide = np.sqrt(ratio) * draws[:, 0]
    other = correlation * draws[:, 0] + np.sqrt(1 - correlation**2) * draws[:, 1]
    found = [pitman_morgan(a, b)["p_pitman_morgan"] < 0.05 for a, b in zip(wide, other, strict=True)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.03)


def test_what_cannot_be_compared_has_a_reason():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5))
    found = compared(a, b)
    assert found["p_brown_forsythe"] == pytest.approx(stats.levene(a, b, center="median").pvalue)
    assert (found["sd"], found["reading"]) == (pytest.approx(a.std(ddof=1)), module.PAIRED)
    outlier = np.array([0.0, 0.001, 0.002, 0.001, 9.0])
    assert compared(a, outlier)["reading"] == module.UNPAIRED
    assert compared(a[:2], b[:2])["reason"] == "two seeds: variances cannot be compared"
    assert compared(a[:1], b[:1])["reason"].startswith("one seed")
    assert compared(a, np.full(5, 0.3))["reason"] == "a head's values are all equal"
    assert compared(a, np.where(a > 2, a, np.nan))["reason"] == "the mean is undefined"
    assert np.isnan(pitman_morgan(a, a + 0.1)["p_pitman_morgan"])


def test_the_test_to_read_has_a_p():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5))
    shifted = compared(a, a - 0.02)  # the sum's variance is all there is: Pitman-Morgan has no p
    assert np.isnan(shifted["p_pitman_morgan"]) and shifted["reading"] == module.UNPAIRED
    assert shifted["p_brown_forsythe"] == pytest.approx(1.0) and shifted["reason"] == ""
    two = np.array([0.0, 0.0, 1.0, 1.0])  # all equally far from the median: nothing varies within heads
    undefined = compared(two, 1 - two)
    assert (undefined["reading"], undefined["reason"]) == ("", "no test of the variances is defined")
    metrics = scored()
    alike = metrics[metrics["head"] == "cdl"]
    both = pd.concat([alike, alike.assign(head="dqc", value=alike["value"] - 0.02)])
    rows = variance(both, heads=("cdl", "dqc")).query("kind == 'difference'")
    assert (rows["reading"] == module.UNPAIRED).all() and rows["p_adjusted"].notna().all()
    for level, reading in ((0.999, module.UNPAIRED), (0.0, module.PAIRED)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "NORMAL", level)
            assert compared(a, b)["reading"] == reading


def test_rows_hold_each_head_and_each_pair():
    metrics = scored(("cdl", "dqc", "mlp"), sd={"dqc": 0.1})
    found = variance(metrics, heads=("cdl", "dqc", "mlp"), against=("cdl", "dqc"))
    assert list(found) == [column for column in COLUMNS if column != "variant"]
    assert found["kind"].value_counts().to_dict() == {"head": 6, "difference": 6}
    part = metrics.query("dataset == 'nih' and label == 'mean'").pivot(index="seed", columns="head", values="value")
    rows = found[found["dataset"] == "nih"].set_index(["head", "head_b"])
    assert rows.loc[("dqc", ""), "seed_variance"] == pytest.approx(part["dqc"].var())
    pair = rows.loc[("dqc", "mlp")]
    assert (pair["mean"], pair["mean_b"]) == (part["dqc"].mean(), part["mlp"].mean())
    assert pair["seed_variance"] == pytest.approx((part["dqc"] - part["mlp"]).var())
    assert pair["ratio"] == pytest.approx(part["dqc"].var() / part["mlp"].var())


def test_parts_come_from_patients_and_from_a_search():
    metrics = scored()
    patients = pd.DataFrame([
        {"task": "cxr8", "dataset": "nih", "metric": "auroc", "label": label, "kind": kind, "head": "cdl",
         "head_b": other, "shared_variance": value}
        for label, kind, other, value in (
            ("mean", "head", np.nan, 4e-6), ("mean", "difference", "dqc", -1e-9), ("Mass", "head", np.nan, 1.0))
    ])  # fmt: skip
    search = pd.DataFrame({
        "task": "cxr8", "head": ["cdl"] * 4 + ["dqc"] * 4, "metric": "auroc", "trial": [0, 1, 2, 3] * 2,
        "value": [0.7, 0.8, np.nan, 0.6, 0.1, 0.2, 0.3, 0.4],
    })  # fmt: skip
    found = variance(metrics, heads=("cdl", "dqc"), patients=patients, search=search)
    rows = found[found["dataset"] == "nih"].set_index(["head", "head_b"])
    assert rows.loc[("cdl", ""), "patients_variance"] == 4e-6 and rows.loc[("cdl", "dqc"), "patients_variance"] == 0
    assert np.isnan(rows.loc[("dqc", ""), "patients_variance"])
    assert rows.loc[("cdl", ""), "search_variance"] == pytest.approx(0.01) and rows.loc[("cdl", ""), "n_trials"] == 3
    assert np.isnan(rows.loc[("cdl", "dqc"), "search_variance"])


def test_patients_of_the_grid_are_found_for_runs_of_any_variant():
    outline = Outline.from_json(GRID)
    variants = {"dqc": ("l1", "l3"), "noisy": tuple(outline.variants)}
    metrics = scored(("cdl", "dqc", "noisy"), variants=variants)
    rows = []
    for k, name in enumerate(outline.variants):
        for head, other in (("cdl", ""), ("dqc", ""), ("noisy", ""), ("cdl", "noisy"), ("cdl", "dqc")):
            row = {"task": "cxr8", "dataset": "nih", "metric": "auroc", "label": "mean", "variant": name, "head": head}
            layers = outline.variants[name]["head.layers"]
            own = {"cdl": 1.0, "dqc": 10.0 + layers, "noisy": 20.0 + k}[other or head]
            rows.append(row | {"head_b": other, "shared_variance": own, "kind": "difference" if other else "head"})
    found = variance(metrics, heads=("cdl", "dqc", "noisy"), outline=outline, patients=pd.DataFrame(rows))
    here = found[found["dataset"] == "nih"].set_index(["head", "head_b", "variant"])["patients_variance"]
    assert here["cdl", "", ""] == 1 and here["dqc", "", "l3"] == 13 == here["cdl", "dqc", "l3"]
    assert here["cdl", "dqc", "l1"] == 11 and [here["noisy", "", n] for n in outline.variants] == [20, 21, 22, 23]
    assert here["cdl", "noisy", "l3n0"] == 22 and here.notna().all()
