"""`verify`: every kind of bad entry is found, and only those are built again."""

import os
from dataclasses import replace

import pytest
from PIL import Image

from qcxr.data.cache import build
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing
from qcxr.data.store import open_store, writer_lock
from qcxr.data.verify import verify
from qcxr.errors import InputError

from . import films


@pytest.fixture
def built(tmp_path):
    paths = films.nih(tmp_path / "nih")
    frame = films.manifest_of("nih", paths, tmp_path / "m.parquet")
    where = Films(paths["images"], tmp_path / "cache", Preprocessing(resize=24, crop=20))
    build(frame, where, progress=False)
    return frame, where


def check(built, **options):
    return verify(*built, progress=False, **options)


def test_a_good_cache_is_left_alone(built):
    with open_store(built[1].cache) as store:
        before = {key: store[key] for key in store.iterkeys()}
    report = check(built)
    assert report.ok
    assert (report.n_films, len(report.problems), report.rebuilt) == (12, 0, 0)
    with open_store(built[1].cache) as store:
        assert {key: store[key] for key in store.iterkeys()} == before


def test_each_kind_of_damage_is_found_and_only_that_is_rebuilt(built):
    frame, where = built
    root = where.images
    with open_store(where.cache) as store:
        good = {key: store[key] for key in store.iterkeys()}
        keys = [where.key(store, path) for path in frame["path"]]
        store[keys[0]] = store[keys[0]][:-5]  # truncated
        damaged = bytearray(store[keys[1]])
        damaged[len(damaged) // 2] ^= 1
        store[keys[1]] = bytes(damaged)
        store[keys[2]] = "not bytes"
        del store[keys[3]]
        del store[where.record_key(frame["path"][4])]
    old = os.stat(root / frame["path"][5])
    data = (root / frame["path"][6]).read_bytes()
    (root / frame["path"][5]).write_bytes(data)  # another film under the old modification time
    os.utime(root / frame["path"][5], ns=(old.st_atime_ns, old.st_mtime_ns))

    looked = check(built, repair=False)
    assert not looked.ok
    assert looked.rebuilt == 0
    assert dict(zip(looked.problems["path"], looked.problems["issue"], strict=True)) == {
        frame["path"][0]: "corrupt",
        frame["path"][1]: "corrupt",
        frame["path"][2]: "corrupt",
        frame["path"][3]: "not cached",
        frame["path"][4]: "not cached",
        frame["path"][5]: "stale",
    }
    repaired = check(built)
    assert repaired.ok
    assert len(repaired.problems) == 6
    assert repaired.rebuilt == 4  # film 4's entry and film 5's new content were there already
    again = check(built)
    assert again.ok
    assert again.problems.empty
    with open_store(where.cache) as store:
        assert all(store[key] == good[key] for key in keys)


def test_a_film_that_went_bad_is_reported_not_lost_silently(built):
    frame, root = built[0], built[1].images
    (root / frame["path"][2]).write_bytes(b"")
    (root / frame["path"][3]).unlink()
    report = check(built)
    assert not report.ok
    assert report.problems["issue"].tolist() == ["stale", "stale"]
    assert dict(zip(report.unreadable["path"], report.unreadable["issue"], strict=True)) == {
        frame["path"][2]: "unreadable",
        frame["path"][3]: "missing",
    }


def test_replaced_film(built):
    frame, root = built[0], built[1].images
    Image.new("L", (30, 30), 7).save(root / frame["path"][0])
    report = check(built)
    assert report.problems["issue"].tolist() == ["stale"]
    assert (report.ok, report.rebuilt) == (True, 1)


def test_a_lost_record_is_made_good_without_decoding(built):
    with open_store(built[1].cache) as store:
        del store[built[1].record_key(built[0]["path"][0])]
    report = check(built)
    assert (report.ok, report.rebuilt, len(report.problems)) == (True, 0, 1)


def test_no_cache_and_a_busy_one(built, tmp_path):
    with pytest.raises(InputError, match=r"there is no cache in .*; run the cache step first, or set data.cache"):
        verify(built[0], replace(built[1], cache=tmp_path / "none"))
    assert not (tmp_path / "none").exists()
    with writer_lock(built[1].cache), pytest.raises(InputError, match="another build is writing"):
        check(built, wait=False)
