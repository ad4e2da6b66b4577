"""A study that trains on two sources of different labels, through Snakemake; then a test set that leaks."""

import shutil

import pandas as pd
import pytest

from qcxr.phantom.demo import DemoPlan, generate
from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow

PLAN = {"train": 40, "val": 20, "test": 24, "mimic": 20, "size": 64}
CARD = "results/data-card.md"  # it needs every run, scored and compared, and no figure
LABELS = ["Effusion", "Mass", "Nodule"]
CONFIG = TINY | {
    "generate": None,
    "tasks": ["three"],
    "label_sets": {"three": LABELS},
    "heads": ["cdl"],
    "seeds": [0],
    "analysis": {"bootstrap": 0, "subgroups": []},
    "timed_steps": 0,
    "data": {
        "train_on": ["near", "far"],
        "test_on": ["near"],
        "sources": {
            name: {"kind": "nih", "images": f"films/{name}/nih", "labels": f"films/{name}/nih/labels"}
            for name in ("near", "far", "again")
        },
    },
}


def drawn(folder, seed, *, without):
    """A data set in NIH's layout that does not cover one of the labels."""
    generate(folder, DemoPlan(seed=seed, **PLAN))
    for path in (folder / "nih/labels").glob("*.csv"):
        pd.read_csv(path, dtype=str).drop(columns=without).to_csv(path, index=False)


def test_two_sources_of_different_labels(tmp_path):
    study = Study(tmp_path / "several", CONFIG)
    results, films = study.folder / "results", study.folder / "films"
    drawn(films / "near", 3, without="Mass")
    drawn(films / "far", 4, without="Nodule")
    study.snakemake(CARD)

    table = pd.read_parquet(results / "runs/three/cdl/seed0/predictions/validation.parquet")
    source = table["image_id"].str.partition(":")[0]
    assert source.value_counts().to_dict() == {"near": 20, "far": 20}
    assert table["patient_id"].str.partition(":")[0].equals(source)
    covered = table.groupby(source)[[f"y_{label}" for label in LABELS]].count()
    assert covered.loc["near"].tolist() == [20, 0, 20] and covered.loc["far"].tolist() == [20, 20, 0]
    counts = pd.read_csv(results / "manifest/far+near-counts.csv").query("split == 'train'").set_index("label")["n"]
    assert counts[LABELS].tolist() == [80, 40, 40]
    assert not list((results / "packed").glob("far+near*.npy"))  # the sources' own arrays are read
    metrics = pd.read_csv(results / "metrics.csv").query("metric == 'auroc'").set_index("label")
    assert metrics.loc["Mass", "reason"] == "label not covered by this data set"
    assert metrics.loc["mean", "n_labels"] == 2
    assert metrics["train_positives"][LABELS].notna().all()
    card = (results / "data-card.md").read_text()
    assert "far+near train" in card and "far: positive among 40 training films: Effusion " in card

    # a test set more that is training films under other names: nothing trains again, and nothing of it is predicted
    shutil.copytree(films / "near", films / "again")
    labels = films / "again/nih/labels"
    table = pd.read_csv(next(labels.glob("*_train.csv")), dtype=str)
    for path in (films / "again/nih/images").iterdir():
        path.rename(path.with_name(path.name.replace("0000", "9000", 1)))
    table["id"], table["subj_id"] = (table[name].str.replace("0000", "9000", 1) for name in ("id", "subj_id"))
    table.to_csv(next(labels.glob("*_test.csv")), index=False)
    study.write(CONFIG | {"data": {**CONFIG["data"], "test_on": ["near", "again"]}})
    text = study.snakemake(CARD, check=False)
    assert "Train three" not in text and "Predict again" not in text
    assert "error: training, validation and test films must be of different patients, got 40 leaks (40 pixels)" in text
    found = pd.read_csv(results / "logs/leaks/test-again.csv")
    assert set(found["where"]) == {"near train / again test"} and len(found) == 40
    study.write(CONFIG | {"data": {**CONFIG["data"], "test_on": ["near", "again"], "leaks": "allow"}})
    study.snakemake(CARD)
    assert "near train / again test: 40 leaks (40 pixels), allowed" in (results / "data-card.md").read_text()

    # what was allowed stands in the lists: to refuse it now must not end in a card that says it is allowed
    study.write(CONFIG | {"data": {**CONFIG["data"], "test_on": ["near", "again"], "leaks": "refuse"}})
    text = study.snakemake(CARD, check=False)
    assert "error: data.leaks must be allow, as when results/leaks/test-again.csv was written" in text
