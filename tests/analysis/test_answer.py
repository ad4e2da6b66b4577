"""The first screen's question and answer: for each kind of study the sentences that its tests carry."""

import dataclasses
import itertools
import re

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import ladder, statistics
from qcxr.analysis.answer import answer
from qcxr.analysis.evidence import at, evidence
from qcxr.analysis.facts import Study
from qcxr.analysis.outline import Outline
from qcxr.analysis.results import Results
from qcxr.analysis.shown import Shown

from .inferred import inferred


def scored(gaps, *, seeds=5, noise=0.002, heads=("cdl", "dqc"), metrics=("auroc",)):
    """Metrics of heads; gaps: (task, dataset) -> mean AUROC of heads[0] minus that of each other."""
    rng = np.random.default_rng(1)
    rows = []
    for (task, dataset), seed, metric in itertools.product(gaps, range(seeds), metrics):
        below = np.atleast_1d(gaps[task, dataset])
        for head, gap in zip(heads, (0.0, *below), strict=True):
            for label in ("mean", "Mass", "Hernia"):
                row = {"task": task, "head": head, "seed": seed, "dataset": dataset, "label": label, "metric": metric}
                value = 0.78 - gap + noise * rng.standard_normal()
                rows.append(row | {"value": value, "n": 100, "n_positive": 10, "reason": "", "n_labels": 2})
    return pd.DataFrame(rows)


def study_of(gaps, *, study=Study(), outline=Outline(), scale=0.004, **keywords):  # noqa: B008
    """Results and facts of such a study, with intervals over seeds and patients."""
    metrics = scored(gaps, **keywords)
    heads = list(dict.fromkeys(metrics["head"]))
    results = Results(metrics, inferred(statistics.compare(metrics, heads=heads), scale=scale), outline=outline)
    return results, results.facts(study)


def test_one_sure_difference_is_said_with_its_interval_and_its_adjusted_p():
    results, facts = study_of({("cxr8", "nih"): 0.05})
    found = answer(results, facts)
    row = at(evidence(results.tests)).iloc[0]
    assert found.question == "Does DQC reach a higher mean AUROC than CDL?"
    assert found.verdict == (
        f"CDL has the higher mean AUROC: {row['mean_a']:.3f} (CDL) against {row['mean_b']:.3f} (DQC)."
    )
    assert found.numbers == (
        f"The difference, CDL minus DQC, is +{row['difference']:.3f} (95 % interval +{row['total_low']:.3f} to "
        f"+{row['total_high']:.3f} over seeds and patients), significant at 0.05 (adjusted p < 0.001)."
    )
    assert found.notes == ()


def test_the_other_head_may_win():
    found = answer(*study_of({("cxr8", "nih"): -0.05}))
    assert found.verdict.startswith("DQC has the higher mean AUROC: 0.8") and "(DQC) against 0.7" in found.verdict
    assert "CDL minus DQC, is −0.0" in found.numbers


def test_what_was_not_found_is_said_with_what_would_have_been():
    results, facts = study_of({("cxr8", "nih"): 0.004}, noise=0.01)
    found, row = answer(results, facts), at(evidence(results.tests)).iloc[0]
    assert found.verdict.startswith("No difference in mean AUROC was found between CDL and DQC: 0.7")
    assert f"one of {row['detectable']:.3f} would have been with 80 % power" in found.numbers
    assert "not significant at 0.05 (adjusted p 0." in found.numbers


def test_equivalence_is_more_than_no_difference():
    found = answer(*study_of({("cxr8", "nih"): 0.0}, noise=0.0005, scale=0.001))
    assert found.verdict.startswith("CDL and DQC are equivalent in mean AUROC within 0.01: ")
    assert "80 %" not in found.numbers


def test_a_sure_difference_within_the_margin_says_both():
    found = answer(*study_of({("cxr8", "nih"): 0.005}, noise=0.0003, scale=0.0005))
    assert found.verdict.startswith("CDL has the higher") and "yet within ±0.01" in found.numbers


def test_several_places_are_named_or_counted():
    gaps = {("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.03, ("cxr14", "nih"): 0.07, ("cxr14", "mimic"): 0.04}
    found = answer(*study_of(gaps))
    assert found.verdict == "CDL has the higher mean AUROC on all 4 pairs of task and test set."
    assert found.numbers.startswith("CDL minus DQC is +0.03") and "on CXR-14, NIH-CXR-LT (95 % intervals over" in (
        found.numbers
    )
    assert found.numbers.endswith("; significant is adjusted p < 0.05, Holm.")
    mixed = answer(*study_of({("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.001}, noise=0.004))
    assert mixed.verdict == ("CDL has the higher mean AUROC on NIH-CXR-LT; no difference was found on MIMIC-CXR-LT.")
    both = answer(*study_of({("cxr8", "nih"): 0.05, ("cxr8", "mimic"): -0.05}))
    assert both.verdict == "CDL has the higher mean AUROC on NIH-CXR-LT; DQC on MIMIC-CXR-LT."
    none = answer(*study_of({("cxr8", "nih"): 0.001, ("cxr8", "mimic"): 0.001}, noise=0.01))
    assert none.verdict == "No difference in mean AUROC was found between CDL and DQC on either test set."


def test_one_seed_speaks_of_these_two_trained_models():
    found = answer(*study_of({("own", "ward"): 0.05}, seeds=1))
    assert found.verdict.startswith("CDL has the higher mean AUROC of these two trained models: ")
    assert "over patients), significant" in found.numbers
    assert found.notes == (
        "This speaks of these trained models: another training may differ by more than other patients do.",
    )


def test_nothing_is_tested_without_seeds_and_patients():
    metrics = scored({("cxr8", "nih"): 0.05}, seeds=1)
    results = Results(metrics, statistics.compare(metrics))
    found = answer(results, results.facts(Study()))
    assert found.verdict.startswith("CDL has the higher mean AUROC: ")
    assert found.numbers.endswith("; there is no test (one seed: a paired test needs at least two).")
    assert "significant" not in found.verdict + found.numbers


def tied(gaps, *, heads=("cdl", "dqc"), seeds=3):
    """Results and facts of seeds that differ by the gap alone, 0 among them: no t-test, and no patients."""
    metrics = scored(gaps, noise=0.0, heads=heads, seeds=seeds)
    results = Results(metrics, statistics.compare(metrics, heads=heads))
    return results, results.facts(Study())


def test_a_tie_is_nobodys_win_and_the_reason_is_the_rows_own():
    results, facts = tied({("cxr8", "nih"): 0.0})
    found = answer(results, facts)
    assert found.verdict == "CDL and DQC have the same mean AUROC: 0.780."
    assert found.numbers.endswith("; there is no test (all differences are equal: the t-test is undefined).")
    assert "seed or patients" not in found.numbers
    several = answer(*tied({("cxr8", "nih"): 0.0, ("cxr8", "mimic"): -0.02}))
    assert several.verdict == (
        "DQC has the higher mean AUROC on MIMIC-CXR-LT; they have the same mean AUROC on NIH-CXR-LT."
    )
    assert several.numbers.endswith("; there is no test (all differences are equal: the t-test is undefined).")
    both = answer(*tied({("cxr8", "nih"): 0.02, ("cxr8", "mimic"): -0.02}))
    assert both.verdict == "CDL has the higher mean AUROC on NIH-CXR-LT; DQC on MIMIC-CXR-LT."
    none = answer(*tied({("cxr8", "nih"): 0.0, ("cxr8", "mimic"): 0.0}))
    assert none.verdict == "CDL and DQC have the same mean AUROC on both test sets."


def test_heads_that_tie_for_the_highest_mean_share_it():
    heads = ("cdl", "dqc", "mlp")
    one = {gap: answer(*tied({("cxr8", "nih"): gap}, heads=heads)) for gap in ((0.0, 0.03), (-0.02, -0.02), (0.0, 0.0))}
    said = [found.verdict for found in one.values()]
    assert said == [
        "CDL and DQC share the highest mean AUROC of 3 heads: 0.780; mlp follows with 0.750.",
        "DQC and mlp share the highest mean AUROC of 3 heads: 0.800; CDL has 0.780.",
        "CDL, DQC and mlp share the highest mean AUROC of 3 heads: 0.780.",
    ]
    assert {found.numbers for found in one.values()} == {
        "There is no test (all differences are equal: the t-test is undefined)."
    }
    places = {("cxr8", "nih"): (0.0, 0.03), ("cxr8", "mimic"): (-0.02, 0.03), ("cxr14", "nih"): (-0.02, 0.03)}
    assert answer(*tied(places, heads=heads)).verdict == (
        "DQC has the highest mean AUROC of 3 heads on CXR-8, MIMIC-CXR-LT and CXR-14, NIH-CXR-LT and CDL and DQC "
        "together on CXR-8, NIH-CXR-LT."
    )


def test_a_place_without_a_test_is_named_beside_those_with_one():
    results, facts = study_of({("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.0})
    at_mimic = results.tests["dataset"] == "mimic"
    lost = {"basis": "", "p_adjusted": np.nan, "mark": "", "significant": False, "equivalent": False}
    results.tests.loc[at_mimic, list(lost)] = list(lost.values())
    results.tests.loc[at_mimic, "reason"] = "one positive patient"
    found = answer(results, facts)
    assert found.verdict == "CDL has the higher mean AUROC on NIH-CXR-LT."
    assert found.numbers.endswith("; on MIMIC-CXR-LT there is no test (one positive patient).")


def test_one_head_is_compared_with_none():
    metrics = scored({("cxr8", "nih"): 0.0}).query("head == 'dqc'")
    results = Results(metrics, statistics.compare(scored({("cxr8", "nih"): 0.0})).head(0))
    found = answer(results, results.facts(Study()))
    values = metrics.query("label == 'mean'")["value"]
    assert found.question == "Which mean AUROC does DQC reach?"
    assert found.verdict == f"DQC reaches a mean AUROC of {values.mean():.3f} ± {values.std():.3f}."
    assert found.numbers == "Mean ± sd over 5 seeds. No pair of heads, so no comparison."
    known = {"task": "cxr8", "dataset": "nih", "metric": "auroc", "label": "mean", "head": "dqc"}
    estimates = pd.DataFrame([known | {"patients_low": 0.7634, "patients_high": 0.8012}])
    one = dataclasses.replace(results, metrics=metrics.query("seed == 0"), estimates=estimates)
    with_interval = answer(one, one.facts(Study()))
    assert re.fullmatch(r"DQC reaches a mean AUROC of 0\.7\d\d \[0\.763, 0\.801\]\.", with_interval.verdict)
    assert with_interval.numbers == ("In brackets: 95 % interval over patients. No pair of heads, so no comparison.")
    shown = dataclasses.replace(results, shown=Shown(sd="population"))
    assert "over 5 seeds (sd divides by n). " in answer(shown, shown.facts(Study())).numbers


def test_what_is_not_adjusted_is_not_called_so():
    study = Study(analysis={"adjust": "none", "alpha": 0.01})
    found = answer(*study_of({("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.05}, study=study))
    assert found.numbers.endswith("significant is p < 0.01, as configured not adjusted for the number of comparisons.")
    one = answer(*study_of({("cxr8", "nih"): 0.05}, study=study))
    assert one.numbers.endswith("significant at 0.01 (p < 0.001, not adjusted for the number of comparisons).")


def test_unequal_seeds_per_task_lead_each_by_its_own_basis():
    metrics = pd.concat([scored({("cxr8", "nih"): 0.05}), scored({("cxr14", "nih"): 0.05}, seeds=1)])
    results = Results(metrics, inferred(statistics.compare(metrics)))
    found = answer(results, results.facts(Study()))
    assert "(95 % intervals over " in found.numbers and " or " in found.numbers
    assert found.verdict == "CDL has the higher mean AUROC on both tasks."


def test_many_heads_are_counted_and_the_best_is_named():
    heads = ("cdl", "dqc", "mlp", "product", "random", "mps", "bottleneck", "fourier")
    gaps = {("cxr8", "nih"): (0.05, -0.03, 0.04, 0.04, 0.001, -0.001, 0.02)}
    results, facts = study_of(gaps, heads=heads)
    found, rows = answer(results, facts), at(evidence(results.tests))
    sure = rows[rows["significant"]]
    higher = int((sure["difference"] < 0).sum())
    assert found.question == "Does any of 7 heads reach a higher mean AUROC than CDL?"
    assert found.verdict.startswith("mlp has the highest mean AUROC of 8 heads: 0.8") and "CDL has 0.7" in found.verdict
    assert found.numbers.startswith(f"{len(sure)} of 7 differences from CDL are significant (adjusted p < 0.05, Holm)")
    assert f"{higher} higher, {len(sure) - higher} lower; the largest upwards, mlp, is +0.0" in found.numbers
    first = answer(*study_of({("cxr8", "nih"): (0.05, 0.03, 0.04)}, heads=heads[:4]))
    assert first.verdict.startswith("CDL has the highest mean AUROC of 4 heads") and "mlp follows" in first.verdict
    unsure = answer(*study_of({("cxr8", "nih"): (0.05, -0.002, 0.04)}, heads=heads[:4], noise=0.02))
    assert "not significantly above CDL" in unsure.verdict or unsure.verdict.startswith("CDL")


def test_collapsed_runs_and_another_tests_reading_are_said():
    results, facts = study_of({("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.04})
    mimic = results.tests["dataset"] == "mimic"
    results.tests.loc[mimic, "collapsed"] = "DQC seed 3"
    results.tests.loc[mimic, "reading"] = "differences are not normal, read Wilcoxon's test"
    notes = answer(results, facts).notes
    assert notes[0].endswith("far below the others of their head, are in these numbers: DQC seed 3.")
    assert notes[1] == "MIMIC-CXR-LT: differences are not normal, read Wilcoxon's test."


def test_the_papers_numbers_stand_beside_those_of_its_protocol_only():
    gaps = {("cxr8", "nih"): 0.05, ("cxr8", "mimic"): 0.03}
    (theirs,) = answer(*study_of(gaps, study=Study(protocol=True))).notes
    assert theirs == (
        "The paper reports +0.03 (MIMIC-CXR-LT) to +0.07 (NIH-CXR-LT), p 0.005 to 0.009 by paired t-tests over five "
        "seeds, uncorrected."
    )
    assert answer(*study_of(gaps)).notes == ()


def test_the_second_endpoint_has_its_own_answer():
    results, facts = study_of({("cxr8", "nih"): 0.05}, metrics=("auroc", "average_precision"))
    assert answer(results, facts, metric="average_precision").verdict.startswith("CDL has the higher mean average prec")


def trained(results, kinds):
    runs = [{"task": "cxr8", "head": head, "kind": kind, "seed": 0, "config": {"train": {}}} for head, kind in kinds]
    return Results(results.metrics, results.tests, runs)


def test_the_ladder_orders_twins_by_what_they_lack():
    heads = ("dqc", "product", "linear", "tanh", "deep")
    kinds = zip(heads, ("dqc", "product", "cdl", "mlp", "dqc"), strict=True)
    results, _ = study_of({("cxr8", "nih"): (0.04, 0.05, -0.03, 0.0)}, heads=heads)
    results = trained(results, kinds)
    facts = results.facts(Study())
    assert ladder.rungs(facts) == ["linear", "tanh", "product", "dqc", "deep"] and ladder.circuit(facts) == "dqc"
    texts = ladder.sentences(results, facts)
    assert texts[0] == "Every rung takes one thing away from DQC, or puts another in its place."
    assert texts[1] == "Higher than DQC in mean AUROC on at least one task and test set: tanh."
    assert texts[2] == "Lower: linear and product."
    table = ladder.table(results, facts)
    assert list(table["Head"]) == ["linear", "tanh", "product", "DQC", "deep"]
    assert table["Minus DQC"].iloc[3] == "—" and table["Minus DQC"].iloc[1].startswith("+0.0")
    assert table["Minus the rung above"].tolist()[3].startswith("+0.0")  # dqc minus product was tested
    assert table["Minus the rung above"].tolist()[1] == "—"  # tanh minus linear was not


@pytest.mark.parametrize("kinds", [("cdl", "dqc"), ("cdl", "mlp")])
def test_no_ladder_without_a_circuit_and_a_twin_of_it(kinds):
    results, _ = study_of({("cxr8", "nih"): 0.05})
    known = trained(results, zip(("cdl", "dqc"), kinds, strict=True)).facts(Study())
    assert ladder.rungs(known) == [] and ladder.rungs(results.facts(Study())) == []
