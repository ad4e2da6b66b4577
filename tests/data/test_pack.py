"""Packed splits: the films in manifest order, whole or absent, and what a damaged one is told apart by."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from qcxr.data.cache import build
from qcxr.data.entry import pack_entry
from qcxr.data.film import Facts
from qcxr.data.films import Films
from qcxr.data.images import Preprocessing, prepare
from qcxr.data.pack import PackedFiles, pack
from qcxr.data.split import load, sha256
from qcxr.data.store import open_store
from qcxr.errors import InputError

from . import films

SMALL = Preprocessing(resize=24, crop=20)


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    root = tmp_path_factory.mktemp("pack")
    paths = films.nih(root / "nih")
    frame = films.manifest_of("nih", paths, root / "m.parquet")
    where = Films(paths["images"], root / "cache", SMALL)
    build(frame, where, progress=False)
    about = pack(frame, where, split="train", out=outputs(root / "packed"))
    return frame, where, root, about


def outputs(folder, stem="nih-train") -> PackedFiles:
    return PackedFiles(folder / f"{stem}.npy", index=folder / f"{stem}.parquet", about=folder / f"{stem}.json")


@pytest.fixture
def copy(ready, tmp_path):
    shutil.copytree(ready[2] / "packed", tmp_path / "packed")
    return tmp_path / "packed" / "nih-train.npy"


def test_rows_are_the_films(ready):
    frame, where, root, about = ready
    train = frame[frame["split"] == "train"]
    array = np.load(root / "packed/nih-train.npy")
    assert array.shape == (6, 20, 20) == tuple(about["shape"])
    assert array.dtype == np.uint8
    for row, path in zip(array, train["path"], strict=True):
        np.testing.assert_array_equal(row, prepare((where.images / path).read_bytes(), SMALL)[0])
    assert about["sha256"]["images"] == sha256(root / "packed/nih-train.npy")
    assert about["left_out"] == []
    assert json.loads((root / "packed/nih-train.json").read_text()) == about


def test_packing_again_gives_the_same_bytes(ready, tmp_path):
    frame, where, root, _ = ready
    pack(frame, where, split="train", out=outputs(tmp_path))
    assert films.tree(tmp_path) == films.tree(root / "packed")


def test_loaded_in_the_tasks_order(ready):
    frame, _, root, _ = ready
    train = frame[frame["split"] == "train"]
    split = load(
        root / "packed/nih-train.npy", ["Pleural Effusion", "Hernia", "Atelectasis"], training=True, verify=True
    )
    assert split.labels == ("Effusion", "Hernia", "Atelectasis")
    assert split.targets.dtype == np.float32
    np.testing.assert_array_equal(split.targets, train[list(split.labels)].to_numpy(dtype=np.float32))
    assert split.image_ids == tuple(train["image_id"])
    assert split.patient_ids == tuple(train["patient_id"])
    assert split.covered.all()
    assert isinstance(split.images, np.memmap)
    assert not split.images.flags.writeable
    assert len(split) == 6


def test_a_label_not_covered_is_masked_in_evaluation_and_refused_in_training(ready, tmp_path):
    frame, where, _, _ = ready
    part = frame.drop(columns="Edema")
    part["Mass"] = part["Mass"].where(part.index != 2)
    pack(part, where, split="train", out=outputs(tmp_path))
    split = load(tmp_path / "nih-train.npy", ["Edema", "Mass", "Hernia"])
    np.testing.assert_array_equal(split.covered.sum(axis=0), [0, 5, 6])
    assert not split.covered[2, 1]
    assert split.targets[:, 0].tolist() == [0.0] * 6
    with pytest.raises(InputError, match=r"training needs every label .* split train does not cover Edema, Mass"):
        load(tmp_path / "nih-train.npy", ["Edema", "Mass", "Hernia"], training=True)


def test_films_that_are_not_cached(ready, tmp_path):
    frame, where, _, _ = ready
    where = replace(where, cache=tmp_path / "cache")
    job = {"split": "train", "out": outputs(tmp_path / "out")}
    half = frame[frame.index % 2 == 0]
    build(half, where, progress=False)
    with pytest.raises(InputError, match=r"3 of 6 films .* first 00000001_001.png: not cached \(run the cache step\)"):
        pack(frame, where, **job)
    assert not (tmp_path / "out").exists()
    about = pack(frame, where, **job, max_missing=0.5)
    assert about["shape"] == [3, 20, 20]
    assert about["left_out"] == ["00000001_001", "00000002_001", "00000003_001"]
    index = pd.read_parquet(tmp_path / "out/nih-train.parquet")
    assert index["image_id"].tolist() == ["00000001_000", "00000002_000", "00000003_000"]


def test_a_corrupt_entry_stops_the_pack_with_nothing_written(ready, tmp_path):
    frame, where, root, _ = ready
    where = replace(where, cache=tmp_path / "cache")
    shutil.copytree(root / "cache", tmp_path / "cache")
    with open_store(tmp_path / "cache") as store:
        key = sorted(key for key in store.iterkeys() if key.startswith("entry:"))[0]
        store[key] = store[key][:-9]
    with pytest.raises(InputError, match=r"cache entry of .* is corrupt .*; `qcxr cache verify` rebuilds it"):
        for split in ("train", "val", "test"):
            pack(frame, where, split=split, out=outputs(tmp_path / split))
    assert not [name for name in films.tree(tmp_path) if "tmp" in name]
    with open_store(tmp_path / "cache") as store:  # a valid entry of another size is no film either
        store[key] = pack_entry(np.zeros((19, 19), np.uint8), Facts(1, 1, "L", False))
    with pytest.raises(InputError, match=r"is corrupt"):
        for split in ("train", "val", "test"):
            pack(frame, where, split=split, out=outputs(tmp_path / split))


def test_unknown_split(ready, tmp_path):
    frame, where, _, _ = ready
    with pytest.raises(InputError, match=r"no film in split 'dev'; it has test, train, val"):
        pack(frame, where, split="dev", out=outputs(tmp_path))


def test_absent_or_damaged_files(copy):
    data = copy.read_bytes()
    copy.write_bytes(data[:-1])
    with pytest.raises(InputError, match=r"packed split .* is damaged .*; delete it and run the pack step again"):
        load(copy, ["Mass"])
    flipped = bytearray(data)
    flipped[-1] ^= 1
    copy.write_bytes(flipped)
    load(copy, ["Mass"])  # a flipped bit has the right shape: only the checksum knows
    with pytest.raises(InputError, match=r"does not have the checksum of"):
        load(copy, ["Mass"], verify=True)
    np.save(copy, np.zeros((5, 20, 20), np.uint8))
    with pytest.raises(InputError, match=r"must be uint8 \(6, 20, 20\), got uint8 \(5, 20, 20\)"):
        load(copy, ["Mass"])
    np.save(copy, np.zeros((6, 20, 20), np.float32))
    with pytest.raises(InputError, match=r"must be uint8"):
        load(copy, ["Mass"])
    copy.with_suffix(".json").write_text("{")
    with pytest.raises(InputError, match=r"is damaged"):
        load(copy, ["Mass"])
    copy.with_suffix(".json").unlink()
    with pytest.raises(InputError, match=r"nih-train.json does not exist; run the pack step first"):
        load(copy, ["Mass"])
