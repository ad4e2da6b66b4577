"""What a change reruns, on a finished study: no less than it decides, and no more."""

import os
import time

import pandas as pd
import pytest

from tests.workflow.compare import differences
from tests.workflow.study import TINY, Study, finished

pytestmark = pytest.mark.slow(minutes=6)
FIGURES = {"losses", "mean_auroc", "labels", "volcano"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = finished(tmp_path_factory.mktemp("study"))
    assert "report.html" in (study.folder / "end").read_text()
    return study


@pytest.fixture(autouse=True)
def as_it_was(study):
    study.write(TINY)
    yield
    study.write(TINY)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture
def edited(study):
    """Edit a file of the study's copy for one test."""
    undo = []

    def change(name, old, new):
        path = study.folder / name
        undo.append((path, path.read_text()))
        edit(path, old, new)

    yield change
    for path, text in reversed(undo):
        path.write_text(text)


def changed(**sections):
    return {**TINY, **{key: {**TINY.get(key, {}), **value} for key, value in sections.items()}}


def test_a_finished_study_has_nothing_to_do(study):
    assert study.planned() == {}


def test_outputs_are_whole(study):
    results = study.folder / "results"
    tests = pd.read_csv(results / "tests.csv")
    assert set(tests["dataset"]) == {"drawn-nih", "drawn-mimic"} and (tests["n_seeds"] == 2).all()
    assert len(list(results.glob("runs/cxr8/*/seed*/best.safetensors"))) == 4
    assert "<img" in (results / "report.html").read_text() and not list(results.rglob("*.partial"))
    one = pd.read_parquet(results / "runs/cxr8/dqc/seed1/predictions/drawn-mimic.parquet")
    assert len(one) == 20 and one["image_id"].is_unique and one.filter(like="p_").notna().all(axis=None)


def test_the_same_study_elsewhere_has_the_same_bytes(study, tmp_path):
    """Every output but what a clock decides; and a single other byte is noticed."""
    again = Study(tmp_path / "again")
    again.programs = tmp_path / "programs"  # compiled anew
    again.snakemake()
    folders = study.folder / "results", again.folder / "results"
    assert differences(*folders) == []
    weights = folders[1] / "runs/cxr8/dqc/seed1/best.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    (folders[1] / "summary.txt").unlink()
    assert differences(*folders) == ["runs/cxr8/dqc/seed1/best.safetensors: differs", "summary.txt: only before"]


def test_a_new_seed_runs_that_seed_only(study):
    study.write(TINY | {"seeds": [0, 1, 2]})
    jobs = study.planned()
    assert (jobs["train"], jobs["predict"], jobs["score"]) == (2, 6, 4)
    assert not {"films", "manifest", "cache", "pack", "circuit", "parameters"} & set(jobs)
    assert study.planned_runs() == {"cxr8 with cdl, seed 2", "cxr8 with dqc, seed 2"}


def test_the_learning_rate_retrains_and_leaves_the_films_alone(study):
    study.write(changed(train={"learning_rate": 2e-3}))
    jobs = study.planned()
    assert (jobs["train"], jobs["predict"], jobs["score"]) == (4, 12, 8)
    assert not {"films", "manifest", "cache", "pack"} & set(jobs)


def test_the_circuit_retrains_its_own_head_only(study):
    study.write(TINY | {"head": {"dqc": {"layers": 2}}})
    assert study.planned_runs() == {"cxr8 with dqc, seed 0", "cxr8 with dqc, seed 1"}


def test_speed_settings_rerun_nothing(study):
    study.write(changed(resources={"workers": 1, "train_threads": 2, "checkpoint_minutes": 1.0, "residency": "device"}))
    assert study.planned() == {}


def test_the_order_of_keys_reruns_nothing(study):
    study.write({key: TINY[key] for key in reversed(TINY)} | {"train": dict(reversed(TINY["train"].items()))})
    assert study.planned() == {}


def test_a_significance_level_redoes_the_comparison_only(study):
    study.write(changed(analysis={"alpha": 0.01}))
    assert set(study.planned()) <= {"compare", "questions", "figure", "cards", "tables", "report"}


def test_an_edited_figure_redraws_figures_only(study, edited):
    path = "qcxr/analysis/figures/volcano.py"
    edited(path, "\ndef volcano(", "\nUNUSED = 1\n\n\ndef volcano(")
    assert study.planned() == {"figure": 1, "report": 1}


def test_a_comment_or_a_docstring_reruns_nothing(study, edited):
    edited("qcxr/training/fit.py", "def fit(", "# a remark\ndef fit(")
    edited("qcxr/models/resnet.py", '"""ResNet v1.5', '"""A ResNet v1.5')
    assert study.planned() == {}


def test_an_edited_training_module_retrains_everything(study, edited):
    edited("qcxr/training/losses.py", "def masked_mean(", "UNUSED = 1\n\n\ndef masked_mean(")
    jobs = study.planned()
    assert jobs["train"] == 4 and not {"films", "cache", "pack"} & set(jobs)


def test_an_edited_circuit_retrains_its_head_only(study, edited):
    edited("qcxr/circuits/engine.py", "ENGINES = ", "UNUSED = 1\nENGINES = ")
    assert study.planned_runs() == {"cxr8 with dqc, seed 0", "cxr8 with dqc, seed 1"}


def test_touching_scripts_and_modules_reruns_nothing(study):
    for path in [*study.folder.glob("workflow/scripts/*.py"), *study.folder.glob("qcxr/**/*.py")]:
        path.touch()
    assert study.planned() == {}


def test_a_changed_label_file_redoes_what_depends_on_it(study, edited):
    edited("demo/nih/labels/miccai2023_nih-cxr-lt_labels_test.csv", ".png,0,", ".png,1,")
    jobs = study.planned()
    assert (jobs["manifest"], jobs["cache"]) == (1, 3) and jobs["train"] == 4 and "films" not in jobs


def test_a_clock_that_jumped_back_costs_time_and_is_put_right_by_touching(study):
    """Films packed before the jump look newer than the runs that were trained from them after it."""
    packed = study.folder / "results/packed/drawn-nih-train.npy"
    later = time.time() + 86_400
    os.utime(packed, (later, later))
    assert study.planned()["train"] == 4
    study.snakemake("--touch")
    assert study.planned() == {}
