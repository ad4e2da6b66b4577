"""What a person is told in one line: which file, which row, and the way out."""

import os
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qcxr.data import manifest, sources
from qcxr.data.audit import film_facts
from qcxr.data.cache import build
from qcxr.data.columns import labels_of
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.page import AuditFiles, write_audit
from qcxr.data.split import load
from qcxr.data.store import open_store
from qcxr.data.verify import verify
from qcxr.errors import InputError
from qcxr.study.kinds import KINDS, Kind
from qcxr.study.labels import LABEL_SETS
from qcxr.study.source import Source

from . import films

SMALL = Preprocessing(resize=24, crop=20)
ALL = ("train", "val", "test")


def refused(job, *words: str) -> str:
    """The one line with which `job` is refused; it holds all of `words`."""
    with pytest.raises(InputError) as caught:
        job()
    text = str(caught.value)
    assert "\n" not in text
    for word in words:
        assert word in text, text
    return text


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


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    root = tmp_path_factory.mktemp("refusals")
    source = films.nih(root / "nih")
    frame = films.manifest_of("nih", source, root / "m.parquet")
    where = Films(source["images"], root / "cache", SMALL)
    build(frame, where, progress=False)
    out = PackedFiles(*(root / f"packed/nih-train.{suffix}" for suffix in ("npy", "parquet", "json")))
    pack(frame, where, split="train", out=out)
    return root, frame, where


DAMAGES = {
    "emptied": lambda data: b"",
    "cut in half": lambda data: data[: len(data) // 2],
    "its head overwritten": lambda data: b"\0" * 40 + data[40:],
    "its tail overwritten": lambda data: data[:-40] + b"\xff" * 40,
    "of another kind": lambda data: b'["a list"]\n',
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_manifest_names_itself_and_the_way_out(packed, tmp_path, damage):
    path = tmp_path / "m.parquet"
    path.write_bytes(DAMAGES[damage]((packed[0] / "m.parquet").read_bytes()))
    refused(
        lambda: manifest.read_manifest(path),
        f"manifest {path} is not readable parquet (",
        "delete the file and run the manifest step again",
    )


def test_a_manifest_that_was_edited_names_itself(packed, tmp_path):
    path = tmp_path / "m.parquet"
    for edit, reason in (
        (lambda frame: frame.drop(columns="split"), "manifest lacks the column(s) split"),
        (lambda frame: frame.assign(age="old"), "age of a manifest must be of type Float32"),
        (lambda frame: frame[:0], "manifest has no film"),
    ):
        edit(packed[1]).to_parquet(path, index=False)
        refused(
            lambda: manifest.read_manifest(path), f"manifest {path} is not as it was written: {reason}", "delete the"
        )


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["npy", "parquet", "json"])
def test_a_damaged_packed_file_names_itself_and_the_way_out(packed, tmp_path, suffix, damage):
    shutil.copytree(packed[0] / "packed", tmp_path / "packed")
    npy = tmp_path / "packed/nih-train.npy"
    file = npy.with_suffix(f".{suffix}")
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    if (suffix, damage) == ("npy", "its tail overwritten"):  # pixels: of these only the checksum knows
        refused(lambda: load(npy, ["Mass"], verify=True), f"packed file {npy} does not have the checksum", "delete it")
        return
    refused(
        lambda: load(npy, ["Mass"]),
        f"packed split {npy} is damaged (nih-train.{suffix}: ",
        "; delete it and run the pack step again",
    )


def test_a_packed_index_with_other_content_is_damaged(packed, tmp_path):
    shutil.copytree(packed[0] / "packed", tmp_path / "packed")
    npy = tmp_path / "packed/nih-train.npy"
    index = pd.read_parquet(npy.with_suffix(".parquet"))
    for change, reason in (
        (index.drop(columns="image_id"), "lacks 'image_id'"),
        (index.assign(patient_id=np.arange(len(index))), "patient_id must be text"),
        (index.assign(Mass=2), "label Mass must be 0, 1 or missing"),
    ):
        change.to_parquet(npy.with_suffix(".parquet"), index=False)
        refused(lambda: load(npy, ["Mass"]), f"is damaged (nih-train.parquet: {reason}); delete it")


def test_a_corrupt_entry_stops_the_audit_with_the_way_out(packed, tmp_path):
    _, frame, where = packed
    shutil.copytree(where.cache, tmp_path / "cache")
    where = Films(where.images, tmp_path / "cache", SMALL)
    path = frame["path"][2]
    with open_store(where.cache) as store:
        key = where.key(store, path)
        store[key] = store[key][:-3]
    words = (f"cache entry of {path} is corrupt (", "`qcxr cache verify` rebuilds it from the film")
    refused(lambda: film_facts(frame, where), *words)
    refused(lambda: write_audit(frame, where, dataset="nih", out=AuditFiles(tmp_path / "x.html")), *words)
    assert not (tmp_path / "x.html").exists()
    assert verify(frame, where, progress=False).ok
    assert len(film_facts(frame, where)) == 12


def test_damaged_text_in_the_cache_is_said(packed, tmp_path):
    _, frame, where = packed
    shutil.copytree(where.cache, tmp_path / "cache")
    where = Films(where.images, tmp_path / "cache", SMALL)
    database = tmp_path / "cache/cache.db"
    with open_store(where.cache):  # closing folds the log into the database
        pass
    data = database.read_bytes()
    assert b'{"content": "' in data
    database.write_bytes(data.replace(b'{"content": "', b'{"content\xa0: "'))
    refused(
        lambda: build(frame, where, progress=False),
        f"cache {where.cache} is damaged (text that is not UTF-8); delete the directory and run again",
    )
