"""The rule for collapsed runs: what it flags, how rarely it flags what is well, and what is said of it."""

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import collapsed, comparisons, estimates, statistics

from .test_inference import scored

WELL = (0.71, 0.74, 0.73, 0.72, 0.725)


def with_run(metrics, value, **at):
    """The metrics with the mean AUROC of one run set."""
    chosen = (metrics["label"] == "mean") & (metrics["metric"] == "auroc")
    for key, wanted in at.items():
        chosen &= metrics[key] == wanted
    assert chosen.sum() == 1
    return metrics.assign(value=metrics["value"].mask(chosen, value))


RUN = {"task": "cxr19", "dataset": "nih", "head": "dqc", "seed": 3}


@pytest.mark.parametrize(
    ("values", "flagged"),
    [
        (WELL, []),
        ((*WELL[:3], 0.52, 0.72), [3]),
        ((0.52, 0.53, 0.71, 0.72, 0.73), [0, 1]),  # the median stays with three that are well
        ((0.52, 0.72), []),  # of two no one can say which
        ((0.6, 0.65, 0.7, 0.75, 0.8), []),  # far apart all of them: a spread, no collapse
        ((0.70, 0.70, 0.70, 0.66), []),  # less than the gap
        ((0.70, 0.70, 0.70, 0.64), [3]),
        ((0.70, 0.70, 0.70, 0.90), []),  # above
    ],
)
def test_what_is_flagged(values, flagged):
    assert list(np.flatnonzero(collapsed.far_below(np.array(values)))) == flagged


@pytest.mark.parametrize("n", [3, 5, 10, 20])
@pytest.mark.parametrize(("sd", "rate"), [(0.005, 1e-3), (0.01, 1e-3), (0.02, 0.02), (0.03, 0.05)])
def test_seeds_that_vary_as_trainings_do_are_rarely_flagged(n, sd, rate):
    """The paper's heads have sds of at most 0.03; the rate is that of any flag among n seeds."""
    rng = np.random.default_rng(0)
    draws = 0.75 + sd * rng.standard_normal((4000, n))
    assert np.mean([collapsed.far_below(run).any() for run in draws]) <= rate


def test_a_collapsed_run_is_named_in_tests_estimates_tables_and_a_sentence():
    metrics = with_run(scored(heads=("cdl", "dqc"), spread=0.004), 0.52, **RUN)
    (run,) = collapsed.collapsed(metrics)
    low, high = min(run.others), max(run.others)
    assert collapsed.sentences(metrics) == [
        f"CXR-19, NIH-CXR-LT: DQC seed 3 collapsed: mean AUROC 0.520, the others {low:.3f} to {high:.3f}. "
        "Its value is in all means."
    ]
    tests = statistics.compare(metrics)
    here = (tests["task"] == "cxr19") & (tests["dataset"] == "nih")
    assert set(tests.loc[here, "collapsed"]) == {"DQC seed 3"} and set(tests.loc[~here, "collapsed"]) == {""}
    found = estimates.estimates(metrics).query("task == 'cxr19' and dataset == 'nih'")
    assert found.groupby("head")["collapsed"].unique().map(list).to_dict() == {"cdl": [""], "dqc": ["DQC seed 3"]}
    mean = tests[here & (tests["label"] == "mean")].iloc[0]
    assert mean["mean_b"] == pytest.approx(np.mean([*run.others, 0.52]))  # nothing is left out
    assert comparisons.means(tests)["Note"].str.startswith("collapsed: DQC seed 3").sum() == 1


def test_constant_predictions_on_most_labels_are_a_collapse_whatever_the_others_have():
    metrics = scored(heads=("cdl", "dqc"), seeds=2)
    flat = (metrics["head"] == "dqc") & (metrics["seed"] == 1) & (metrics["task"] == "cxr8")
    flat &= (metrics["dataset"] == "mimic") & metrics["label"].isin([f"label {k}" for k in range(3)])
    reason = "constant predictions: every film has the same probability"
    metrics = metrics.assign(reason=metrics["reason"].mask(flat, reason))
    (run,) = collapsed.collapsed(metrics)
    assert run.constant and (run.head, run.seed, run.dataset) == ("dqc", 1, "mimic")
    assert "predictions constant on most labels. Its value" in collapsed.sentences(metrics)[0]
    assert collapsed.collapsed(metrics.assign(reason=metrics["reason"].where(metrics["label"] != "label 0", ""))) == []


def test_a_variants_run_is_flagged_where_it_stands():
    metrics = scored(heads=("cdl", "dqc"), spread=0.004)
    varied = pd.concat([metrics.assign(variant=f"data.fraction~{share}") for share in (0.1, 1.0)], ignore_index=True)
    varied = with_run(varied, 0.52, variant="data.fraction~0.1", **RUN)
    tests = statistics.compare(varied)
    assert set(tests.loc[tests["collapsed"] != "", "variant"]) == {"data.fraction~0.1"}
    assert collapsed.sentences(varied)[0].startswith("CXR-19, NIH-CXR-LT, data.fraction~0.1: DQC seed 3")
