"""Films and patients on both sides of splits: what is found, what is not, and what is said."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from qcxr.data import apart
from qcxr.data.cache import build
from qcxr.data.films import Films, of_study
from qcxr.data.images import Preprocessing
from qcxr.data.leaks import leaks, normalised, refuse, used, with_pixels
from qcxr.errors import InputError
from qcxr.study.config import parse
from tests.data import films
from tests.data.films import SHARED
from tests.study.studies import study


def listed(source, split, *rows, images="root"):
    """Films of a source by image id and patient id, each in its own file of one folder."""
    frame = pd.DataFrame(rows, columns=["image_id", "patient_id"]).assign(split=split)
    return used(frame.assign(path=frame["image_id"] + ".png"), source, images=images)


def found(*parts):
    return leaks(pd.concat(parts, ignore_index=True)).to_numpy().tolist()


def test_ids_compare_without_zeros_case_decimals_and_space():
    same = pd.Series(["00000211", "211", " 211", "211.0", "211 "])
    assert normalised(same).unique().tolist() == ["211"]
    assert normalised(pd.Series(["P0a", "p0A", "0", "000", "10", "1.05"])).tolist() == [
        "p0a", "p0a", "0", "0", "10", "1.05",
    ]  # fmt: skip


def test_a_patient_of_two_splits_by_ids_written_differently():
    train = listed("nih", "train", ("a", "00000211"), ("b", "00000211"), ("c", "7"))
    test = listed("nih", "test", ("d", "211"), ("e", "211"), ("f", "70"))
    assert found(train, test) == [["nih:a", "nih:d", "patient", "nih train / nih test"]]
    assert found(train, listed("nih", "train", ("d", "211"))) == []  # one split


def test_patients_of_two_hospitals_count_from_one_and_those_of_one_folder_do_not():
    train = listed("nih", "train", ("a", "1"))
    assert found(train, listed("ours", "test", ("b", "1"), images="elsewhere")) == []
    assert found(train, listed("ours", "test", ("b", "001"))) == [
        ["nih:a", "ours:b", "patient", "nih train / ours test"],
    ]
    assert found(train, listed("ours", "test", ("a", "9"))) == [["nih:a", "ours:a", "film", "nih train / ours test"]]


def test_a_folder_for_each_patient(tmp_path):
    """Pair by pair, 2,000 folders of each source took 20 seconds, 20,000 half an hour."""
    train = listed("a", "train", *((f"a{i}/x", str(i)) for i in range(2_000)))
    test = listed("b", "test", *((f"b{i}/y", str(i)) for i in range(2_000)))
    assert found(train, test) == []
    deeper = listed("c", "test", ("z", "7"), images="root/a3/later/films")
    assert found(train, test, deeper) == [["a:a7/x", "c:z", "patient", "a train / c test"]]
    other = listed("c", "test", ("z", "7"), images="root/a")  # whose name others begin with
    assert found(train, test, other) == []


def test_a_link_is_the_folder_that_it_leads_to(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkdir("root")
    os.symlink("root", "link")
    assert found(listed("a", "train", ("x", "1")), listed("b", "test", ("x", "2"), images="link"))[0][2] == "film"


def test_what_tests_share_and_what_trains_together_is_no_leak():
    parts = [listed(name, "test", ("x", "1")) for name in ("a", "b")]
    assert found(*parts) == []
    assert found(*(part.assign(split="train") for part in parts)) == []


@pytest.fixture
def pictures(tmp_path):
    """Two folders of films, and the cache that knows them: a function that gives a source's with their pixels."""

    def made(source, split, images, *, patient="1", name="f{}"):
        folder = tmp_path / source / split
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"image_id": [name.format(i) for i in range(len(images))], "patient_id": patient})
        frame = frame.assign(split=split, path=[f"{i}.png" for i in frame["image_id"]])
        for path, pixels in zip(frame["path"], images, strict=True):
            Image.fromarray(pixels).save(folder / path)
        where = Films(folder, tmp_path / "cache", Preprocessing(72, 64))
        build(frame, where, progress=False)
        return with_pixels(used(frame, source, images=folder), frame["path"], where)

    return made


def recompressed(pixels):
    """The film as a small JPEG."""
    out = io.BytesIO()
    Image.fromarray(pixels).resize((100, 100)).save(out, "JPEG", quality=60)
    return np.asarray(Image.open(out))


def test_pictures_tell_what_ids_do_not(pictures):
    rng = np.random.default_rng(0)
    a, b, c = (films.gray(rng, 160, 150) for _ in range(3))
    white = np.full_like(a, 255)
    train = pictures("nih", "train", [a, b, white])
    again = pictures("far", "test", [c, a, white], patient="9", name="g{}")
    # equal pixels under other names and patients; blank films tell nothing
    assert found(train, again) == [["nih:f0", "far:g1", "pixels", "nih train / far test"]]
    # names that two hospitals share are no sign, unless the picture is the same, here compressed anew
    other = pictures("near", "test", [c, recompressed(b)], patient="8")
    assert found(train, other) == [["nih:f1", "near:f1", "film", "nih train / near test"]]
    # having a film in common, they are one hospital: equal patient ids count then
    same = pictures("dear", "test", [c, recompressed(b)], patient="01")
    assert sorted(row[2] for row in found(train, same)) == ["film", "patient"]


def test_a_set_that_holds_the_others_films_under_other_names(pictures):
    """As RSNA's does NIH's: other ids, other patients, compressed and scaled anew."""
    rng = np.random.default_rng(1)
    *mine, other = (np.kron(rng.integers(0, 256, (10, 10), np.uint8), np.ones((16, 16), np.uint8)) for _ in range(7))
    train = pictures("nih", "train", mine[:4])
    val = pictures("nih", "val", mine[4:], patient="2", name="v{}")
    test = pictures("rsna", "test", [recompressed(mine[2]), other, recompressed(mine[5])], patient="9", name="r{}")
    assert found(train, val, test) == [
        ["nih:f2", "rsna:r0", "picture", "nih train / rsna test"],
        ["nih:v1", "rsna:r2", "picture", "nih val / rsna test"],
    ]
    # having films in common, they are one hospital
    others = test.assign(patient_id=["9", "001", "9"])
    assert [row[2] for row in found(train, others)] == ["picture", "patient"]
    # one film among hundreds is chance
    many = pd.concat([test[:1], *(test[1:2].assign(image_id=f"x{i}", file=f"x{i}") for i in range(120))])
    assert found(train, many) == []


def test_the_refusal_names_the_list_and_the_key(tmp_path):
    rows = leaks(pd.concat([listed("a", "train", ("x", "1")), listed("b", "val", ("x", "1"))]))
    out = tmp_path / "leaks.csv"
    with pytest.raises(
        InputError, match=r"got 1 leak \(1 film\), first a:x and b:x \(a train / b val: the same film\)"
    ):
        refuse(rows, listed=out)
    assert pd.read_csv(out).columns.tolist() == ["film", "other", "kind", "where"]
    with pytest.raises(InputError, match=rf"all are listed in {out}; correct the label files, or set data.leaks to"):
        refuse(rows, listed=out)
    refuse(rows, listed=out, allowed=True)


def two_sources(folder, **changes):
    """A study that trains on the films of `a` and tests on `b`."""
    sources = {}
    for seed, name in enumerate("ab"):
        paths = films.nih(folder / name, seed=seed)
        sources[name] = {"kind": "nih", "images": str(paths["images"]), "labels": str(paths["labels"])}
    fixed = {"data__sources": sources, "data__train_on": "a", "data__test_on": ["b"], "data__cache": str(folder / "c")}
    return parse(study(**{**fixed, "results": str(folder / "r"), "image": {"resize": 40, "crop": 32}, **changes}))


def test_before_training_the_tests_are_looked_at_whatever_is_cached(tmp_path):
    cfg = two_sources(tmp_path)
    assert apart.as_listed(cfg).empty  # films of the same names, but other pictures
    manifests = []
    for name in "ab":
        paths = {"images": tmp_path / name / "images", "labels": tmp_path / name / "labels"}
        frame = films.manifest_of("nih", paths, tmp_path / f"{name}.parquet")
        manifests.append(tmp_path / f"{name}.parquet")
        build(frame[frame["split"] != "test"], of_study(cfg, name), progress=False)
    out, log = tmp_path / "out.csv", tmp_path / "log.csv"
    apart.before_training(cfg, manifests[:1], out=out, listed=log)
    assert pd.read_csv(out).empty and not log.exists()
    test = frame[frame["split"] == "test"]
    trained = pd.read_parquet(manifests[0]).query("split == 'train'")["path"].iloc[0]
    (tmp_path / "b/images" / test["path"].iloc[0]).write_bytes((tmp_path / "a/images" / trained).read_bytes())
    out.unlink()
    with pytest.raises(InputError, match=r"got 1 leak \(1 pixels\), .*a train / b test: the same pixels"):
        apart.before_training(cfg, manifests[:1], out=out, listed=log)
    assert len(pd.read_csv(log)) == 1 and not out.exists()
    with pytest.raises(InputError, match="1 leak"):
        apart.before_testing(cfg, "b", manifests, out=out, listed=log)
    allowed = cfg.model_copy(update={"data": cfg.data.model_copy(update={"leaks": "allow"})})
    apart.before_testing(allowed, "b", manifests, out=out, listed=log)
    assert pd.read_csv(out)["where"].tolist() == ["a train / b test"]
    apart.before_training(allowed, manifests[:1], out=out, listed=log)
    assert pd.read_csv(out).empty  # what leaks into a test is told beside the test


def test_label_files_tell_before_anything_is_made(tmp_path):
    """An "external" set that is the training set's films and label file under another name."""
    cfg = two_sources(tmp_path)
    a, b = (cfg.data.sources[name] for name in "ab")
    copied = tmp_path / "external_test.csv"
    copied.write_bytes(Path(a.label_files()[0]).read_bytes())
    sources = {"a": a, "b": b.model_copy(update={"images": a.images, "labels": [str(copied)]})}
    same = cfg.model_copy(update={"data": cfg.data.model_copy(update={"sources": sources})})
    with pytest.raises(InputError, match=r"6 leaks \(6 film\)"):
        apart.as_listed(same, listed=tmp_path / "leaks.csv")
    assert pd.read_csv(tmp_path / "leaks.csv")["where"].unique().tolist() == ["a train / b test"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real films here")
def test_real_films_share_nothing_across_splits_but_a_pair_inside_one(tmp_path):
    """Two real films are pixel-identical; both are of one patient and in one split."""
    root = SHARED / "nih_sample"
    names = ["00002658_001", "00002658_002"]
    tables = {path.stem.rpartition("_")[2]: pd.read_csv(path, dtype=str) for path in root.glob("*labels*.csv")}
    frame = pd.concat([table.assign(split=split) for split, table in tables.items()])
    frame = frame.assign(image_id=frame["id"].str.removesuffix(".png"), patient_id=frame["subj_id"])
    frame = frame[frame["image_id"].isin(names)].assign(path=lambda part: part["image_id"] + ".png")
    assert len(frame) == 2 and frame["split"].nunique() == 1
    where = Films(root / "images", tmp_path / "cache", Preprocessing())
    build(frame, where, progress=False)
    seen = with_pixels(used(frame, "nih", images=root / "images"), frame["path"], where)
    assert seen["digest"].nunique() == 1 and leaks(seen).empty
    split_up = seen.assign(split=["train", "test"], patient_id=["1", "2"])
    assert leaks(split_up)["kind"].tolist() == ["pixels"]
