"""The trend over training frequency: against scipy and brute force, and how often it errs."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from qcxr.analysis.outline import Outline
from qcxr.analysis.trend import COLUMNS, correlation, permuted, trend

from .synthetic import LABELS, TRAIN


def study(slope=-0.02, *, labels=LABELS["cxr14"], seeds=4, noise=0.005, heads=("cdl", "dqc"), variants=("",)):
    """Metrics of every run: cdl minus another head is `slope` per tenfold of training films, give or take."""
    rng = np.random.default_rng(0)
    rows = []
    for head, variant, seed, dataset in itertools.product(heads, variants, range(seeds), ("nih", "mimic")):
        for label in labels:
            lead = slope * np.log10(TRAIN[label]) if head == "cdl" else 0
            row = {"task": "cxr14", "head": head, "variant": variant, "seed": seed, "dataset": dataset, "label": label}
            row |= {"metric": "auroc", "value": 0.7 + lead + noise * rng.standard_normal(), "n_positive": 10}
            rows.append(row | {"train_positives": TRAIN[label], "reason": ""})
    frame = pd.DataFrame(rows)
    return frame.drop(columns="variant") if tuple(variants) == ("",) else frame


def differences(metrics, dataset):
    part = metrics[metrics["dataset"] == dataset].pivot_table(index="label", columns="head", values="value")
    counts = metrics.groupby("label")["train_positives"].first()[part.index]
    return np.log10(counts.to_numpy(float)), (part["cdl"] - part["dqc"]).to_numpy()


def test_a_row_is_what_scipy_says_of_the_means():
    metrics = study(-0.01)
    found = trend(metrics, heads=("cdl", "dqc"))
    assert list(found) == [column for column in COLUMNS if column != "variant"] and len(found) == 2
    for row in found.to_dict("records"):
        x, y = differences(metrics, row["dataset"])
        expected = stats.spearmanr(x, y)
        assert row["rho"] == pytest.approx(expected.statistic)
        assert row["p"] == pytest.approx(expected.pvalue, abs=0.02) and not row["exact"]
        line = stats.theilslopes(y, x)
        assert (row["slope"], row["slope_low"], row["slope_high"]) == pytest.approx((line[0], line[2], line[3]))
        reach = 1.959964 * np.sqrt((1 + row["rho"] ** 2 / 2) / (14 - 3))
        assert np.arctanh([row["rho_low"], row["rho_high"]]) - np.arctanh(row["rho"]) == pytest.approx([-reach, reach])
        part = metrics[metrics["dataset"] == row["dataset"]].pivot(
            index="label", columns=["head", "seed"], values="value"
        )
        singles = [stats.spearmanr(x, part["cdl"][s] - part["dqc"][s]).statistic for s in range(4)]
        interval = stats.ttest_1samp(singles, 0).confidence_interval()
        assert (row["seeds_low"], row["seeds_high"]) == pytest.approx(tuple(np.clip(interval, -1, 1)))


@pytest.mark.parametrize("ties", [False, True])
def test_p_counts_all_orders_of_few_labels(ties):
    rng = np.random.default_rng(1)
    for _ in range(5):
        x, y = rng.random(6), rng.random(6)
        y = y.round(0) + (np.arange(6) == 2) if ties else y
        seen = stats.spearmanr(x, y).statistic
        orders = np.array([stats.spearmanr(x[list(order)], y).statistic for order in itertools.permutations(range(6))])
        expected = min(1, 2 * min((orders >= seen - 1e-9).mean(), (orders <= seen + 1e-9).mean()))
        assert permuted(x, y) == (pytest.approx(expected), True)


def test_the_papers_labels_find_what_statistics_books_do():
    """Spearman's own table: at n = 8, |rho| = 0.738 is the two-sided critical value of 5 %, 0.881 of 1 %."""
    x = np.arange(8.0)
    for order, critical, level in (([2, 1, 0, 4, 3, 7, 5, 6], 0.738, 0.05), ([1, 0, 2, 3, 5, 4, 7, 6], 0.881, 0.01)):
        y = np.array(order, float)
        p, _ = permuted(x, y)
        assert (p <= level) == (abs(stats.spearmanr(x, y).statistic) >= critical - 5e-4)


def test_error_rates_and_coverage_hold():
    """1,000 draws: 5 % false alarms, give or take, whatever the tails of the differences; 95 % of intervals hold."""
    rng = np.random.default_rng(0)
    for n in (6, 8, 14, 19):
        counts = np.log10(rng.integers(50, 20_000, n))
        p = np.array([permuted(counts, rng.standard_t(2, n))[0] for _ in range(1000)])
        assert (p < 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
        assert (p < 0.05).mean() > (0.02 if n < 8 else 0.035)
    normal = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], (1000, 19))
    true = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's of a normal pair
    inside = [(f := correlation(*draw.T))["rho_low"] < true < f["rho_high"] for draw in normal]
    assert 0.925 < np.mean(inside) < 0.975


def test_too_few_labels_or_no_training_counts_have_a_reason():
    few = trend(study(labels=LABELS["cxr8"][:4]), heads=("cdl", "dqc"))
    assert few["rho"].isna().all() and few["reason"].str.startswith("4 labels with a difference").all()
    unknown = study().assign(train_positives=pd.NA)
    found = trend(unknown, heads=("cdl", "dqc"))
    assert found["reason"].str.endswith("training films are not known").all() and (found["n_labels"] == 0).all()
    assert trend(study().drop(columns="train_positives"), heads=("cdl", "dqc"))["p"].isna().all()
    lost = study()
    lost.loc[(lost["label"] == "Hernia") & (lost["seed"] == 1), "value"] = np.nan
    assert (trend(lost, heads=("cdl", "dqc"))["n_labels"] == 13).all()
    assert not len(trend(study(), heads=("cdl",)))


def test_every_pair_and_variant_has_its_row():
    metrics = study(heads=("cdl", "dqc", "mlp"), variants=("a", "b"))
    outline = Outline.of_runs(zip(metrics["head"], metrics["variant"], strict=True))
    found = trend(metrics, heads=("cdl", "dqc", "mlp"), against=("cdl", "dqc"), outline=outline)
    assert len(found) == 3 * 2 * 2 and set(found["variant"]) == {"a", "b"}
    alone = trend(metrics[metrics["variant"] == "b"].drop(columns="variant"), heads=("cdl", "dqc"))
    both = found[(found["variant"] == "b") & (found["head_b"] == "dqc")]
    assert both["rho"].to_list() == pytest.approx(alone["rho"].to_list())
