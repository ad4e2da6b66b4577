"""Predictions saved outside this project go through `evaluate`: the published code's CSV format, strict joins."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from qcxr.analysis import foreign, inputs, metrics, statistics
from qcxr.analysis.evaluate import Evaluation, evaluate
from qcxr.analysis.runlist import read_list
from qcxr.errors import InputError

from . import synthetic

LABELS = synthetic.LABELS["cxr8"]


def save_as_published(folder, *, seeds=(0, 1, 2), heads=("cdl", "dqc")):
    """Write files as other people's scripts do: an unnamed first column of absolute paths; truth as a label file."""
    rows = []
    for k, (dataset, films) in enumerate({"nih": 300, "mimic": 340, "validation": 200}.items()):
        truth = synthetic.truth(LABELS, films=films, seed=k, empty=())
        names = {f"y_{label}": label for label in LABELS}
        if dataset == "mimic":
            names["y_Effusion"] = "Pleural Effusion"
        saved = truth.rename(columns=names)
        saved = saved.rename(columns={"image_id": "id", "patient_id": "subj_id"})
        saved["id"] += ".png"
        saved.assign(**{"No Finding": 0}).to_csv(folder / f"{dataset}-labels.csv", index=False)
        for head in heads:
            for seed in seeds:
                table = synthetic.predict(truth, head=head, seed=seed)
                out = table[[f"p_{label}" for label in LABELS]].set_axis(list(LABELS), axis=1)
                out.index = "/home/someone/data/" + dataset + "/images/" + table["image_id"] + ".png"
                name = f"{dataset}-{head}-{seed}.csv"
                out.sample(frac=1, random_state=seed).to_csv(folder / name)
                rows.append(("cxr8", head, seed, dataset, name, f"{dataset}-labels.csv"))
    frame = pd.DataFrame(rows, columns=["task", "head", "seed", "dataset", "predictions", "truth"])
    frame.to_csv(folder / "runs.csv", index=False)
    return frame


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    save_as_published(folder)
    return folder


@pytest.fixture(scope="module")
def result(published):
    said = []
    summary = evaluate(published / "runs.csv", published / "out", Evaluation(replicates=200), say=said.append)
    return published / "out", summary, said


def test_published_predictions_go_through(published, result):
    out, summary, said = result
    assert {p.name for p in out.iterdir()} == {
        "bootstrap", "figures", "metrics.csv", "report.html", "runs", "tables", "tests.csv"
    }  # fmt: skip
    frame = metrics.read_metrics(out / "metrics.csv")
    assert set(frame["dataset"]) == {"nih", "mimic"} and said == []
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
    assert "labels-cxr8-nih" in {p.stem for p in (out / "figures").glob("*.png")} and report.count("<img ") == 15


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


def spoil(published, tmp_path, name, change, **read):
    """Copy the study with one file changed; return the list of runs."""
    for path in published.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    change(pd.read_csv(tmp_path / name, dtype=str, **read)).to_csv(tmp_path / name, index=False)
    return tmp_path / "runs.csv"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("nih-cdl-0.csv", lambda f: f.iloc[:-2], r"nih-cdl-0\.csv: 2 films of nih-labels\.csv are missing"),
        ("nih-labels.csv", lambda f: f.iloc[1:], r"nih-labels\.csv: 1 films of nih-cdl-0\.csv are missing: 0+_000"),
        ("nih-cdl-0.csv", lambda f: pd.concat([f, f[:1]]), r"nih-cdl-0\.csv: film given twice"),
        ("nih-labels.csv", lambda f: pd.concat([f, f[:1]]), r"nih-labels\.csv: film given twice: 0+_000"),
        ("nih-cdl-0.csv", lambda f: f.drop(columns="Mass"), r"nih-cdl-0\.csv: label columns are missing: Mass"),
        ("nih-cdl-0.csv", lambda f: f.assign(Mass=""), r"nih-cdl-0\.csv: p_Mass must be in \[0, 1\], got nan"),
        ("nih-cdl-0.csv", lambda f: f.assign(Mass="-3.1"), r"p_Mass must be in \[0, 1\], got -3\.1 .* not logits"),
        ("nih-cdl-0.csv", lambda f: f.assign(Mass="high"), r"column Mass must hold numbers, got 'high' for"),
        ("nih-cdl-0.csv", lambda f: f.iloc[:0], r"nih-cdl-0\.csv: no rows"),
        ("nih-labels.csv", lambda f: f.assign(Mass="-1"), r"nih-labels\.csv: Mass must be 0, 1 or empty, got -1"),
        ("nih-labels.csv", lambda f: f.assign(**{"Pleural Effusion": 0}), "both mean Effusion; keep one"),
        ("nih-labels.csv", lambda f: f[["id", "subj_id"]], "none of the labels Atelectasis"),
        ("runs.csv", lambda f: f.iloc[:0], "no rows; list at least one run"),
        ("runs.csv", lambda f: f.drop(columns="truth"), "columns are missing: truth"),
        ("runs.csv", lambda f: pd.concat([f, f[:1]]), "cxr8/cdl/seed0 on nih is listed twice"),
        ("runs.csv", lambda f: f.assign(seed="first"), "seed must be a whole number >= 0, got 'first'"),
        ("runs.csv", lambda f: f.assign(task="../x"), r"task must be made of letters, digits.*got '\.\./x'"),
        ("runs.csv", lambda f: f.assign(truth=None), "line 2 has no truth"),
        ("runs.csv", lambda f: f.assign(truth="none.csv"), r"none\.csv: no such file"),
        ("runs.csv", lambda f: f[f["dataset"] == "validation"], "only validation rows"),
        ("runs.csv", lambda f: f.drop(index=0), "heads must have the same seeds to be paired"),
    ],
)
def test_malformed_input_is_one_clear_line_and_leaves_nothing(published, tmp_path, name, change, said):
    runs = spoil(published, tmp_path, name, change)
    with pytest.raises(InputError, match=said) as error:
        evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=()))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


def in_folders(frame):
    """Films of equal name in two folders, as patients' folders hold them."""
    films = [f"p1{i % 2}/film{i // 2}.png" for i in range(len(frame))]
    return frame.assign(**{frame.columns[0]: films})


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "nih-cdl-0.csv",
            lambda f: f.assign(Age="63"),
            "column Age must hold probabilities, got 63 for .*; if it is no",
        ),
        (
            "nih-cdl-0.csv",
            lambda f: f.assign(Sex="M"),
            "column Sex must hold numbers, got 'M' for .*; if it is no label",
        ),
        (
            "nih-cdl-0.csv",
            in_folders,
            r"p10/film0\.png, p11/film0\.png have one file name, by which films are joined; give",
        ),
        ("nih-labels.csv", lambda f: f.assign(subj_id=""), "300 rows have no patient in column 'subj_id'; fill it"),
        ("nih-labels.csv", lambda f: f.assign(id=""), "300 rows have no film name in column 'id'; fill it"),
    ],
)
def test_a_table_that_cannot_be_joined_says_the_way_out(published, tmp_path, name, change, said):
    runs = spoil(published, tmp_path, name, change)
    pd.read_csv(runs).assign(task="mine").to_csv(runs, index=False)
    with pytest.raises(InputError, match=said) as error:
        evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=()))
    assert name in str(error.value) and "\n" not in str(error.value)


def test_labels_without_truth_and_patients_are_said(published, tmp_path):
    def change(frame):
        return frame.drop(columns=["Mass", "subj_id"])

    frame = pd.read_csv(spoil(published, tmp_path, "nih-labels.csv", change)).query("dataset == 'nih'")
    frame.to_csv(tmp_path / "runs.csv", index=False)
    said = []
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()), say=said.append)
    assert said == [
        "nih-labels.csv: no column for Mass: not covered, left out of means",
        "nih-labels.csv: no column patient_id or subj_id or subject_id or Patient ID: "
        "every film is taken as a patient of its own",
    ]
    found = metrics.read_metrics(tmp_path / "out" / "metrics.csv").query("label == 'Mass' and metric == 'auroc'")
    assert found["value"].isna().all() and set(found["reason"]) == {"label not covered by this data set"}
    assert all(note in (tmp_path / "out" / "report.html").read_text(encoding="utf-8") for note in said)


def test_one_seed_has_no_p_value(published, tmp_path):
    frame = pd.read_csv(published / "runs.csv").query("seed == 0 and dataset == 'nih'")
    for column in ("predictions", "truth"):
        frame[column] = [str(published / name) for name in frame[column]]
    frame.to_csv(tmp_path / "runs.csv", index=False)
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=()))
    tests = inputs.load("tests", tmp_path / "out" / "tests.csv")
    assert tests["p"].isna().all() and set(tests["reason"]) == {"one seed: a paired test needs at least two"}


def test_files_of_another_kind_are_one_clear_line(published, tmp_path):
    runs = spoil(published, tmp_path, "runs.csv", lambda f: f.assign(predictions="odd.parquet"))
    (tmp_path / "odd.parquet").write_bytes(b"no parquet")
    with pytest.raises(
        InputError, match=r"odd\.parquet: cannot be read \(.*\); give a CSV in UTF-8 or a .parquet file"
    ):
        evaluate(runs, tmp_path / "out")
    (tmp_path / "latin.csv").write_bytes(b"task,caf\xe9\n")
    with pytest.raises(InputError, match=r"latin\.csv cannot be read as CSV \(.*\); give a UTF-8 CSV"):
        evaluate(tmp_path / "latin.csv", tmp_path / "out")
    with pytest.raises(InputError, match=r"cannot be written \(Not a directory\)"):
        evaluate(published / "runs.csv", tmp_path / "latin.csv" / "out", Evaluation(replicates=0, only=()))
    for options, said in (({"alpha": 2}, "alpha must be in"), ({"replicates": 50}, "replicates must be 0 or >= 100")):
        with pytest.raises(InputError, match=said):
            Evaluation(**options)


def test_an_existing_folder_is_not_overwritten(published, tmp_path):
    (tmp_path / "keep.txt").touch()
    with pytest.raises(InputError, match="exists and is not empty; give a new folder with --out"):
        evaluate(published / "runs.csv", tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["keep.txt"]


def test_an_empty_list_is_refused(tmp_path):
    (tmp_path / "runs.csv").touch()
    with pytest.raises(InputError, match="the file is empty; it must have columns task, head, seed"):
        read_list(tmp_path / "runs.csv")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("/a/b/00000001_000.png", "00000001_000"),
        ("C:\\films\\x.JPG", "x"),
        ("1.2.840.113.5", "1.2.840.113.5"),
        ("files/p10/p1/s5/1.2.3.dcm", "1.2.3"),
        (7, "7"),
    ],
)
def test_film_names(value, name):
    assert foreign.film_name(value) == name
