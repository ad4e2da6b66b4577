"""Comparisons against scipy and statsmodels, and the cases in which a p-value does not exist."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import DescrStatsW

from qcxr.analysis import paired, statistics, verdict
from qcxr.analysis.inference import Inference
from qcxr.errors import InputError

LABELS = [f"label {i}" for i in range(6)]


def tidy(values, *, task="cxr8", dataset="nih", metric="auroc"):
    """values {(head, label): one value per seed} -> tidy metrics."""
    return pd.DataFrame([
        {"task": task, "head": head, "seed": seed, "dataset": dataset, "label": label, "metric": metric, "value": value,
         "n": 100, "n_positive": 10, "reason": "no positives" if np.isnan(value) else "", "n_labels": pd.NA}
        for (head, label), run in values.items() for seed, value in enumerate(run)
    ])  # fmt: skip


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    a = {("cdl", label): 0.75 + 0.03 * rng.standard_normal(5) for label in [*LABELS, "mean"]}
    b = {("dqc", label): a["cdl", label] - 0.02 * k + 0.02 * rng.standard_normal(5) for k, (_, label) in enumerate(a)}
    return a | b


def test_paired_statistics_equal_scipy_and_statsmodels(values):
    frame = statistics.compare(tidy(values)).set_index("label")
    assert list(frame.index) == [*LABELS, "mean"]
    for label in frame.index:
        a, b, row = values["cdl", label], values["dqc", label], frame.loc[label]
        expected = stats.ttest_rel(a, b)
        assert row["t"] == pytest.approx(expected.statistic, rel=1e-10)
        assert row["p"] == pytest.approx(expected.pvalue, rel=1e-10)
        low, high = DescrStatsW(a - b).tconfint_mean(0.05)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), rel=1e-9)
        assert row["d_z"] == pytest.approx(np.mean(a - b) / np.std(a - b, ddof=1))
        assert row["shapiro_p"] == pytest.approx(stats.shapiro(a - b).pvalue)
        assert row["wilcoxon_p"] == pytest.approx(stats.wilcoxon(a, b).pvalue)
        assert row["percent_difference"] == pytest.approx(200 * (a.mean() - b.mean()) / (a.mean() + b.mean()))
        assert (row["sd_a"], row["df"], row["n_seeds"]) == (pytest.approx(np.std(a, ddof=1)), 4, 5)
    labels = frame.loc[LABELS]
    for column, method in (("p_holm", "holm"), ("p_bh", "fdr_bh")):
        np.testing.assert_allclose(labels[column], multipletests(labels["p"], method=method)[1], rtol=1e-12)
    assert np.isnan(frame.loc["mean", "p_holm"])  # a mean is not one more label of the family


def test_row_order_never_matters_and_families_are_apart(values):
    both = pd.concat([tidy(values), tidy({k: v[::-1] for k, v in values.items()}, dataset="mimic")])
    first = statistics.compare(both)
    key = ["task", "dataset", "label"]
    shuffled = statistics.compare(both.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(
        first.sort_values(key, ignore_index=True), shuffled.sort_values(key, ignore_index=True), check_exact=True
    )
    alone = statistics.compare(tidy(values)).query("label != 'mean'")  # means are a family of all data sets
    pd.testing.assert_frame_equal(
        first.query("dataset == 'nih' and label != 'mean'").reset_index(drop=True), alone.reset_index(drop=True)
    )


def test_paper_percentages_follow_from_equation_4():
    assert statistics.percent_difference(0.77, 0.70) == pytest.approx(9.52, abs=0.005)
    assert statistics.percent_difference(0.70, 0.77) == pytest.approx(-9.52, abs=0.005)
    assert np.isnan(statistics.percent_difference(0.0, 0.0))


@pytest.mark.parametrize(
    ("p", "said"), [(0.05, "ns"), (0.049, "*"), (0.01, "*"), (0.0099, "**"), (0.00099, "***"), (np.nan, "")]
)
def test_marks(p, said):
    assert verdict.mark(p) == said


def test_what_has_no_p_value_says_why(values):
    values["dqc", "label 0"] = values["cdl", "label 0"] - 0.1  # equal but for rounding
    values["dqc", "label 1"] = np.full(5, np.nan)
    frame = statistics.compare(tidy(values)).set_index("label")
    assert np.isnan(frame.loc["label 0", "p"])
    assert frame.loc["label 0", "reason"] == "all differences are equal: the t-test is undefined"
    assert frame.loc["label 0", "difference"] == pytest.approx(0.1)
    assert frame.loc["label 1", "reason"] == "no positives" and np.isnan(frame.loc["label 1", "difference"])
    rest = frame.loc[LABELS[2:]]
    np.testing.assert_allclose(rest["p_holm"], multipletests(rest["p"], method="holm")[1])

    one = tidy({key: run[:1] for key, run in values.items()})
    frame = statistics.compare(one)
    assert frame["p"].isna().all()
    assert frame.set_index("label").loc["mean", "reason"] == "one seed: a paired test needs at least two"
    two = statistics.compare(tidy({key: run[:2] for key, run in values.items()})).set_index("label")
    assert two.loc["label 2", "p"] > 0 and np.isnan(two.loc["label 2", "shapiro_p"])


def test_zero_and_tied_differences_do_not_break_wilcoxon():
    result = paired.paired_test(np.array([0.0, 0.1, 0.1, -0.1, 0.2]))
    assert 0 < result["wilcoxon_p"] <= 1 and result["reason"] == ""
    # zeros say nothing of a side: those of 14 differences are left out, and what is left has its exact p, every time
    some = np.append([0.0, 0.0, 0.0], np.random.default_rng(3).normal(0.5, 1.0, 11))
    expected = stats.wilcoxon(some[3:], method="exact").pvalue
    assert {paired.paired_test(some)["wilcoxon_p"] for _ in range(3)} == {expected}


def test_more_heads_are_paired_with_the_first(values):
    more = values | {("matrix", label): values["cdl", label] + 0.01 * np.arange(5) for label in [*LABELS, "mean"]}
    frame = statistics.compare(tidy(more), heads=("cdl", "dqc", "matrix"))
    assert list(frame["head_b"].unique()) == ["dqc", "matrix"]
    pd.testing.assert_frame_equal(
        frame.query("head_b == 'dqc' and label != 'mean'"), statistics.compare(tidy(values)).query("label != 'mean'")
    )


def test_bad_input_is_refused(values):
    frame = tidy(values)
    with pytest.raises(
        InputError, match=r"task cxr8, data set nih: heads must have the same seeds .* dqc has \[0, 1, 2, 3\]"
    ):
        statistics.compare(frame[~((frame["head"] == "dqc") & (frame["seed"] == 4))])
    with pytest.raises(InputError, match="must score the same labels once, got 9 values of label 3 for 10 runs"):
        statistics.compare(frame.drop(index=frame[frame["label"] == "label 3"].index[0]))
    with pytest.raises(InputError, match="no metrics for heads quantum, got cdl, dqc"):
        statistics.compare(frame, heads=("cdl", "quantum"))
    with pytest.raises(InputError, match="heads must be different ones, at least one, got"):
        statistics.compare(frame, heads=("cdl", "cdl"))
    with pytest.raises(InputError, match=r"alpha must be in \(0, 1\), got 5"):
        Inference(alpha=5)
