"""What `qcxr evaluate` is given wrong is one clear line, names the file, and leaves nothing behind."""

import re

import pandas as pd
import pytest

from qcxr.analysis import foreign
from qcxr.analysis.counted import read_counts
from qcxr.analysis.evaluate import evaluate
from qcxr.analysis.evaluation import Evaluation
from qcxr.analysis.runlist import read_list
from qcxr.errors import InputError

from .published import spoil


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
        ("runs.csv", lambda f: f.assign(task="../x"), r"task must begin with a letter or digit.*got '\.\./x'"),
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
    for options, said in (({"alpha": 2}, "alpha must be in"), ({"replicates": 50}, "bootstrap must be 0 or >= 100")):
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
    assert foreign.film_names(pd.Series([value, value])).to_list() == [name, name]


LABELS = ("Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia", "Pneumothorax")
WHOLE = "".join(f"{label},100\n" for label in LABELS)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ("label,n_positive\nMass,3\n", r"counts\.csv: no training count of Atelectasis, .*; count every label"),
        ("label,n\nMass,3\n", "columns are missing: n_positive; it must have label, n_positive"),
        (f"label,n_positive\n{WHOLE}Mass,4\n", "label counted twice: Mass"),
        (f"label,n_positive\n{WHOLE}Other,1.5\n", "n_positive must be a whole number >= 0, got 1.5 for Other"),
        (f"label,n_positive\n{WHOLE}Other,1e300\n", "n_positive must be a whole number >= 0, got 1e.300 for Other"),
        (f"label,n_positive\n{WHOLE},4\n", "1 rows have no label; name the label of every count"),
        ("", r"^\S+counts\.csv: the file is empty; it must hold a header and at least one row$"),
        ('label,n_positive\n"Mass,3\n', r"^\S+counts\.csv: cannot be read \(.*\); give a CSV in UTF-8 or a \.parquet"),
    ],
)
def test_training_counts_that_cannot_be_used(published, tmp_path, counts, said):
    runs = spoil(published, tmp_path, "runs.csv", lambda f: f.assign(train_counts="counts.csv"))
    (tmp_path / "counts.csv").write_text(counts)
    with pytest.raises(InputError, match=said) as error:
        evaluate(runs, tmp_path / "out", Evaluation(replicates=0, only=()))
    assert "\n" not in str(error.value) and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"reference": ("mlp",)},
            r"reference must name heads of the list of runs \(cdl, dqc\), got mlp; set --reference",
        ),
        ({"heads": ("cdl", "cdl")}, r"heads must name different heads.*set --heads"),
        ({"adjust": "sidak"}, "adjust must be one of holm, .*, got sidak; set --adjust"),
        ({"only": ("losses",)}, "only must name figures of .*, got losses of a training; set --only"),
        ({"only": ("rocs",)}, "only must name figures of .*, got rocs; set --only"),
        ({"margin": 0}, r"margin must be in \(0, 1\), got 0; set --margin"),
        ({"power": 0.01}, r"power must be above alpha \(0.05\), got 0.01; set --power"),
        ({"threads": 0}, "threads must be a whole number >= 1, got 0; set --threads"),
    ],
)
def test_an_option_that_cannot_be_is_named(published, tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        evaluate(published / "runs.csv", tmp_path / "out", Evaluation(replicates=0, **options))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"label": [3, 4], "n_positive": [1, 2]}, None),
        ({"label": ["Mass", None], "n_positive": [1, 2]}, "1 rows have no label; name the label of every count"),
        (
            {"label": ["Mass", "Edema"], "n_positive": pd.array([1, None], "Int64")},
            "n_positive must be a whole number >= 0, got <NA> for Edema; correct it",
        ),
    ],
)
def test_counts_from_parquet_are_checked_as_those_from_a_csv(tmp_path, columns, said):
    path = tmp_path / "counts.parquet"
    pd.DataFrame(columns).to_parquet(path)
    if said is None:
        assert read_counts(path) == {"3": 1, "4": 2}
        return
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: {said}$"):
        read_counts(path)


def test_a_missing_file_of_counts_is_said_once(tmp_path):
    with pytest.raises(InputError, match=r"no such file; give an existing \.parquet or \.csv file$"):
        read_counts(tmp_path / "counts.csv")


def listed(tmp_path, **columns):
    rows = {"task": "t", "head": "a", "seed": 0, "dataset": "d", "predictions": "p.csv", "truth": "y.csv"} | columns
    pd.DataFrame(rows, index=range(2)).to_csv(tmp_path / "runs.csv", index=False)
    return tmp_path / "runs.csv"


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"task": ["a-b", "a"], "dataset": ["c", "b-c"]},
            "task a-b, test set c and task a, test set b-c would have one",
        ),
        ({"seed": [0, 1], "variant": ["", "wide"]}, "head a has rows with a variant and rows without"),
        (
            {"seed": [0, 1], "train_counts": ["n.csv", ""]},
            "rows of t must name one file of train_counts, got n.csv and",
        ),
        (
            {"seed": [0, 1], "groups": ["g.csv", "h.csv"]},
            "rows of t, d must name one file of groups, got g.csv and h.csv",
        ),
        (
            {"head": ["a", "b"], "dataset": ["d", "validation"]},
            "head b has validation rows only, .*; list its test sets, or take its rows out",
        ),
        ({"head": ["a/b", "c"]}, "head must begin with a letter or digit .*, got 'a/b'; rename it"),
    ],
)
def test_a_list_that_contradicts_itself(tmp_path, columns, said):
    with pytest.raises(InputError, match=said):
        read_list(listed(tmp_path, **columns))
