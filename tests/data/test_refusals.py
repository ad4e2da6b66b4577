"""What a person is told in one line: which file, which row, and the way out."""

import os
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from qcxr.data import manifest, sources
from qcxr.data.cache import build
from qcxr.data.columns import labels_of
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.page import AuditFiles, write_audit
from qcxr.data.verify import verify
from qcxr.study.kinds import KINDS, Kind
from qcxr.study.labels import LABEL_SETS
from qcxr.study.source import Source

from . import films
from .refused import refused

SMALL = Preprocessing(resize=24, crop=20)
ALL = ("train", "val", "test")


def label_file(source, split: str):
    return source["labels"] / f"miccai2023_nih-cxr-lt_labels_{split}.csv"


@pytest.mark.parametrize("split", ALL)
def test_a_needed_split_without_rows_is_refused_at_the_manifest(tmp_path, split):
    source = films.nih(tmp_path / "data")
    file = label_file(source, split)
    pd.read_csv(file, dtype=str)[:0].to_csv(file, index=False)
    out = manifest.ManifestFiles(
        tmp_path / "out/m.parquet", counts=tmp_path / "out/c.csv", issues=tmp_path / "out/i.csv"
    )
    text = refused(
        lambda: manifest.write_manifest(sources.Source("nih", source), out, dataset="ours", splits=ALL),
        f"ours has no film in split {split}, which the study needs: {file} has no data row; ",
    )
    assert text.endswith("correct data.sources.ours.labels or choose other data sets (data.train_on, data.test_on)")
    assert not (tmp_path / "out").exists()
    others = [name for name in ALL if name != split]
    frame = films.manifest_of("nih", source, tmp_path / "m.parquet", splits=others)
    assert set(frame["split"]) == set(others)  # a study that does not need the split is not held up
    assert set(labels_of(frame)) == {*LABEL_SETS["cxr19"], "No Finding"}


def test_no_label_file_holds_a_row(tmp_path):
    source = films.nih(tmp_path)
    for split in ALL:
        label_file(source, split).write_text("id,Mass,subj_id\n")
    refused(lambda: sources.read("nih", **source), "no NIH label file holds a row", "labels_test.csv")


def test_a_split_of_which_no_film_is_kept(tmp_path):
    source = films.mimic(tmp_path)
    views = pd.read_csv(source["metadata"], dtype=str)
    tested = pd.read_csv(tmp_path / "test.csv")["dicom_id"]
    views.loc[views["dicom_id"].isin(tested), "ViewPosition"] = "LL"
    views.to_csv(source["metadata"], index=False)
    refused(
        lambda: films.manifest_of("mimic", source, tmp_path / "m.parquet", splits=["val", "test"]),
        f"mimic has no film in split test, which the study needs: none of the 4 rows of {tmp_path / 'test.csv'} is a",
    )


def test_a_split_whose_films_are_all_gone(tmp_path):
    source = films.nih(tmp_path / "data")
    for name in pd.read_csv(label_file(source, "val"))["id"]:
        (source["images"] / name).unlink()
    files = manifest.ManifestFiles(tmp_path / "m.parquet", issues=tmp_path / "issues.csv")
    job = sources.Source("nih", source, max_missing=0.5)
    refused(
        lambda: manifest.write_manifest(job, files, splits=ALL),
        f"no film left in split val: all are missing or empty, as listed in {tmp_path / 'issues.csv'}; restore them",
    )
    assert not (tmp_path / "m.parquet").exists()
    assert len(manifest.write_manifest(job, files, splits=["train", "test"])) == 10


def test_a_blank_label_cell_is_named_by_file_and_row(tmp_path):
    source = films.nih(tmp_path)
    file = label_file(source, "train")
    table = pd.read_csv(file, dtype=str)
    table.loc[[2, 4], "Edema"] = None
    table.to_csv(file, index=False)
    assert file.read_text().splitlines()[3].split(",")[list(table.columns).index("Edema")] == ""  # line 1 is the header
    job = {"labels_needed": ["Mass", "Edema"]}
    text = refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet", **job),
        f"label file {file} leaves Edema blank in data row 3 (2 such row(s)), but a task needs it on every film: ",
    )
    assert text.endswith("write 0 or 1, use the label files of one release, or choose a task without it")
    assert not (tmp_path / "m.parquet").exists()
    films.manifest_of("nih", source, tmp_path / "m.parquet", splits=["val", "test"], **job)
    films.manifest_of("nih", source, tmp_path / "m.parquet", labels_needed=["Mass"])


def test_a_column_missing_in_one_of_several_files_is_named(tmp_path):
    source = films.nih(tmp_path)
    file = label_file(source, "val")
    pd.read_csv(file, dtype=str).drop(columns="Edema").to_csv(file, index=False)
    refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet", labels_needed=LABEL_SETS["cxr14"]),
        f"label file {file} has no value of Edema (the column is missing or empty), but a task needs it on every film",
    )


def test_one_of_several_sources_covers_a_label_on_all_its_films_or_on_none(tmp_path):
    source = films.nih(tmp_path)
    job = {"splits": ["train", "val"], "labels_wanted": ["Mass", "Edema", "Hernia"]}
    for split in ("train", "val"):  # a blank column is none, as is one that is not there
        table = pd.read_csv(label_file(source, split), dtype=str).drop(columns="Edema").assign(Hernia="")
        table.to_csv(label_file(source, split), index=False)
    films.manifest_of("nih", source, tmp_path / "m.parquet", **job)
    file = label_file(source, "val")
    table = pd.read_csv(file, dtype=str)
    table.assign(Mass=["0", ""]).to_csv(file, index=False)
    refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet", **job),
        f"label file {file} leaves Mass blank in data row 2 (1 such row(s)), but a task needs it on every film of a ",
        "data set, or on none: write 0 or 1",
    )
    table.drop(columns="Mass").to_csv(file, index=False)
    refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet", **job),
        f"label file {file} has no value of Mass (the column is missing or empty), but a task needs it on every film",
    )


@pytest.mark.parametrize("named", [True, False])
def test_a_reader_may_leave_a_label_open_on_purpose(tmp_path, monkeypatch, named):
    source = films.nih(tmp_path)
    frame = sources.read("nih", **source)
    frame.loc[frame.index[0], "Mass"] = pd.NA
    frame = frame if named else frame.reset_index(drop=True)  # another reader's, that keeps no place
    monkeypatch.setattr(sources, "read", lambda *_, **__: frame)
    job = {"labels_wanted": ["Mass"]}
    refused(lambda: films.manifest_of("nih", source, tmp_path / "m.parquet", **job), " Mass blank ")
    frame.attrs["partial"] = ["Mass"]
    made = films.manifest_of("nih", source, tmp_path / "m.parquet", **job)
    assert made["Mass"].isna().sum() == 1
    assert manifest.read_manifest(tmp_path / "m.parquet").attrs["partial"] == ["Mass"]
    where = Films(source["images"], tmp_path / "cache", SMALL)
    build(made, where, progress=False)
    out = PackedFiles(*(tmp_path / f"p.{kind}" for kind in ("npy", "parquet", "json")))
    assert pack(made, where, split="train", out=out)["partial"] == ["Mass"]


def test_the_named_row_is_the_files_also_where_films_were_left_out(tmp_path):
    source = films.mimic(tmp_path)  # the fourth row of each file is a lateral
    table = pd.read_csv(tmp_path / "test.csv", dtype=str)
    pd.concat([table[3:], table[:3]]).to_csv(tmp_path / "test.csv", index=False)
    table = pd.read_csv(tmp_path / "test.csv", dtype=str)
    table.loc[[0, 2], "Mass"] = None  # the lateral is dropped, so that its blank does not matter
    table.to_csv(tmp_path / "test.csv", index=False)
    refused(
        lambda: films.manifest_of("mimic", source, tmp_path / "m.parquet", labels_needed=["Mass"]),
        f"label file {tmp_path / 'test.csv'} leaves Mass blank in data row 3 (1 such row(s))",
    )


def test_a_film_without_patient_is_named_by_file_and_row(tmp_path):
    source = films.nih(tmp_path)
    file = label_file(source, "test")
    table = pd.read_csv(file, dtype=str)
    table.loc[1, "subj_id"] = None
    table.to_csv(file, index=False)
    refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet"),
        f"manifest has 1 film(s) without patient_id, first in data row 2 of {file}",
    )


def test_a_patient_in_two_splits_is_named_by_files_and_rows(tmp_path):
    source = films.nih(tmp_path)
    file = label_file(source, "test")
    table = pd.read_csv(file, dtype=str)
    patient = pd.read_csv(label_file(source, "train"), dtype=str)["subj_id"].iloc[0]
    table.loc[3, "subj_id"] = patient
    table.to_csv(file, index=False)
    refused(
        lambda: films.manifest_of("nih", source, tmp_path / "m.parquet"),
        f"patient {patient} is in two splits, train (data row 1 of {label_file(source, 'train')}) and test (data row 4 "
        f"of {file}) (1 such patient(s)); split by patient",
    )


def test_a_reader_that_keeps_no_places_still_names_the_label(tmp_path, monkeypatch):
    source = films.nih(tmp_path)
    frame = sources.read("nih", **source).reset_index(drop=True)
    frame.loc[3, "Edema"] = pd.NA

    def read(*, images: str) -> pd.DataFrame:
        return frame

    monkeypatch.setitem(sys.modules, "own_reader", SimpleNamespace(read=read))
    monkeypatch.setitem(KINDS, "own", Kind(Source, "own_reader"))
    own = {"images": source["images"]}
    refused(
        lambda: films.manifest_of("own", own, tmp_path / "m.parquet", labels_needed=["Edema"]),
        "own does not cover the label(s) Edema",
    )
    out = films.manifest_of("own", own, tmp_path / "m.parquet", splits=["test"], labels_needed=["Edema"])
    assert (out["split"] == "test").sum() == 4


@pytest.mark.parametrize("kind", ["nih", "mimic"])
def test_image_folders_that_are_none(tmp_path, kind):
    source = {"nih": films.nih, "mimic": films.mimic}[kind](tmp_path / "data")
    (tmp_path / "file").write_text("a file")
    os.symlink(tmp_path / "circle", tmp_path / "circle")
    for images, reason in (
        (tmp_path / "file", "is a file"),
        (tmp_path / "nothing", "does not exist"),
        ("/proc/nothing", "does not exist"),
        (tmp_path / "circle", "cannot be listed (Too many levels of symbolic links)"),
    ):
        refused(
            lambda images=images: sources.read(kind, **{**source, "images": images}),
            f"image folder {images} {reason}; set the data source's images in the config",
        )
    elsewhere = {**source, "images": "/proc"}
    refused(lambda: films.manifest_of(kind, elsewhere, tmp_path / "m.parquet"), "films under /proc are missing")


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/qcxr", "/proc"])
def test_cache_folders_that_are_none(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    source = films.nih(tmp_path / "data")
    frame = films.manifest_of("nih", source, tmp_path / "m.parquet")
    cache = tmp_path / place  # an absolute path stays what it is
    where = Films(source["images"], cache, SMALL)
    refused(
        lambda: build(frame, where, progress=False),
        f"cache directory {cache} cannot be written ({'a file is in its place' if 'file' in place else ''}",
        "set data.cache",
    )
    for job in (
        lambda: pack(frame, where, split="val", out=PackedFiles(*(tmp_path / name for name in ("x", "y", "z")))),
        lambda: write_audit(frame, where, dataset="nih", out=AuditFiles(tmp_path / "x.html")),
    ):
        refused(job, f"cache directory {cache} ", "set data.cache")
    refused(lambda: verify(frame, where, progress=False), f"there is no cache in {cache}", "set data.cache")
    assert (tmp_path / "file").read_text() == "mine"
