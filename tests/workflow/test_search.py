"""A search, variants and named heads in one small study, from films to report; and what its choice rests on."""

import json
import re

import pandas as pd
import pytest

from qcxr.study.config import load
from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow(minutes=6)
SEARCHED = TINY | {
    "timed_steps": 0,
    "heads": ["cdl", {"deep": {"kind": "dqc", "layers": 4}}],
    "vary": {"data.fraction": [0.5, 1.0]},
    "search": {
        "trials": 3,
        # a rate of 1e38 diverges at once
        "space": {"train.learning_rate": {"choice": [1e-3, 1e-2, 1e38]}, "head.init": {"choice": ["uniform", "small"]}},
    },
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("search") / "plain", SEARCHED)
    study.snakemake()
    return study


def test_the_study_is_whole(study):
    results = study.folder / "results"
    assert study.planned() == {}
    metrics = pd.read_csv(results / "metrics.csv").fillna({"variant": ""})
    arms = metrics.groupby(["head", "variant"])["seed"].nunique()
    variants = ("", "data.fraction~0.5")
    assert arms.to_dict() == {(head, variant): 2 for head in ("cdl", "deep") for variant in variants}
    tests = pd.read_csv(results / "tests.csv").fillna({"variant": ""})
    assert set(tests["variant"]) == set(variants) and set(tests["head_b"]) == {"deep"}
    assert (results / "figures/vary-data.fraction.png").stat().st_size > 10_000
    assert (results / "figures/search.png").stat().st_size > 10_000
    report = (results / "report.html").read_text()
    for said in ("layers 4", "data.fraction", "train.learning_rate"):
        assert said in report


def test_the_choice_is_the_best_trial_on_validation_and_the_seeds_run_with_it(study):
    results = study.folder / "results"
    table = pd.read_csv(results / "search.csv")
    assert table.groupby("head").size().to_dict() == {"cdl": 3, "deep": 3}
    cfg = load(study.folder / "config/config.yaml", study.folder / "config/demo.yaml", study.folder / "tiny.yaml")
    for head, trials in table.groupby("head"):
        for trial in trials.itertuples():
            folder = results / f"runs/cxr8/{head}/trial~{trial.trial}/seed1000"
            assert not list(folder.glob("predictions/drawn-*"))  # a trial never sees a test
            if json.loads((folder / "run.json").read_text())["stopped"] == "diverged":
                assert pd.isna(trial.value)
                continue
            scored = pd.read_csv(folder / "metrics/validation.csv").query("label == 'mean' and metric == 'auroc'")
            assert scored["value"].item() == pytest.approx(trial.value, abs=1e-12)
        best = trials.loc[trials["value"].idxmax()]
        assert bool(best["chosen"]) and trials["chosen"].sum() == 1
        run = json.loads((results / f"runs/cxr8/{head}/seed1/run.json").read_text())
        assert json.loads(run["config"])["train"]["learning_rate"] == best["train.learning_rate"]
    stopped = {
        json.loads(path.read_text())["stopped"] for path in results.glob("runs/cxr8/*/trial~*/seed1000/run.json")
    }
    rates = {arm.at["train.learning_rate"] for arm in cfg.trials}
    assert ("diverged" in stopped) == (1e38 in rates) and 1e38 in rates


def test_a_part_of_the_patients_is_the_same_for_every_head(study):
    """Their losses start from as many steps: films of half of the patients, and the same ones."""
    results = study.folder / "results"
    steps = {
        head: len(pd.read_csv(results / f"runs/cxr8/{head}/data.fraction~0.5/seed0/steps.csv"))
        for head in ("cdl", "deep")
    }
    whole = len(pd.read_csv(results / "runs/cxr8/cdl/seed0/steps.csv"))
    assert steps["cdl"] == steps["deep"] < whole


def test_poisoned_test_labels_leave_the_choice_alone(study, tmp_path):
    poisoned = Study(tmp_path / "poisoned", SEARCHED)
    drawn = sorted(path.relative_to(study.folder) for path in (study.folder / "demo").rglob("*_test.csv"))
    assert len(drawn) == 2
    poisoned.snakemake(str(drawn[0]))  # draws all films
    for name in drawn:
        path = poisoned.folder / name
        table = pd.read_csv(path, dtype=str)
        labels = [column for column in table if set(table[column].dropna()) <= {"0", "1"} and column != "dicom_id"]
        assert len(labels) > 15
        table[labels] = table[labels].replace({"0": "1", "1": "0"})
        table.to_csv(path, index=False)
    scored = [f"results/runs/cxr8/cdl/seed0/metrics/{dataset}.csv" for dataset in ("drawn-nih", "drawn-mimic")]
    poisoned.snakemake("results/search.csv", *scored)
    choice = "results/search.csv"
    assert (study.folder / choice).read_bytes() == (poisoned.folder / choice).read_bytes()
    for name in scored:  # the poison was taken
        assert (study.folder / name).read_bytes() != (poisoned.folder / name).read_bytes()


def test_other_borders_between_head_and_tail_leave_the_choice_and_the_seeds_alone(study):
    study.write({**SEARCHED, "analysis": {"bootstrap": 100, "tail_under": 5}})
    jobs = study.planned()
    study.write(SEARCHED)
    assert jobs["score"] == 16 and not {"train", "predict", "choose"} & set(jobs)


def test_another_metric_trains_no_trial_again_and_the_same_choice_ends_in_the_same_bits(study):
    """A choice is an input of its seeds: Snakemake cannot know before it is made anew that it will be the same."""
    results = study.folder / "results"
    heads = ("cdl", "deep")
    before = {head: chosen(results, head) for head in heads}
    weights = {head: (results / f"runs/cxr8/{head}/seed0/best.safetensors").read_bytes() for head in heads}
    study.write({**SEARCHED, "search": {**SEARCHED["search"], "choose": {"metric": "average_precision"}}})
    try:
        text = study.snakemake()
        assert "/trial~" not in "".join(re.findall(r"Train .*", text))
        for head in heads:
            same = (results / f"runs/cxr8/{head}/seed0/best.safetensors").read_bytes() == weights[head]
            assert same == (chosen(results, head) == before[head])
    finally:
        study.write(SEARCHED)


def chosen(results, head):
    return json.loads((results / f"search/cxr8/{head}.json").read_text())["values"]
