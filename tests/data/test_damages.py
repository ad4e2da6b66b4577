"""Damaged manifests, packed files and caches: which file, and the way out, in one line."""

import contextlib
import pickle
import shutil
import sqlite3

import numpy as np
import pandas as pd
import pytest

from qcxr.data import manifest
from qcxr.data.audit import film_facts
from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.page import AuditFiles, write_audit
from qcxr.data.split import load
from qcxr.data.store import open_store
from qcxr.data.verify import verify

from . import films
from .refused import refused

SMALL = Preprocessing(resize=24, crop=20)


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


class Executed:
    """Whose pickle says that it was read."""

    told = False

    def __reduce__(self):
        return (setattr, (Executed, "told", True))


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("mode = 4, value = :pickle", "a value"),
        ("mode = 2, filename = :file", "a value"),
        ("raw = 0, key = :pickle", ""),
    ],
    ids=["a pickle", "another's file", "a pickled key"],
)
def test_a_database_that_holds_pickles_or_names_files_is_damaged(packed, tmp_path, column, said):
    """diskcache would execute the first, read or remove the second."""
    _, frame, where = packed
    shutil.copytree(where.cache, tmp_path / "cache")
    where = Films(where.images, tmp_path / "cache", SMALL)
    other = tmp_path / "other"
    other.write_bytes(b"somebody's")
    given = {"pickle": pickle.dumps(Executed()), "file": "../other"}
    with contextlib.closing(sqlite3.connect(tmp_path / "cache/cache.db")) as database:
        database.execute(f"UPDATE OR IGNORE Cache SET {column}", given)
        database.commit()
    if said:
        refused(lambda: film_facts(frame, where), f"cache {where.cache} is damaged ({said} that we have not written)")
        refused(lambda: build(frame, where, progress=False), "is damaged (a value that we have not written); delete")
    else:
        film_facts(frame, where)
    assert not Executed.told and other.read_bytes() == b"somebody's"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE Cache RENAME COLUMN tag TO tug", "no such column: tag"),
        ("UPDATE Settings SET key = 'sqlite_`e' WHERE key = 'sqlite_cache_size'", "unrecognized token"),
        # as a damaged index does, which does not find what it holds
        ("CREATE TRIGGER no BEFORE INSERT ON Cache BEGIN SELECT RAISE(ABORT, 'UNIQUE failed'); END", "UNIQUE failed"),
        (
            "UPDATE Settings SET key = 'sqlite_' || char(0) WHERE key = 'sqlite_cache_size'",
            "settings that we have not written",
        ),
        ("UPDATE Settings SET key = x'00' WHERE key = 'cull_limit'", "settings that we have not written"),
    ],
)
def test_a_database_whose_tables_are_not_ours_is_damaged(packed, tmp_path, change, said):
    _, frame, where = packed
    shutil.copytree(where.cache, tmp_path / "cache")
    with contextlib.closing(sqlite3.connect(tmp_path / "cache/cache.db")) as database:
        database.execute("DELETE FROM Cache")
        database.execute(change)
        database.commit()
    where = Films(where.images, tmp_path / "cache", SMALL)
    refused(
        lambda: build(frame, where, progress=False), f"cache {where.cache} is damaged (", said, "delete the directory"
    )
