"""Predictions saved outside this project go through `evaluate`: the published code's CSV format, strict joins."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from qcxr.analysis import inputs, metrics, statistics
from qcxr.analysis.evaluate import evaluate
from qcxr.analysis.evaluation import Evaluation, choices
from qcxr.analysis.inference import ADJUSTMENTS, FAMILIES
from qcxr.analysis.sections import DRAWN_HERE
from qcxr.study.analysis import Analysis

from .published import LABELS, spoil


@pytest.fixture(scope="module")
def result(published):
    said = []
    summary = evaluate(published / "runs.csv", published / "out", Evaluation(replicates=200), say=said.append)
    return published / "out", summary, said


def test_published_predictions_go_through(published, result):
    out, summary, said = result
    assert {p.name for p in out.iterdir()} == {
        "bootstrap", "checklist.md", "estimates.csv", "figures", "metrics.csv", "patients", "report.html", "runs",
        "tables", "tests.csv", "variance.csv",
    }  # fmt: skip
    frame = metrics.read_metrics(out / "metrics.csv")
    assert set(frame["dataset"]) == {"nih", "mimic"}
    patients = [pd.read_csv(published / f"{name}-labels.csv")["subj_id"].nunique() for name in ("nih", "mimic")]
    assert f"NIH-CXR-LT 300 of {patients[0]} patients; MIMIC-CXR-LT 340 of {patients[1]} patients" in said[3]
    assert said[0] == "Runs: 6 of CDL, DQC" and said[1] == "Tables: 18 of predictions, 3 of truth"
    # by hand, from the saved files: sorted by name, not by row
    saved = pd.read_csv(published / "mimic-dqc-1.csv", index_col=0)
    saved.index = saved.index.str.split("/").str[-1]
    truth = pd.read_csv(published / "mimic-labels.csv").set_index("id").loc[saved.index]
    row = frame.query(
        "dataset == 'mimic' and head == 'dqc' and seed == 1 and label == 'Effusion' and metric == 'auroc'"
    )
    assert row["value"].item() == pytest.approx(roc_auc_score(truth["Pleural Effusion"], saved["Effusion"]), abs=1e-12)
    assert frame.query("metric == 'balanced_accuracy' and label == 'mean'")["value"].notna().all()

    expected = statistics.compare(frame)
    found = inputs.load("tests", out / "tests.csv")
    np.testing.assert_array_equal(found["p"], expected["p"])
    assert "CXR-8" in summary and "MIMIC-CXR-LT" in summary
    patients = pd.read_csv(out / "bootstrap" / "cxr8-nih.csv")["n_patients"]
    assert (patients == pd.read_csv(published / "nih-labels.csv")["subj_id"].nunique()).all()
    report = (out / "report.html").read_text(encoding="utf-8")
    drawn = {p.stem for p in (out / "figures").glob("*.png")}
    # the forest plot and the volcano stand in the page as SVG
    shown = {name for name in drawn if name.partition("-")[0] not in DRAWN_HERE}
    assert "labels-cxr8-nih" in drawn and report.count("<img ") == len(shown) < len(drawn)


def test_the_workflows_own_tables_give_the_same_numbers(study, tmp_path):
    rows = []
    for folder in study.folders:
        task, head, seed = folder.parts[-3:]
        for dataset in ("nih", "mimic", "validation"):
            path = folder / "predictions" / f"{dataset}.parquet"
            rows.append((task, head, seed[4:], dataset, path, path))
    pd.DataFrame(rows, columns=["task", "head", "seed", "dataset", "predictions", "truth"]).to_csv(
        tmp_path / "runs.csv", index=False
    )
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()))
    key = ["task", "head", "seed", "dataset", "label", "metric"]
    ours = metrics.read_metrics(study.metrics)
    ours = ours[~ours["label"].isin(metrics.GROUPS)].set_index(key)["value"].sort_index()
    theirs = metrics.read_metrics(tmp_path / "out" / "metrics.csv").set_index(key)["value"].sort_index()
    pd.testing.assert_series_equal(ours, theirs, check_exact=True)


def test_one_head_alone_is_scored_without_a_comparison(published, tmp_path):
    frame = pd.read_csv(published / "runs.csv").query("head == 'dqc' and dataset == 'nih' and seed == 0")
    for column in ("predictions", "truth"):
        frame[column] = [str(published / name) for name in frame[column]]
    frame.to_csv(tmp_path / "runs.csv", index=False)
    summary = evaluate(
        tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=100, only=("labels", "difference", "volcano"))
    )
    assert "auroc" in summary and len(pd.read_csv(tmp_path / "out" / "tests.csv")) == 0
    assert (tmp_path / "out" / "report.html").exists()


def test_labels_without_truth_and_patients_are_said(published, tmp_path):
    def change(frame):
        return frame.drop(columns=["Mass", "subj_id"])

    frame = pd.read_csv(spoil(published, tmp_path, "nih-labels.csv", change)).query("dataset == 'nih'")
    frame.to_csv(tmp_path / "runs.csv", index=False)
    said = []
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()), say=said.append)
    assert said[-2:] == [
        "nih-labels.csv: no column for Mass: not covered, left out of means",
        "nih-labels.csv: no column patient_id or subj_id or subject_id or Patient ID: "
        "every film is taken as a patient of its own",
    ]
    found = metrics.read_metrics(tmp_path / "out" / "metrics.csv").query("label == 'Mass' and metric == 'auroc'")
    assert found["value"].isna().all() and set(found["reason"]) == {"label not covered by this data set"}
    report = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert all(note in report for note in said[-2:])


def test_its_checklist_says_what_was_computed_and_leaves_the_rest_open(published, result, tmp_path):
    text = (result[0] / "checklist.md").read_text(encoding="utf-8")
    assert "The predictions were made elsewhere" in text and "made elsewhere: CDL and DQC. **To add:**" in text
    said = text[text.index("**29 Uncertainty:**") :].splitlines()[1]
    assert said == (
        "95 % intervals and tests of differences over seeds and patients together (clustered by patient); beside them "
        "the paired t-test over seeds alone, with its interval; a bootstrap over patients with 95 % percentile "
        "intervals. p-values are adjusted by Holm over the labels of one pair of heads, task and test set; for means "
        "over labels, over the means of all pairs of heads, tasks and test sets. Level of significance 0.05."
    )
    assert "find with a power of 0.8: CXR-8 on NIH-CXR-LT 0." in text and "largest Youden's J on validation" in text
    assert "Intervals over patients keep all films of a patient together." in text
    for number in ("5 Time", "22 Architecture", "25 Training", "33 External test", "43 Availability"):
        assert text.split(f"**{number}:**")[1].splitlines()[1] == "**Open: to be written by the authors.**", number


def test_its_checklist_follows_the_options_and_what_was_not_given(published, tmp_path):
    def change(frame):
        frame = frame[frame["dataset"] == "nih"]
        return frame.assign(truth="nih-nobody.csv")

    runs = spoil(published, tmp_path, "runs.csv", change)
    pd.read_csv(tmp_path / "nih-labels.csv").drop(columns="subj_id").to_csv(tmp_path / "nih-nobody.csv", index=False)
    evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=(), adjust="none", inference="seeds", alpha=0.01))
    text = (tmp_path / "out" / "checklist.md").read_text(encoding="utf-8")
    assert (
        "95 % intervals and tests of differences over seeds (paired t-test). p-values are not adjusted for the number "
        "of comparisons. Level of significance 0.01." in text
    )
    assert "Every film counts as a patient of its own." in text and "keep all films" not in text
    assert "Youden" not in text and "balanced accuracy" not in text  # no validation rows


def test_one_seed_has_no_p_value(published, tmp_path):
    frame = pd.read_csv(published / "runs.csv").query("seed == 0 and dataset == 'nih'")
    for column in ("predictions", "truth"):
        frame[column] = [str(published / name) for name in frame[column]]
    frame.to_csv(tmp_path / "runs.csv", index=False)
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()))
    tests = inputs.load("tests", tmp_path / "out" / "tests.csv")
    assert tests["p"].isna().all() and set(tests["reason"]) == {"one seed: a paired test needs at least two"}


def put(published, tmp_path, change):
    """A list of the published runs, changed, that lies elsewhere."""
    frame = pd.read_csv(published / "runs.csv").query("dataset != 'validation'")
    for column in ("predictions", "truth"):
        frame[column] = [str(published / name) for name in frame[column]]
    change(frame).to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


def test_names_of_any_kind_keep_the_order_of_the_list(published, tmp_path):
    def renamed(frame):
        frame["head"] = frame["head"].map({"cdl": "NA", "dqc": "50"})
        frame["dataset"] = frame["dataset"].map({"nih": "Zürich (2024)", "mimic": "null"})
        return frame.assign(task="None")

    said = []
    options = Evaluation(replicates=0, only=("mean_auroc", "roc"))
    evaluate(put(published, tmp_path, renamed), tmp_path / "out", options, say=said.append)
    tests = inputs.load("tests", tmp_path / "out" / "tests.csv")
    assert list(dict.fromkeys(tests["dataset"])) == ["Zürich (2024)", "null"] and set(tests["head_a"]) == {"NA"}
    assert (tmp_path / "out" / "figures" / "roc-None-Zürich (2024).png").exists()
    evaluate(tmp_path / "runs.csv", tmp_path / "other", Evaluation(replicates=0, only=(), reference=("50",)))
    other = inputs.load("tests", tmp_path / "other" / "tests.csv")
    assert set(other["head_a"]) == {"50"}
    np.testing.assert_allclose(other["difference"], -tests["difference"], atol=1e-15)


def test_training_counts_give_the_groups_and_the_long_tail(published, tmp_path):
    counts = {label: 10 ** (k % 4 + 1) for k, label in enumerate(reversed(LABELS))}
    pd.DataFrame({"label": counts.keys(), "n_positive": counts.values()}).to_csv(tmp_path / "counts.csv", index=False)
    runs = put(published, tmp_path, lambda frame: frame.assign(train_counts="counts.csv"))
    evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=("longtail",)))
    found = metrics.read_metrics(tmp_path / "out" / "metrics.csv").query("metric == 'auroc'")
    labels = found[~found["label"].isin(metrics.MEANS)]
    assert (labels["train_positives"] == labels["label"].map(counts)).all()
    run = found.query("head == 'cdl' and seed == 0 and dataset == 'nih'").set_index("label")["value"]
    assert run["mean_head"] == pytest.approx(np.mean([run[label] for label, n in counts.items() if n > 1000]))
    assert run["mean_tail"] == pytest.approx(np.mean([run[label] for label, n in counts.items() if n < 100]))
    assert (tmp_path / "out" / "figures" / "longtail-cxr8.png").exists()


def test_named_variants_are_compared_one_by_one(published, tmp_path):
    def varied(frame):
        mine, other = frame["head"] == "dqc", frame["head"] == "cdl"
        wide = frame[mine].assign(variant="wide", predictions=frame.loc[other, "predictions"].to_list())
        return pd.concat([frame[other].assign(variant=""), frame[mine].assign(variant="narrow"), wide])

    evaluate(put(published, tmp_path, varied), tmp_path / "out", Evaluation(replicates=100, only=("mean_auroc",)))
    tests = inputs.load("tests", tmp_path / "out" / "tests.csv").query("label == 'mean' and metric == 'auroc'")
    assert set(tests["variant"]) == {"narrow", "wide"}
    assert (tests.loc[tests["variant"] == "wide", "difference"] == 0).all()  # the same predictions under another name
    assert (tests.loc[tests["variant"] == "narrow", "difference"] > 0).all()


def test_groups_of_films_are_broken_down(published, tmp_path):
    films = pd.read_csv(published / "nih-labels.csv")["id"]
    sex = np.random.default_rng(0).choice(["F", "M"], len(films))
    pd.DataFrame({"id": films[5:], "sex": sex[5:]}).to_csv(tmp_path / "groups.csv", index=False)
    where = {"nih": "groups.csv", "mimic": ""}
    runs = put(published, tmp_path, lambda frame: frame.assign(groups=frame["dataset"].map(where)))
    said = []
    evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=()), say=said.append)
    assert "groups.csv: 5 of 300 films are not in it: their groups are unknown" in said
    found = inputs.load("subgroups", tmp_path / "out" / "subgroups" / "cxr8-nih.csv")
    assert {"F", "M"} <= set(found["group"]) and not (tmp_path / "out" / "subgroups" / "cxr8-mimic.csv").exists()


def test_options_are_those_of_a_study():
    for key in ("alpha", "inference", "adjust", "family", "margin", "power"):
        assert getattr(Evaluation(), key) == Analysis.model_fields[key].default
    assert Evaluation().replicates == Analysis.model_fields["bootstrap"].default
    assert choices("adjust") == tuple(ADJUSTMENTS) and choices("family") == FAMILIES
