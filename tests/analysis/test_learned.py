"""What is said of training on several sources, of labels that nothing was learned of, and of leaks."""

import pandas as pd

from qcxr.analysis.cards import data_card
from qcxr.analysis.counted import of_training
from qcxr.analysis.facts import Study
from qcxr.analysis.learned import leaked, sources, untrained
from qcxr.analysis.names import JOINT
from qcxr.analysis.tables import summary_text
from qcxr.study.data import Data

COUNTS = pd.DataFrame(
    [
        ("far+near", "train", "Mass", 40, 3),
        ("far+near", "train", "Edema", 100, 9),
        ("far", "train", "Mass", 0, 0),
        ("far", "train", "Edema", 60, 4),
        ("far", "train", "Hernia", 60, 1),
        ("near", "train", "Mass", 40, 3),
        ("near", "train", "Edema", 40, 5),
        ("near", "test", "Edema", 20, 2),
    ],
    columns=["dataset", "split", "label", "n", "n_positive"],
)


def test_which_source_covers_what():
    assert Data.model_construct(train_on=["near", "far"]).trained_on == f"far{JOINT}near" == COUNTS["dataset"][0]
    assert sources(COUNTS, {"Mass", "Edema"}) == [
        "Trained on far and near together: a label that a film's source does not cover is left out of the loss, of "
        "class weights and of thresholds. What each covers:",
        "far: positive among 60 training films: Edema 4.",
        "near: positive among 40 training films: Mass 3, Edema 5.",
    ]
    assert sources(COUNTS[COUNTS["dataset"] == "near"], {"Mass"}) == []
    assert of_training(COUNTS)["n_positive"].tolist() == [3, 9]  # of both together, and of nothing else


def test_labels_that_no_training_film_shows_are_told_with_the_means_that_hold_them():
    rows = [
        ("cxr8", "Mass", "auroc", 0.668, 0), ("cxr8", "Edema", "auroc", 0.7, 9), ("cxr8", "mean", "auroc", 0.684, None),
        ("cxr8", "Hernia", "auroc", None, 0), ("cxr14", "Edema", "auroc", 0.7, 9), ("cxr8", "Mass", "ece", 0, 0),
    ]  # fmt: skip
    metrics = pd.DataFrame(rows, columns=["task", "label", "metric", "value", "train_positives"])
    assert untrained(metrics) == [
        "CXR-8: no training film shows Mass and Hernia; nothing was learned of them, yet means hold the scores of Mass."
    ]
    assert untrained(metrics[metrics["label"] != "Mass"]) == [
        "CXR-8: no training film shows Hernia; nothing was learned of it."
    ]
    assert untrained(metrics.assign(train_positives=pd.NA)) == []
    every = COUNTS.assign(n_positive=COUNTS["n_positive"].where(COUNTS["label"] != "Edema", COUNTS["n"]))
    assert untrained(metrics, COUNTS) == untrained(metrics) and untrained(metrics, every)[1:] == [
        "CXR-8: no training film is without Edema; nothing was learned of it, yet means hold the scores of Edema.",
        "CXR-14: no training film is without Edema; nothing was learned of it, yet means hold the scores of Edema.",
    ]
    assert untrained(metrics.assign(train_positives=pd.NA), every.assign(n=pd.NA)) == []  # counted elsewhere
    shown = metrics.assign(dataset="near", head="cdl", seed=0)
    assert summary_text(pd.DataFrame(), shown).endswith("means hold the scores of Mass.\n")


def test_leaks_stand_in_the_data_card_in_place_of_the_claim_that_there_are_none(tmp_path):
    files = [tmp_path / "before-training.csv", tmp_path / "test-near.csv"]
    files[0].write_text("film,other,kind,where\n")
    files[1].write_text("film,other,kind,where\na:x,b:x,film,a train / b test\na:y,b:z,patient,a train / b test\n")
    (line,) = said = leaked(files)
    assert line.startswith("a train / b test: 2 leaks (1 film, 1 patient), allowed by data.leaks: ")
    told = {}
    for name, leaks in (("without", []), ("with", said)):
        data_card(tmp_path / f"{name}.md", Study(leaks=leaks, learned=["Trained on both."]), counts=COUNTS)
        told[name] = (tmp_path / f"{name}.md").read_text()
    assert "no patient is in two of them. Training uses" in told["without"] and "leak" not in told["without"]
    assert f"- {line}\n\nTraining uses" in told["with"] and "no patient is in two" not in told["with"]
    assert "\nTrained on both.\n" in told["with"]
