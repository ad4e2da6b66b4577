"""Families, bases, power and equivalence against statsmodels and by simulation."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from qcxr.analysis import components, paired, power, statistics
from qcxr.analysis.inference import Inference
from qcxr.errors import InputError

LABELS = [f"label {k}" for k in range(5)]
ALL = [*LABELS, "mean", "mean_head", "mean_tail"]
CASES = list(itertools.product(("cxr8", "cxr19"), ("nih", "mimic")))


def scored(*, seeds=5, heads=("cdl", "dqc", "mlp"), spread=0.02):
    """Metrics of every run; heads lie 0.02 apart, give or take."""
    rng = np.random.default_rng(0)
    rows = []
    for task, dataset in CASES:
        for (k, head), seed, label in itertools.product(enumerate(heads), range(seeds), ALL):
            value = 0.8 - 0.02 * k + spread * rng.standard_normal()
            keys = {"task": task, "head": head, "seed": seed, "dataset": dataset, "label": label, "metric": "auroc"}
            rows.append(keys | {"value": value, "n": 100, "n_positive": 10, "reason": "", "n_labels": 5})
    return pd.DataFrame(rows)


def patients_of(metrics, pairs=(("cdl", "dqc"), ("cdl", "mlp")), **changes):
    """Rows as the rule `patients` writes them, with variances of their own for every label."""
    wide = metrics.pivot(index=["task", "dataset", "metric", "label", "seed"], columns="head", values="value")
    rows = []
    for k, (place, part) in enumerate(wide.groupby(level=[0, 1, 2, 3], sort=False)):
        for first, other in pairs:
            row = dict(zip(("task", "dataset", "metric", "label"), place, strict=True))
            row |= {"kind": "difference", "head": first, "head_b": other, "n_seeds": len(part), "n_patients": 900}
            row |= {"positive_patients": 40, "value": (part[first] - part[other]).mean(), "reason": ""}
            rows.append(row | {"patients_variance": (0.004 + 0.0001 * k) ** 2, "shared_variance": 1e-5 + 1e-8 * k})
    return pd.DataFrame(rows).assign(patients_df=39.0, **changes)


@pytest.fixture(scope="module")
def compared():
    return statistics.compare(scored(), heads=("cdl", "dqc", "mlp"))


def test_marks_and_significance_follow_the_adjusted_p(compared):
    rules = Inference(adjust="bonferroni", family="study", alpha=0.01)
    tests = statistics.compare(scored(), heads=("cdl", "dqc", "mlp"), inference=rules)
    labels = tests[tests["label"].isin(LABELS)]
    np.testing.assert_allclose(labels["p_adjusted"], np.minimum(labels["p"] * len(labels), 1), rtol=1e-12)
    assert (tests["significant"] == (tests["p_adjusted"] < 0.01)).all() and tests["significant"].nunique() == 2
    cuts = [0, 0.001, 0.01, 0.05, np.inf]
    for column, p in (("mark", "p_adjusted"), ("mark_raw", "p")):
        assert (tests[column] == pd.cut(tests[p], cuts, labels=["***", "**", "*", "ns"], right=False)).all()
    unlike = ["p_adjusted", "mark", "significant", "detectable", "power_margin", "equivalent", "reading"]
    pd.testing.assert_frame_equal(tests.drop(columns=unlike), compared.drop(columns=unlike))  # nothing else does


def test_the_basis_is_the_widest_test_there_is():
    metrics = scored()
    given = patients_of(metrics)
    given.loc[given["label"] == "label 1", ["patients_variance", "shared_variance", "patients_df"]] = np.nan
    both = statistics.compare(metrics, heads=("cdl", "dqc", "mlp"), patients=given)
    # what patients vary is not known of it: it has no test, not a laxer one than its neighbours
    unknown = both[both["label"] == "label 1"]
    assert set(unknown["basis"]) == {""} and unknown["p"].notna().all() and unknown["p_adjusted"].isna().all()
    assert not unknown["significant"].any() and set(unknown["mark"]) == {""} and unknown["detectable"].isna().all()
    assert set(both.loc[both["label"] != "label 1", "basis"]) == {"seeds and patients"}
    papers = statistics.compare(metrics, patients=given, inference=Inference(inference="seeds"))
    assert set(papers["basis"]) == {"seeds"} and papers["p_total"].notna().any()
    one = scored(seeds=1)
    alone = statistics.compare(one, patients=patients_of(one))
    assert set(alone["basis"]) == {"patients"} and alone["p"].isna().all() and alone["total_se"].isna().all()
    assert (alone["p_adjusted"] >= alone["p_patients"]).all() and alone["detectable"].gt(0).all()
    # by the t distribution of its own degrees of freedom, as its p is
    row = alone[alone["label"] == "mean"].iloc[0]
    shift, critical = row["detectable"] / row["patients_se"], stats.t.isf(0.025, row["patients_df"])
    found = stats.nct.sf(critical, row["patients_df"], shift) + stats.nct.cdf(-critical, row["patients_df"], shift)
    assert found == pytest.approx(0.8, abs=1e-6) and np.isfinite(row["patients_df"])
    assert set(statistics.compare(one)["basis"]) == {""} and not statistics.compare(one)["significant"].any()


def test_intervals_are_those_of_the_components():
    metrics = scored()
    given = patients_of(metrics)
    tests = statistics.compare(metrics, patients=given)
    row = tests.query("task == 'cxr19' and dataset == 'mimic' and label == 'label 2'").iloc[0]
    of = given.query("task == 'cxr19' and dataset == 'mimic' and label == 'label 2' and head_b == 'dqc'").iloc[0]
    wide = metrics.query("task == 'cxr19' and dataset == 'mimic' and label == 'label 2'").pivot(
        index="seed", columns="head", values="value"
    )
    difference = wide["cdl"] - wide["dqc"]
    whole = components.over_both(
        difference.mean(),
        seed_variance=difference.var(ddof=1),
        n_seeds=5,
        shared_variance=of["shared_variance"],
        patients_df=39.0,
        patients_variance=of["patients_variance"],
    )
    assert (row["total_low"], row["total_high"], row["p_total"], row["total_df"]) == pytest.approx(
        (whole.low, whole.high, whole.p, whole.df), rel=1e-12
    )
    low, high = stats.t.interval(0.95, 39.0, difference.mean(), np.sqrt(of["patients_variance"]))
    assert (row["patients_low"], row["patients_high"]) == pytest.approx((low, high), rel=1e-10)
    assert (row["n_patients"], row["n_positive"]) == (900, 10)
    # a pair may stand in the file the other way round
    turned = given.assign(head=given["head_b"], head_b=given["head"], value=-given["value"])
    pd.testing.assert_frame_equal(statistics.compare(metrics, patients=turned), tests)
    with pytest.raises(InputError, match="patients of cxr8, nih, auroc, label 0, cdl: the value must be that of the"):
        statistics.compare(metrics, patients=given.assign(value=given["value"] + 0.01))
    with pytest.raises(InputError, match="patients' columns are missing: shared_variance"):
        statistics.compare(metrics, patients=given.drop(columns="shared_variance"))


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_power_and_detectable_difference_are_statsmodels(n):
    sd, df = 0.02, np.array([n - 1.0])
    se = np.array([sd / np.sqrt(n)])
    judge = TTestPower()
    assert power.power(np.array([0.01]), se, df, alpha=0.05).item() == pytest.approx(judge.power(0.5, n, 0.05))
    found = power.detectable(se, df, alpha=0.05, power=0.8).item() / sd
    assert found == pytest.approx(judge.solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-6)
    if n == 5:
        assert found == pytest.approx(1.682, abs=5e-4)


@pytest.mark.parametrize("df", [1.7, 4.4, 31.0])
@pytest.mark.parametrize("shift", [0.5, 3.0, 12.0, 60.0])
def test_power_is_the_integral_over_the_standard_error(df, shift):
    """Also of degrees of freedom that are no whole number, and far from 0, where scipy's other tail may be NaN."""
    critical = stats.t.isf(0.025, df)

    def given(scale):
        found = stats.norm.sf(critical * scale - shift) + stats.norm.cdf(-critical * scale - shift)
        return found * stats.chi.pdf(scale * np.sqrt(df), df) * np.sqrt(df)

    expected, _ = integrate.quad(given, 0, 30, points=[1, shift / critical], limit=400)
    found = power.power(np.array([shift]), np.array([1.0]), np.array([df]), alpha=0.05)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_of_any_degrees_of_freedom_a_difference_can_be_detected():
    """Also where the search for it meets a shift at which scipy has no other tail."""
    df = np.linspace(1.2, 40, 2000)
    found = power.detectable(np.full(2000, 0.01), df, alpha=0.05, power=0.8)
    assert (np.diff(found) < 0).all() and not np.isnan(found).any()
    reached = stats.nct.sf(stats.t.isf(0.025, df), df, found / 0.01)
    np.testing.assert_allclose(reached, 0.8, atol=1e-6)


def test_a_normal_test_has_normal_power():
    found = power.detectable(np.array([0.01, np.nan, 0.01]), np.array([np.inf, 3.0, np.nan]), alpha=0.05, power=0.8)
    assert found[0] == pytest.approx(0.01 * (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)), rel=1e-4)
    assert np.isnan(found[1:]).all()


def test_equivalence_is_statsmodels_tost():
    tests = statistics.compare(scored(spread=0.006), inference=Inference(margin=0.03))
    assert tests["equivalent"].any() and not tests["equivalent"].all()
    frame = scored(spread=0.006).set_index(["task", "dataset", "label", "head", "seed"])["value"].sort_index()
    for row in tests.to_dict("records"):
        a, b = (frame[row["task"], row["dataset"], row["label"], head].to_numpy() for head in ("cdl", "dqc"))
        assert row["p_equivalent"] == pytest.approx(ttost_paired(a, b, -0.03, 0.03)[0], rel=1e-9)
        assert row["equivalent"] == (row["p_equivalent"] < 0.05)
        assert row["welch_p"] == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
        judge = TTestPower().power(0.03 / np.std(a - b, ddof=1), 5, 0.05)
        if np.isfinite(judge):  # of some whose power is nearly 1 it has none
            assert row["power_margin"] == pytest.approx(judge, rel=1e-6)
    assert tests["power_margin"].between(0, 1).all()


def test_hedges_correction():
    """J of Hedges 1981, table 2; and g_z without bias where d_z is too large by 1 / J."""
    published = {2: 0.5642, 4: 0.7979, 9: 0.9139, 19: 0.9599}
    for df, factor in published.items():
        assert paired.hedges_factor(df) == pytest.approx(factor, abs=5e-4)
    assert np.isnan(paired.hedges_factor(1))
    draws = np.random.default_rng(0).normal(1.0, 1.0, (100_000, 5))
    d_z = draws.mean(axis=1) / draws.std(axis=1, ddof=1)
    assert d_z.mean() == pytest.approx(1 / 0.7979, abs=0.02) and (
        paired.hedges_factor(4) * d_z
    ).mean() == pytest.approx(1.0, abs=0.02)


def test_what_shapiro_rejects_is_said_with_what_to_read_instead():
    five = paired.paired_test(np.array([0.01, 0.0101, 0.0099, 0.01005, 0.2]))
    assert five["shapiro_p"] < 0.05 and five["wilcoxon_floor"] == 0.0625
    assert paired.reading(five, 5, 0.05).endswith(
        "5 seeds are too few for a rank test (its p cannot go below 0.0625); look at the single differences"
    )
    seven = paired.paired_test(np.array([0.01, 0.0101, 0.0099, 0.01005, 0.0098, 0.0102, 0.2]))
    assert "read Wilcoxon's signed-rank test (p 0.016) instead" in paired.reading(seven, 7, 0.05)
    assert paired.reading(paired.paired_test(np.array([0.01, 0.02, 0.03])), 3, 0.05) == ""
    for n in (3, 5, 6):  # the floor is what equal signs give
        assert paired.wilcoxon_floor(n) == stats.wilcoxon(np.arange(1, n + 1), method="exact").pvalue


def test_tied_differences_have_the_p_of_all_signs():
    difference = np.array([0.02, 0.02, 0.01, -0.01, 0.03])
    ranks = np.sign(difference) * stats.rankdata(np.abs(difference))
    signs = np.array(list(itertools.product([-1, 1], repeat=5)))
    sums = (signs * np.abs(ranks)).sum(axis=1)
    expected = np.mean(np.abs(sums) >= abs(ranks.sum()))
    assert paired.paired_test(difference)["wilcoxon_p"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"alpha": 5}, r"alpha must be in \(0, 1\), got 5; set analysis.alpha"),
        ({"power": 0.01}, r"power must be above alpha \(0.05\), got 0.01; set analysis.power"),
        ({"margin": 0.0}, r"margin must be > 0, got 0.0; set analysis.margin"),
    ],
)
def test_rules_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        Inference(**changes)


def test_rules_are_the_configurations_keys():
    from qcxr.study.analysis import Analysis

    section = Analysis(alpha=0.01, adjust="by", family="pairs", margin=0.03, power=0.9, inference="seeds")
    rules = Inference.of(section)
    assert rules == Inference(0.01, "seeds", "by", "pairs", 0.03, 0.9)
    assert Inference.of(dataclasses.asdict(rules)) == rules


def test_heads_that_differ_by_the_margin_are_rarely_called_equivalent():
    rng, replicates, n = np.random.default_rng(3), 40_000, 5
    draws = 0.01 + 0.004 * rng.standard_normal((replicates, n))
    se = draws.std(axis=1, ddof=1) / np.sqrt(n)
    p = power.equivalence(draws.mean(axis=1), se, np.full(replicates, n - 1.0), margin=0.01)
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / replicates))


@pytest.mark.parametrize("n", [3, 5, 20])
def test_the_detectable_difference_is_found_as_often_as_said(n):
    rng, replicates, sd = np.random.default_rng(4), 40_000, 0.02
    true = power.detectable(np.array([sd / np.sqrt(n)]), np.array([n - 1.0]), alpha=0.05, power=0.8).item()
    p = stats.ttest_1samp(true + sd * rng.standard_normal((replicates, n)), 0, axis=1).pvalue
    assert np.mean(p < 0.05) == pytest.approx(0.8, abs=3 * np.sqrt(0.8 * 0.2 / replicates))
