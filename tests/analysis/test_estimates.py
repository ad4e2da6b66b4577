"""Every head's means: their intervals over seeds against scipy, over patients against the rule's own rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from qcxr.analysis import components, estimates, inputs, metrics
from qcxr.analysis.outline import Outline


@pytest.fixture(scope="module")
def found(study):
    return inputs.load("estimates", study.estimates)


def test_there_is_a_row_for_every_head_label_and_mean(study, found):
    assert list(found.columns) == list(estimates.COLUMNS)
    assert len(found) == 2 * 2 * 2 * (8 + 4 + 19 + 4)  # two metrics, heads and test sets
    assert set(found["collapsed"]) == {""}  # read back as texts
    lost = found[(found["label"] == "Pneumomediastinum")]
    assert lost["mean"].isna().all() and (lost["reason"] == "no positives").all()


def test_over_seeds_it_is_scipys_interval(study, found):
    scored = metrics.read_metrics(study.metrics)
    for label in ("Effusion", "mean", "mean_head"):
        key = {"task": "cxr8", "dataset": "mimic", "metric": "average_precision", "label": label, "head": "dqc"}
        query = " and ".join(f"{name} == {value!r}" for name, value in key.items())
        row, values = found.query(query).iloc[0], scored.query(query)["value"]
        low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert (row["seeds_low"], row["seeds_high"]) == pytest.approx((low, high), rel=1e-9)
        assert (row["mean"], row["sd"], row["n_seeds"]) == (
            pytest.approx(values.mean()),
            pytest.approx(values.std(ddof=1)),
            3,
        )


def test_over_patients_it_is_the_rules_variance_and_stays_between_0_and_1(study, found):
    of = inputs.load("patients", study.patients).query("kind == 'head' and metric == 'auroc'")
    of = of.rename(columns={"patients_df": "their_df"})
    joined = found[found["metric"] == "auroc"].merge(of, on=["task", "dataset", "label", "head"])
    joined = joined[joined["patients_variance"] > 0]
    assert len(joined) > 60
    row = joined.iloc[3]
    assert row["patients_se"] == pytest.approx(np.sqrt(row["patients_variance"]))
    reach = stats.t.ppf(0.975, row["their_df"]) * row["patients_se"] / (row["mean"] * (1 - row["mean"]))
    assert row["patients_low"] == pytest.approx(special.expit(special.logit(row["mean"]) - reach))
    known = found[found["total_low"].notna()]
    assert known["total_low"].between(0, known["mean"]).all() and known["total_high"].between(known["mean"], 1).all()
    assert (known["total_se"] >= known["patients_se"] * (1 - 1e-12)).all()
    whole = components.over_both(
        row["mean"],
        seed_variance=row["sd"] ** 2,
        n_seeds=3,
        shared_variance=row["shared_variance"],
        patients_df=row["their_df"],
        patients_variance=row["patients_variance"],
    )
    assert (row["total_se"], row["total_df"]) == (pytest.approx(whole.se), pytest.approx(whole.df))


def test_a_head_without_the_varied_key_finds_its_rows_at_any_variant():
    names = ("data.fraction~0.1", "data.fraction~1")
    arms = [{"head": "cdl"}, *({"head": "dqc", "variant": n, "at": {"data.fraction": float(n[14:])}} for n in names)]
    variants = {name: {"data.fraction": float(name[14:])} for name in names}
    outline = Outline.from_json(
        {"heads": {"cdl": "", "dqc": ""}, "axes": {"data.fraction": [0.1, 1.0]}, "variants": variants, "arms": arms}
    )
    keys = {"task": "cxr8", "dataset": "nih", "metric": "auroc", "label": "Mass", "reason": "", "n_positive": 9}
    runs = [("cdl", ""), *(("dqc", name) for name in names)]
    scored = pd.DataFrame(
        [
            keys | {"head": head, "variant": variant, "seed": seed, "value": 0.7 + 0.01 * seed}
            for head, variant in runs
            for seed in range(3)
        ]
    )
    of = {"kind": "head", "head_b": "", "n_seeds": 3, "n_patients": 99, "positive_patients": 8, "value": 0.71}
    of |= {"patients_df": 7.0, "shared_variance": 1e-5}
    given = pd.DataFrame(
        [
            keys | of | {"head": head, "variant": name, "patients_variance": 1e-4 * (k + 1 if head == "dqc" else 1)}
            for k, name in enumerate(names)
            for head in ("cdl", "dqc")
        ]
    )
    found = estimates.estimates(scored, patients=given, outline=outline).set_index(["head", "variant"])
    assert found["patients_se"].to_dict() == pytest.approx(
        {("cdl", ""): 0.01, ("dqc", names[0]): 0.01, ("dqc", names[1]): np.sqrt(2e-4)}
    )
    assert (found["n_patients"] == 99).all()
