"""Checklists: every item is there, what a study knows is filled in, and an item is open once its fact is gone."""

import dataclasses
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis.checklists import data, design, evaluation, findings, model, openness, page, standard
from qcxr.analysis.checklists.claim import CLAIM
from qcxr.analysis.checklists.item import OPEN, Answer, Item
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.checklists.tripod import TRIPOD
from qcxr.analysis.cohort import cohort
from qcxr.analysis.facts import Study
from qcxr.analysis.shown import Shown
from qcxr.study.config import load

from . import manifested
from .test_claims import published_counts

FILLS = (data, design, evaluation, findings, model, openness, standard)
CONFIGS = Path(__file__).parents[2] / "config"
CONFIG = load(CONFIGS / "config.yaml").model_dump(mode="json")
SETTINGS = {
    "image": {"resize": 256, "crop": 224, "mean": None, "std": None},
    "augment": {"flip": 0.5, "rotation": 15.0, "unit": "degrees", "fill": 0.0},
    "backbone": {"name": "resnet50", "weights": "microsoft/resnet-50", "batch_norm": "running", "trainable": "all"},
    "train": {"optimizer": "adam", "learning_rate": 1e-4, "epochs": 50, "patience": 5, "loss": "bce", "prior_bias": 0},
    "data": {"fraction": 1.0, "label_order": "given"},
}
DEMO = load(CONFIGS / "config.yaml", CONFIGS / "demo.yaml").model_dump(mode="json")["generate"]


@pytest.fixture(scope="module")
def real(study):
    """A study of the paper's protocol, its counts those of the official data sets."""
    results = study.results("runs", "parameters")
    runs = [run | {"config": SETTINGS} for run in results.runs]
    results = dataclasses.replace(results, runs=runs, counts=published_counts())
    people = cohort({name: manifested.manifest(name) for name in ("nih", "mimic")})
    return Known(results, Study(CONFIG, protocol=True), people, 0, ["NIH-CXR-LT: 1 film left out: 1 missing."])


@pytest.fixture(scope="module")
def drawn(real):
    counts = real.results.counts.assign(n_positive=lambda frame: frame["n_positive"] // 100)
    results = dataclasses.replace(real.results, counts=counts)
    return dataclasses.replace(real, results=results, study=Study(CONFIG | {"generate": DEMO}, demo=True))


@pytest.fixture(scope="module")
def foreign(study):
    return Known(study.results())


def without(known, **changes):
    """The same, with other results, or without a section of the runs' settings."""
    if section := changes.pop("settings", None):
        kept = {name: part for name, part in SETTINGS.items() if name != section}
        changes["runs"] = [run | {"config": kept} for run in known.results.runs]
    return dataclasses.replace(known, results=dataclasses.replace(known.results, **changes))


def test_claim_has_44_items_and_tripod_27_in_52_parts():
    assert [item.number for item in CLAIM.items] == [str(n) for n in range(1, 45)]
    numbers = [item.number for item in TRIPOD.items]
    assert len(numbers) == len(set(numbers)) == 52
    whole = [int(number.rstrip("abcdefg")) for number in numbers]
    assert whole == sorted(whole) and sorted(set(whole)) == list(range(1, 28))
    for main, parts in {3: "abc", 5: "ab", 6: "abc", 8: "abc", 9: "abc", 12: "abcdefg", 18: "abcdef", 20: "abc",
                        23: "ab", 27: "abc"}.items():  # fmt: skip
        assert [number for number in numbers if number.rstrip("abcdefg") == str(main)] == [f"{main}{p}" for p in parts]


def test_every_fill_is_an_items_and_every_item_asks_something():
    written = {
        function
        for module in FILLS
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    used = {item.fill for checklist in (CLAIM, TRIPOD) for item in checklist.items if item.fill}
    assert used | {model.technology_of} == written  # a part of model.building
    for checklist in (CLAIM, TRIPOD):
        assert all(item.topic and item.asks.endswith("?") for item in checklist.items)
        assert len({item.topic for item in CLAIM.items}) == len(CLAIM.items)


@pytest.mark.parametrize(
    ("answer", "standing"),
    [
        (OPEN, "open"), (Answer("x"), "filled"), (Answer("x", "y"), "in part"),
        (Answer("x", applies=False), "does not apply"), (Answer(missing="y"), "open"),
    ],
)  # fmt: skip
def test_an_answers_standing(answer, standing):
    assert answer.standing == standing


def test_a_real_study_knows_what_its_files_know(real):
    found = page.standings(CLAIM, real)
    authors = {"3", "15", "31", "34", "41", "44"}
    assert {number for number, standing in found.items() if standing == "open"} == authors
    assert found["18"] == "does not apply" and found["20"] == found["22"] == found["33"] == "filled"
    assert found["37"] == "in part"  # no subgroups yet
    found = page.standings(TRIPOD, real)
    assert {number for number, standing in found.items() if standing == "open"} == {
        "3a", "3c", "5b", "6c", "14", "17", "18a", "18b", "18d", "19", "27a", "27b", "27c",
    }  # fmt: skip
    assert "retrospective" in design.design(real).text.lower() and "reports" in standard.definition(real).text
    assert "NIH Clinical Center, Bethesda" in data.setting(real).text and "PhysioNet" in openness.data(real).text
    assert "generated" not in " ".join(item.answer(real).text for item in CLAIM.items)


def test_drawn_films_have_no_patients_to_be_asked_about(drawn):
    found = page.standings(CLAIM, drawn)
    assert {n for n, standing in found.items() if standing == "does not apply"} == {"5", "11", "13", "16", "18", "34"}
    ours = page.standings(TRIPOD, drawn)
    assert {ours[number] for number in ("3c", "5b", "6a", "6c", "8b", "8c", "17")} == {"does not apply"}
    for known in ("7", "14", "15", "17", "36"):
        assert found[known] == "filled"
    told = " ".join(item.answer(drawn).text for item in CLAIM.items)
    assert "drawn by a program" in told and "mined" not in told and "Bethesda" not in told and "Public data" not in told
    assert "external in form only" in evaluation.external(drawn).text


def test_of_predictions_made_elsewhere_nothing_is_claimed_but_what_was_computed(foreign):
    for checklist in (CLAIM, TRIPOD):
        for item in checklist.items:
            answer = item.answer(foreign)
            for claim in ("Backbone", "Models are developed", "no use in care", "MIT licence", "None:", "film alone"):
                assert claim not in answer.text, (item.number, claim)
    found = page.standings(CLAIM, foreign)
    opened = ("5", "7", "9", "12", "14", "19", "20", "22", "23", "24", "25", "26", "27", "33", "35", "36", "42", "43")
    assert {found[number] for number in opened} == {"open"}
    assert found["28"] == "in part" and found["29"] == "filled"


@pytest.mark.parametrize(
    ("fill", "gone"),
    [
        (data.sources, {"counts": None}),
        (data.missing_data, {"counts": None}),
        (data.events, {"counts": None}),
        (data.differences, {"counts": None}),
        (data.preprocessing, {"settings": "image"}),
        (data.subsets, {"settings": "data"}),
        (model.architecture, {"settings": "backbone"}),
        (model.initial, {"settings": "backbone"}),
        (model.building, {"settings": "backbone"}),
        (model.training, {"settings": "train"}),
        (model.selection, {"settings": "train"}),
        (model.imbalance, {"settings": "train"}),
        (model.software, {"runs": []}),
        (model.specification, {"runs": []}),
        (openness.code, {"runs": []}),
    ],
)
def test_an_item_is_open_once_its_fact_is_gone(real, fill, gone):
    assert fill(real).text and fill(without(real, **gone)) == OPEN


@pytest.mark.parametrize("fill", [data.partitions, data.demographics, data.flow, data.acquisition])
def test_who_is_in_the_splits_is_known_from_manifests_only(real, fill):
    assert fill(real).text and fill(dataclasses.replace(real, cohort=None)) == OPEN


def test_where_no_configuration_is_known_roles_of_data_sets_are_not(real):
    blind = dataclasses.replace(real, study=Study())
    for fill in (evaluation.internal, evaluation.external, openness.protocol, data.eligibility, data.differences):
        assert fill(real).text and fill(blind) == OPEN, fill.__name__


def test_splits_that_share_patients_are_not_called_disjoint(real):
    assert data.disjoint(real).standing == "filled"
    leaky = data.disjoint(dataclasses.replace(real, shared_patients=3))
    assert leaky.standing == "in part" and leaky.text.startswith("3 patients are in two splits")
    assert data.disjoint(dataclasses.replace(real, shared_patients=None)) == OPEN


def test_what_later_tables_tell_is_said_once_they_are_there(real):
    before = without(real, tests=real.results.tests.drop(columns="detectable"))
    assert evaluation.sample_size(before) == evaluation.fairness(before) == OPEN
    tests = real.results.tests.assign(detectable=0.0234, basis="seeds and patients", collapsed="DQC seed 3")
    groups = pd.DataFrame({"attribute": ["sex", "age"]})
    estimates = pd.DataFrame([{"task": "cxr8", "dataset": "nih", "metric": "auroc", "label": "mean", "head": "dqc",
        "mean": 0.75, "total_low": 0.7, "total_high": 0.8}])  # fmt: skip
    more = without(real, tests=tests, subgroups=groups, estimates=estimates)
    assert "with a power of 0.8: CXR-8 on NIH-CXR-LT 0.023" in evaluation.sample_size(more).text
    assert "by sex and age" in evaluation.fairness(more).text and findings.performance(more).standing == "filled"
    assert "seeds and patients together" in evaluation.uncertainty(more).text
    assert "DQC 0.750 [0.700, 0.800]" in findings.estimates(more).text
    assert "Runs far below the others: DQC seed 3." in findings.failures(more).text


@pytest.mark.parametrize(
    ("adjust", "family", "said"),
    [
        (
            "bh",
            "pairs",
            "adjusted by Benjamini-Hochberg over the labels of all pairs of heads of one task and test set;",
        ),
        ("none", "labels", "p-values are not adjusted for the number of comparisons. Level of significance 0.05."),
    ],
)
def test_p_values_are_said_to_be_adjusted_as_configured(real, adjust, family, said):
    config = CONFIG | {"analysis": CONFIG["analysis"] | {"adjust": adjust, "family": family}}
    told = evaluation.uncertainty(dataclasses.replace(real, study=dataclasses.replace(real.study, config=config))).text
    assert said in told and "Holm" not in told  # although the table has a column p_holm


def test_uncertainty_is_what_the_tests_rest_on(real):
    tests = real.results.tests
    told = {
        basis: evaluation.uncertainty(without(real, tests=tests.assign(basis=basis))).text
        for basis in ("seeds and patients", "seeds", "patients")
    }
    begins = "95 % intervals and tests of differences over "
    both = f"{begins}seeds and patients together (clustered by patient); beside them the paired t-test over seeds alone"
    assert told["seeds and patients"].startswith(both) and told["seeds"].startswith(f"{begins}seeds (paired t-test). ")
    assert told["patients"].startswith(f"{begins}patients (clustered by patient), given the trained models; beside")
    one_seed = without(real, tests=tests.assign(basis="patients", p=float("nan")))
    assert "t-test" not in evaluation.uncertainty(one_seed).text
    assert evaluation.uncertainty(without(real, tests=tests.head(0))) == OPEN


def test_the_sd_of_the_notebook_stands_where_it_is_configured(real):
    values = real.results.metrics.query("task == 'cxr8' and dataset == 'nih' and metric == 'auroc' and label == 'mean'")
    part = values.loc[values["head"] == "cdl", "value"]
    told = {sd: without(real, shown=Shown(sd=sd)) for sd in ("sample", "population")}
    for sd, ddof in (("sample", 1), ("population", 0)):
        expected = f"CDL {part.mean():.3f} ± {np.std(part, ddof=ddof):.3f}"
        for fill in (findings.performance, findings.by_dataset):
            text = fill(told[sd]).text
            assert (expected.removeprefix("CDL ") in text) and ("(dividing by n)" in text) == (sd == "population")
    assert findings.performance(told["sample"]) != findings.performance(told["population"])


def test_an_item_is_answered_once(real, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(Item, "answer", lambda item, known: asked.append(item) or OPEN)
    page.write_checklists(tmp_path / "c.md", real)
    assert len(asked) == 44 + 52


def test_the_page_counts_what_it_shows(real, drawn, foreign, tmp_path):
    for name, known in {"real": real, "drawn": drawn, "foreign": foreign}.items():
        page.write_checklists(tmp_path / f"{name}.md", known)
        text = (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        found = [standing for checklist in page.CHECKLISTS for standing in page.standings(checklist, known).values()]
        assert text.count("**Open: to be written by the authors.**") == found.count("open")
        assert text.count("**To add:**") == found.count("in part")
        assert text.count("**Does not apply.**") == found.count("does not apply")
        filled = list(page.standings(CLAIM, known).values()).count("filled")
        assert f"- **CLAIM (2024 update): {filled} of 44 filled**" in text
        assert ("drawn by a program: what is said" in text) == (name == "drawn")
        assert ("predictions were made elsewhere" in text) == (name == "foreign")
        for rubbish in ("{{", "{%", "\n\n\n", "None,", "nan", "..", "  "):
            assert rubbish not in text, (name, rubbish, text[text.index(rubbish) - 80 :][:160])
