"""The cache: what it holds, what it does again and what not, and what it does with bad films."""

import os
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qcxr.data.cache import build
from qcxr.data.entry import CorruptEntry, pack_entry, unpack_entry, unpack_whole
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, prepare
from qcxr.data.store import open_store, writer_lock
from qcxr.errors import InputError

from . import films

SMALL = Preprocessing(resize=24, crop=20)


@pytest.fixture
def source(tmp_path):
    paths = films.nih(tmp_path / "nih")
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    return frame, Films(paths["images"], tmp_path / "cache", SMALL)


def run(source, **options):
    return build(*source, progress=False, **options)


def test_entries_are_the_preprocessed_films(source):
    frame, where = source
    report = run(source)
    assert (report.n_films, report.n_built, report.n_cached, len(report.issues)) == (12, 12, 0, 0)
    with open_store(where.cache) as store:
        for path in frame["path"]:
            expected, facts = prepare((where.images / path).read_bytes(), SMALL)
            blob = store[where.key(store, path)]
            np.testing.assert_array_equal(unpack_entry(blob, crop=20), expected)
            assert unpack_whole(blob, crop=20)[1] == facts


def test_a_second_build_does_nothing_and_workers_do_not_matter(source, tmp_path):
    run(source)
    again = run(source)
    assert (again.n_built, again.n_cached) == (0, 12)
    frame, where = source
    two = build(pd.concat([frame] * 3), replace(where, cache=tmp_path / "two"), workers=2, progress=False)
    assert two.n_built + two.n_cached == 36
    with open_store(where.cache) as one, open_store(tmp_path / "two") as other:
        assert set(one.iterkeys()) == set(other.iterkeys())
        assert all(one[key] == other[key] for key in one.iterkeys())


def test_touched_and_moved_films_are_not_decoded_again_but_replaced_ones_are(source, tmp_path):
    frame, where = source
    run(source)
    os.utime(where.images / frame["path"][0], ns=(1, 1))
    touched = run(source)
    assert (touched.n_built, touched.n_cached) == (0, 12)
    shutil.copytree(where.images, tmp_path / "moved")
    moved = build(frame, replace(where, images=tmp_path / "moved"), progress=False)
    assert (moved.n_built, moved.n_cached) == (0, 12)
    Image.fromarray(films.gray(np.random.default_rng(99))).save(where.images / frame["path"][3])
    replaced = run(source)
    assert (replaced.n_built, replaced.n_cached) == (1, 11)


def test_other_preprocessing_is_another_entry(source):
    run(source)
    other = build(source[0], replace(source[1], preprocessing=Preprocessing(30, 20)), progress=False)
    assert other.n_built == 12
    assert run(source).n_built == 0


def test_unreadable_films_are_listed_and_the_others_kept(source, tmp_path):
    frame, root = source[0], source[1].images
    (root / frame["path"][1]).write_bytes(b"not a film")
    data = (root / frame["path"][2]).read_bytes()
    (root / frame["path"][2]).write_bytes(data[: len(data) // 2])
    (root / frame["path"][4]).unlink()
    with pytest.raises(InputError, match=r"3 of 12 films under .* are missing or unreadable, first 00000001_001.png"):
        run(source, issues_out=tmp_path / "issues.csv")
    issues = pd.read_csv(tmp_path / "issues.csv", keep_default_na=False)
    assert issues["issue"].tolist() == ["unreadable", "unreadable", "missing"]
    assert issues["detail"][0] == "not a PNG, JPEG or DICOM"
    assert "truncated" in issues["detail"][1]
    allowed = run(source, max_missing=0.25)
    assert (allowed.n_built, allowed.n_cached, len(allowed.issues)) == (0, 9, 3)


def test_one_writer_at_a_time(source):
    with (
        writer_lock(source[1].cache),
        pytest.raises(InputError, match=r"another build is writing .*; wait for it, or stop it first"),
    ):
        run(source, wait=False)
    assert run(source, wait=False).n_built == 12


def test_a_damaged_cache_file_is_said(source):
    run(source)
    (source[1].cache / "cache.db").write_bytes(b"this is no database, but it is long enough to be read as one" * 99)
    for name in ("cache.db-wal", "cache.db-shm"):
        (source[1].cache / name).unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"cache .* is damaged .*; delete the directory and run again"):
        run(source)


def test_bad_workers(source):
    with pytest.raises(InputError, match=r"workers must be a whole number >= 1, got 0"):
        run(source, workers=0)


def test_every_damaged_entry_is_noticed():
    image, facts = films.gray(np.random.default_rng(0), 20, 20), Facts(40, 41, "RGBA", False)
    blob = pack_entry(image, facts)
    np.testing.assert_array_equal(unpack_entry(blob, crop=20), image)
    assert unpack_whole(blob, crop=20)[1] == facts
    for position in range(len(blob)):
        damaged = bytearray(blob)
        damaged[position] ^= 0x10
        try:
            same = np.array_equal(unpack_entry(bytes(damaged), crop=20), image)
        except CorruptEntry:
            continue
        assert same, position  # a bit without meaning, for example a reserved one
    for size in range(0, len(blob), 7):
        with pytest.raises(CorruptEntry):
            unpack_entry(blob[:size], crop=20)
    with pytest.raises(CorruptEntry):
        unpack_entry(blob, crop=21)
    with pytest.raises(CorruptEntry):
        unpack_entry("text", crop=20)
