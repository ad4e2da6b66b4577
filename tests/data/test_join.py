"""Packed splits of several sources, read as one: against a plain concatenation."""

import json

import numpy as np
import pandas as pd
import pytest

from qcxr.data import join, split
from qcxr.data.joined import Joined
from qcxr.data.split import drawn, of_patients
from qcxr.errors import InputError
from qcxr.study.files import write_parquet, write_text


def packed(folder, source, n, labels, *, seed, shape=(6, 6), **about):
    """A packed split of random films: what `pack` writes, without a cache."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
    stem = folder / f"{source}-train"
    folder.mkdir(exist_ok=True)
    np.save(stem.with_suffix(".npy"), images)
    ids = [f"{i:03d}" for i in range(n)]
    frame = pd.DataFrame({"image_id": ids, "patient_id": [f"p{i // 2}" for i in range(n)]})
    for label in labels:
        frame[label] = pd.array(rng.integers(0, 2, n), dtype="Int8")
    write_parquet(frame, stem.with_suffix(".parquet"))
    digests = {"images": split.sha256(stem.with_suffix(".npy")), "index": split.sha256(stem.with_suffix(".parquet"))}
    facts = {"format": 1, "split": "train", "shape": [n, *shape], "dtype": "uint8", "left_out": ["gone"]}
    facts |= {"preprocessing": {"resize": 8}, "labels": list(labels), "sha256": digests, **about}
    write_text(json.dumps(facts), stem.with_suffix(".json"))
    return images, frame


def joined(folder, *sources):
    films = [folder / f"{source}-train.npy" for source in sources]
    stem = folder / ("+".join(sources) + "-train")
    return join.join(films, sources, index=stem.with_suffix(".parquet"), about=stem.with_suffix(".json"))


def test_two_sources_are_read_as_one(tmp_path):
    a, of_a = packed(tmp_path, "a", 7, ["Mass", "Edema"], seed=1)
    b, of_b = packed(tmp_path, "b", 4, ["Nodule", "Mass"], seed=2)
    about = joined(tmp_path, "a", "b")
    assert about["shape"] == [11, 6, 6] and about["left_out"] == ["a:gone", "b:gone"]
    assert about["covered"] == {"a": ["Mass", "Edema"], "b": ["Nodule", "Mass"]}
    films = split.load(tmp_path / "a+b-train.json", ["Nodule", "Mass", "Edema"], training=True, verify=True)
    whole = np.concatenate([a, b])
    np.testing.assert_array_equal(films.images, whole)
    assert films.image_ids == tuple(f"a:{i}" for i in of_a["image_id"]) + tuple(f"b:{i}" for i in of_b["image_id"])
    assert films.covered.sum(0).tolist() == [4, 11, 7] and not np.isnan(films.targets).any()
    np.testing.assert_array_equal(np.isnan(films.truth), ~films.covered)
    np.testing.assert_array_equal(films.truth[:, 1], [*of_a["Mass"], *of_b["Mass"]])
    # patients of two sources are different people: a part is drawn from all of them together
    part = of_patients(films, 0.5, 3)
    rows = np.flatnonzero(drawn(films.patient_ids, 0.5, 3))
    assert len(set(part.patient_ids)) == 3  # of 4 + 2
    np.testing.assert_array_equal(part.images, whole[rows])


@pytest.mark.parametrize(
    "rows",
    [
        3, -1, slice(2, 9, 3), slice(None), [8, 0, 8, 6, 7], np.array([[0, 10], [7, 6]]), np.arange(11) % 2 == 0,
        np.array([], int),
    ],
)  # fmt: skip
def test_rows_are_taken_as_of_one_array(rows):
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=(n, 2, 3)).astype(np.float32) for n in (7, 4)]
    both, whole = Joined(parts), np.concatenate(parts)
    np.testing.assert_array_equal(both[rows], whole[rows])
    assert (len(both), both.shape, both.ndim, both.nbytes) == (11, whole.shape, 3, whole.nbytes)
    for wrong in (11, [0, -12]):
        with pytest.raises(IndexError):
            both[wrong]


def test_what_is_not_alike_or_not_there_is_refused(tmp_path):
    packed(tmp_path, "a", 3, ["Mass"], seed=1)
    packed(tmp_path, "b", 3, ["Nodule"], seed=2, preprocessing={"resize": 9})
    with pytest.raises(InputError, match="packed splits of a and b cannot be joined: their preprocessing differs"):
        joined(tmp_path, "a", "b")
    packed(tmp_path, "b", 3, ["Nodule"], seed=2, shape=(5, 5))
    with pytest.raises(InputError, match="films of different shapes"):
        joined(tmp_path, "a", "b")
    packed(tmp_path, "b", 3, ["Nodule"], seed=2)
    joined(tmp_path, "a", "b")
    with pytest.raises(InputError, match="split train of a, b does not cover Hernia: .* data.train_on"):
        split.load(tmp_path / "a+b-train.json", ["Mass", "Hernia"], training=True)
    flipped = bytearray((tmp_path / "b-train.npy").read_bytes())
    flipped[-1] ^= 1
    (tmp_path / "b-train.npy").write_bytes(flipped)
    split.load(tmp_path / "a+b-train.json", ["Mass"])
    with pytest.raises(InputError, match="b-train.npy does not have the checksum of"):
        split.load(tmp_path / "a+b-train.json", ["Mass"], verify=True)
    (tmp_path / "b-train.npy").write_bytes(flipped[:-1])
    with pytest.raises(InputError, match=r"is damaged \(b-train.npy: "):
        split.load(tmp_path / "a+b-train.json", ["Mass"])
    (tmp_path / "b-train.npy").unlink()
    with pytest.raises(InputError, match="b-train.npy does not exist; run the pack step first"):
        split.load(tmp_path / "a+b-train.json", ["Mass"])


def test_what_films_are_like_is_what_is_usual_in_any_source(tmp_path):
    packed(tmp_path, "a", 3, ["Mass"], seed=1, films={"n": 3, "coloured": 1, "mean": [90.0, 120.0]})
    packed(tmp_path, "b", 2, ["Mass"], seed=2, films={"n": 2, "coloured": 0, "mean": [80.0, 110.0]})
    assert joined(tmp_path, "a", "b")["films"] == {"n": 5, "coloured": 1, "mean": [80.0, 120.0]}
    packed(tmp_path, "b", 2, ["Mass"], seed=2)
    assert "films" not in joined(tmp_path, "a", "b")


def test_features_are_joined_where_one_backbone_made_them(tmp_path):
    for seed, source in enumerate("ab"):
        about = {"backbone": "same", "extractor": {"library": "torch"}, "features": {"films": source, "views": 2}}
        packed(tmp_path, source, 3, ["Mass"], seed=seed, **about)
    about = joined(tmp_path, "a", "b")
    assert about["features"] == {"views": 2}
    assert about["extractor"] == {"library": "torch"}  # heads train without torch, on several sources too
    changed = {"extractor": {"library": "torch"}, "features": {"films": "b", "views": 2}}
    packed(tmp_path, "b", 3, ["Mass"], seed=2, backbone="other", **changed)
    with pytest.raises(InputError, match="their backbone differs"):
        joined(tmp_path, "a", "b")


def test_a_label_that_is_left_open_on_purpose_needs_some_film_only(tmp_path):
    _, frame = packed(tmp_path, "a", 4, ["Mass"], seed=1, partial=["Mass"])
    write_parquet(frame.assign(Mass=frame["Mass"].mask(frame.index == 1)), tmp_path / "a-train.parquet")
    assert split.load(tmp_path / "a-train.npy", ["Mass"], training=True).covered.sum() == 3
    write_parquet(frame.assign(Mass=frame["Mass"].mask(frame.index >= 0)), tmp_path / "a-train.parquet")
    with pytest.raises(InputError, match="split train does not cover Mass"):
        split.load(tmp_path / "a-train.npy", ["Mass"], training=True)


def test_of_several_sources_each_covers_a_label_on_all_its_films_or_on_none(tmp_path):
    packed(tmp_path, "a", 4, ["Edema"], seed=1)
    _, frame = packed(tmp_path, "b", 4, ["Mass", "Edema"], seed=2)
    half = frame.assign(Mass=frame["Mass"].mask(frame.index < 2))
    write_parquet(half, tmp_path / "b-train.parquet")
    assert "partial" not in joined(tmp_path, "a", "b")
    assert split.load(tmp_path / "a+b-train.json", ["Edema"], training=True).covered.all()
    with pytest.raises(InputError, match="or on none; b covers Mass on part of its films of split train: complete"):
        split.load(tmp_path / "a+b-train.json", ["Mass", "Edema"], training=True)
    packed(tmp_path, "b", 4, ["Mass", "Edema"], seed=2, partial=["Mass"])
    write_parquet(half, tmp_path / "b-train.parquet")
    assert joined(tmp_path, "a", "b")["partial"] == {"b": ["Mass"]}
    films = split.load(tmp_path / "a+b-train.json", ["Mass", "Edema"], training=True)
    assert films.covered.sum(0).tolist() == [2, 8]
