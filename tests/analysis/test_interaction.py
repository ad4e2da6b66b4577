"""Head x key: by hand, against statsmodels' regression, and how often it errs."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.multitest import multipletests

from qcxr.analysis.interaction import COLUMNS, EQUAL, _overall, interaction
from qcxr.analysis.outline import Outline

LOSSES = ("bce", "focal", "balanced")


def outline(heads=("cdl", "dqc", "mlp"), *, plain=(), losses=LOSSES):
    """Heads that are trained with each loss, but for `plain` ones, which have none."""
    return Outline.from_json({
        "heads": dict.fromkeys(heads, ""),
        "axes": {"train.loss": list(losses)},
        "variants": {name: {"train.loss": name} for name in losses},
        "arms": [
            *({"head": head, "variant": "", "at": {}} for head in heads if head in plain),
            *({"head": head, "variant": loss, "at": {"train.loss": loss}}
              for head in heads if head not in plain for loss in losses),
        ],
        "base": losses[0],
    })  # fmt: skip


def scored(study, *, seeds=5, lift=0.0, metric="auroc"):
    """Metrics of the runs of an outline; dqc gains `lift` with the second loss."""
    rng = np.random.default_rng(0)
    rows = []
    for arm, seed, label in itertools.product(study.arms, range(seeds), ("mean", "mean_tail", "Mass")):
        value = 0.7 + 0.02 * rng.standard_normal() + lift * (arm.head == "dqc" and arm.variant == LOSSES[1])
        row = {"task": "cxr8", "dataset": "nih", "metric": metric, "label": label, "head": arm.head, "seed": seed}
        rows.append(row | {"variant": arm.variant, "value": value, "reason": ""})
    return pd.DataFrame(rows)


def cell(metrics, head, loss, label="mean"):
    rows = metrics[(metrics["head"] == head) & metrics["variant"].isin([loss, ""]) & (metrics["label"] == label)]
    return rows.sort_values("seed")["value"].to_numpy()


def test_a_change_is_a_paired_t_test_of_differences():
    study = outline()
    metrics = scored(study, lift=0.1)
    found = interaction(metrics, study, heads=("cdl", "dqc", "mlp"), against=("cdl",))
    assert list(found) == list(COLUMNS)
    assert found["kind"].value_counts().to_dict() == {"value": 2 * 2 * 2, "pair": 2 * 2, "all": 2}
    values = found[(found["kind"] == "value") & (found["label"] == "mean_tail")]
    for row in values.to_dict("records"):
        a, b = ({loss: cell(metrics, row[h], loss, "mean_tail") for loss in LOSSES} for h in ("head_a", "head_b"))
        expected = stats.ttest_rel(a[row["at"]] - b[row["at"]], a["bce"] - b["bce"])
        assert (row["t"], row["p"], row["df"]) == pytest.approx((expected.statistic, expected.pvalue, 4))
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(expected.confidence_interval()))
        assert row["change"] == pytest.approx(row["difference"] - row["difference_first"])
    assert values["p_adjusted"].to_list() == pytest.approx(multipletests(values["p"], method="holm")[1])
    focal = values[(values["head_b"] == "dqc") & (values["at"] == "focal")].iloc[0]
    assert focal["change"] == pytest.approx(-0.1, abs=0.05) and focal["p_adjusted"] < 0.05


def test_f_is_that_of_a_regression_with_all_blocks():
    """The stratum of seed x head x value: interaction against residual of a model that has all lower terms."""
    study = outline()
    metrics = scored(study, lift=0.03)
    found = interaction(metrics, study, heads=("cdl", "dqc", "mlp"))
    part = metrics[metrics["label"] == "mean"]
    for heads, row in (
        (("cdl", "dqc"), found.query("kind == 'pair' and head_b == 'dqc' and label == 'mean'").iloc[0]),
        (("cdl", "dqc", "mlp"), found.query("kind == 'all' and label == 'mean'").iloc[0]),
    ):
        frame = part[part["head"].isin(heads)]
        lower = "value ~ C(head)*C(seed) + C(variant)*C(seed)"
        small, large = (smf.ols(text, frame).fit() for text in (lower, lower + " + C(head):C(variant)"))
        f, p, df = large.compare_f_test(small)
        assert (row["f"], row["p"], row["df_effect"]) == pytest.approx((f, p, df))
        assert row["df_error"] == large.df_resid
        table = AnovaRM(frame, "value", "seed", within=["head", "variant"]).fit().anova_table.loc["head:variant"]
        assert (row["f"], row["p"]) == pytest.approx((table["F Value"], table["Pr > F"]))
    two = outline(losses=LOSSES[:2])
    pair = interaction(scored(two), two, heads=("cdl", "dqc")).query("label == 'mean'").set_index("kind")
    assert pair.loc["pair", "f"] == pytest.approx(pair.loc["value", "t"] ** 2)


def test_a_head_without_the_key_stands_at_every_value():
    study = outline(plain=("cdl", "mlp"))
    metrics = scored(study)
    found = interaction(metrics, study, heads=("cdl", "dqc", "mlp"))
    assert set(found["head_b"]) == {"dqc"} and "all" not in set(found["kind"])
    row = found.query("kind == 'value' and at == 'focal' and label == 'mean'").iloc[0]
    expected = stats.ttest_rel(cell(metrics, "dqc", "bce"), cell(metrics, "dqc", "focal"))
    assert row["p"] == pytest.approx(expected.pvalue)


def test_false_alarms_of_f_are_as_many_as_promised():
    rng = np.random.default_rng(0)
    p = np.array([_overall(rng.standard_normal((2, 3, 5)) + rng.standard_normal(5))["p"] for _ in range(2000)])
    assert abs((p < 0.05).mean() - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_what_cannot_be_tested_has_a_reason():
    study = outline(("cdl", "dqc"))
    one = interaction(scored(study, seeds=1), study, heads=("cdl", "dqc"))
    assert one["reason"].eq("1 seeds with a mean at all 3 values: needs 2").all() and one["p"].isna().all()
    metrics = scored(study)
    alike = metrics.assign(value=metrics["head"].map({"cdl": 0.7, "dqc": 0.6}) + metrics["variant"].str.len() / 100)
    assert interaction(alike, study, heads=("cdl", "dqc"))["reason"].eq(EQUAL).all()
    lost = metrics.copy()
    lost.loc[(lost["seed"] == 2) & (lost["variant"] == "focal") & (lost["head"] == "cdl"), "value"] = np.nan
    assert (interaction(lost, study, heads=("cdl", "dqc"))["n_seeds"] == 4).all()
    missing = metrics[~((metrics["variant"] == "focal") & (metrics["head"] == "dqc"))]
    assert (interaction(missing, study, heads=("cdl", "dqc"))["n_seeds"] == 0).all()
    assert not len(interaction(metrics.drop(columns="variant"), Outline(), heads=("cdl", "dqc")))
    assert not len(interaction(metrics, study, heads=("cdl",)))
