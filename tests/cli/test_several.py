"""Several sources, leaks and labels of which nothing can be learned: what `qcxr check` says and refuses in one line."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from qcxr.cli import main
from tests.data import films

LABELS = ["Effusion", "Mass", "Nodule"]


def table(source, split, change=None):
    """A label file as text; `change` makes what is written in its place."""
    file = next(source["labels"].glob(f"*_{split}.csv"))
    rows = pd.read_csv(file, dtype=str)
    if change is not None:
        change(rows).to_csv(file, index=False)
    return rows


@pytest.fixture
def sources(tmp_path):
    """Two data sets in NIH's layout: `far` does not cover Mass, `near` not Nodule."""
    made = {name: films.nih(tmp_path / name, n=48, seed=seed) for seed, name in enumerate(("far", "near"))}
    for name, label in (("far", "Mass"), ("near", "Nodule")):
        for split in ("train", "val", "test"):
            table(made[name], split, lambda rows, label=label: rows.drop(columns=label))
    return made


def checked(tmp_path, sources, **changes):
    """The exit status of `qcxr check` on a study of the two."""
    keys = {name: {"kind": "nih", **{key: str(path) for key, path in made.items()}} for name, made in sources.items()}
    data = {"train_on": ["near", "far"], "test_on": ["near"], "sources": keys, "cache": "cache"}
    study = {"tasks": ["three"], "label_sets": {"three": LABELS}, "backbone": {"weights": None}}
    data |= {key: value for key, value in changes.items() if key != "results"}
    study |= {"data": data, **{key: value for key, value in changes.items() if key == "results"}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    return main(["check", "--configfile", "mine.yaml"])


def test_check_says_which_source_covers_what(tmp_path, sources, capsys):
    assert checked(tmp_path, sources) == 0
    far, near, verdict = capsys.readouterr().err.splitlines()
    positives = {label: (table(sources["far"], "train")[label] == "1").sum() for label in ("Effusion", "Nodule")}
    told = ", ".join(f"{label} {count}" for label, count in positives.items())
    assert far == (f"far: 24 training and 8 validation films, covers 2 of 3 labels (positive training films: {told})")
    assert near.startswith("near: 24 training") and verdict.startswith("the configuration is sound")


def test_what_is_allowed_is_said(tmp_path, sources, capsys):
    table(sources["near"], "train", lambda rows: rows.assign(Mass="0"))
    table(sources["near"], "test", lambda rows: rows.assign(subj_id="1"))  # 00000001 is a training patient
    allowed_before(sources)
    assert checked(tmp_path, sources, leaks="allow", unlearnable="allow") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert said == [
        "warning: three: none of 48 training films is positive for Mass: nothing is learned",
        "warning: 1 leak (1 patient), as data.leaks allows",
    ]


def zeros(sources):
    table(sources["near"], "test", lambda rows: rows.assign(subj_id="1"))


def none_positive(sources):
    table(sources["near"], "train", lambda rows: rows.assign(Mass="0"))


def none_negative(sources):
    table(sources["near"], "train", lambda rows: rows.assign(Mass="1"))


def not_in_validation(sources):
    table(sources["near"], "val", lambda rows: rows.drop(columns="Mass"))


def allowed_before(sources):
    """What an earlier run listed of the pixels of films, which no label file tells."""
    for name, rows in (("before-training", ""), ("test-near", "near:a,near:b,pixels,near train / near test\n")):
        file = Path("results/leaks", f"{name}.csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("film,other,kind,where\n" + rows)


def nothing(sources):
    pass


REFUSED = {
    "a source twice": (nothing, {"train_on": ["near", "near"]}, "data.train_on must not repeat, got ['near', 'near']"),
    "no source": (nothing, {"train_on": []}, "data.train_on: "),
    "an unknown source": (nothing, {"train_on": ["near", "here"]}, "got here; describe it under data.sources"),
    "a source that cannot train": (nothing, {"train_on": ["near", "mimic"]}, "take mimic out of data.train_on"),
    "another word for leaks": (nothing, {"leaks": "warn"}, "input should be 'refuse' or 'allow', got 'warn'"),
    "another word for what cannot be learned": (nothing, {"unlearnable": True}, "data.unlearnable: "),
    "a patient with and without zeros": (
        zeros,
        {},
        "got 1 leak (1 patient), first near:00000001_000 and near:00000017_000 (near train / near test: the same "
        "patient); correct the label files, or set data.leaks to allow",
    ),
    "leaks that an earlier run was allowed": (
        allowed_before,
        {},
        "data.leaks must be allow, as when results/leaks/test-near.csv was written, which lists 1 leak (1 pixels), got "
        "refuse; correct the label files and delete that file, or allow leaks again",
    ),
    "a label without a positive film": (none_positive, {}, "got none of Mass (no positive) among 48 films"),
    "a label without a negative film": (none_negative, {}, "got none of Mass (no negative) among 48 films"),
    "a label that no source covers in validation": (
        not_in_validation,
        {},
        "got no film in split val of far, near that covers Mass",
    ),
    "no folder for results": (nothing, {"results": ""}, "results must be a path without braces"),
    "results in the films": (nothing, {"results": "near/images"}, "must lie apart from data.sources.near.images"),
    "results in the cache": (nothing, {"results": "cache/mine"}, "results must lie apart from data.cache"),
    "one folder for all": (nothing, {"results": "near", "cache": "near"}, "results must lie apart from data.cache"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_line(tmp_path, sources, capsys, what):
    damage, changes, expected = REFUSED[what]
    damage(sources)
    assert checked(tmp_path, sources, **changes) == 1
    *said, line = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and expected in line
    assert all(other.startswith(("far: ", "near: ")) for other in said)
