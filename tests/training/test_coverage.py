"""What is said of parts of the patients and of searches before anything runs, from label files of a drawn data set."""

import itertools

import numpy as np
import pandas as pd
import pytest

from qcxr.data import apart
from qcxr.data.split import drawn
from qcxr.errors import InputError
from qcxr.study.config import parse
from qcxr.training import coverage
from tests.data import films
from tests.study.studies import study


def configured(folder, source, **changes):
    nih = {"kind": "nih", "images": str(source["images"]), "labels": str(source["labels"])}
    fixed = {"results": str(folder / "results"), "data__sources": {"nih": nih}, "data__test_on": ["nih"]}
    return parse(study(**{**fixed, "tasks": ["cxr8"], "seeds": [0, 1], **changes}))


def test_labels_that_a_part_loses_are_named_with_their_seeds(tmp_path):
    source = films.nih(tmp_path / "data")
    cfg = configured(tmp_path, source, vary={"data.fraction": [0.4, 1.0]})
    *of_all, line = coverage.check(cfg)
    assert all(said.startswith("cxr8: none of ") for said in of_all)
    table = pd.read_csv(next(source["labels"].glob("*_train.csv")), dtype={"id": str})
    patients = table["id"].str.split("_").str[0].tolist()
    for seed in cfg.seeds:
        left = table[drawn(patients, 0.4, seed)]
        for label in cfg.labels("cxr8"):
            said = line.partition(f"{label} (seed ")[2].partition(")")[0].split(", ")
            assert (str(seed) in said) == (left[label].sum() == 0), (label, seed)
    assert line.startswith("data.fraction 0.4 of cxr8 leaves no positive training film of ")


def rewritten(source, split, **columns):
    """The label file of a split with some columns set."""
    file = next(source["labels"].glob(f"*_{split}.csv"))
    pd.read_csv(file, dtype=str).assign(**columns).to_csv(file, index=False)


def test_labels_of_which_nothing_can_be_learned_are_refused_unless_allowed(tmp_path):
    source = films.nih(tmp_path / "data", n=48)
    assert coverage.check(configured(tmp_path, source)) == []
    rewritten(source, "train", Mass="0", Nodule="1")
    rewritten(source, "val", Effusion="0")
    with pytest.raises(
        InputError,
        match=r"cxr8 needs a positive and a negative .* none of Mass \(no positive\), Nodule \(no negative\) among 24 "
        r"films; choose a task without it, or set data.unlearnable to allow",
    ):
        coverage.check(configured(tmp_path, source))
    assert coverage.check(configured(tmp_path, source, data__unlearnable="allow")) == [
        "cxr8: none of 24 training films is positive for Mass: nothing is learned",
        "cxr8: none of 24 training films is negative for Nodule: nothing is learned",
        "cxr8: none of 8 validation films is positive for Effusion: no threshold is chosen",
    ]


def test_a_manifest_of_other_keys_is_not_asked(tmp_path):
    """It is made again in the run that this comes before."""
    source = films.nih(tmp_path / "data", n=48)
    made = tmp_path / "results/manifest/nih.parquet"
    frame = films.manifest_of("nih", source, made)
    frame.drop(columns="Mass").to_parquet(made)
    cfg = configured(tmp_path, source)
    assert coverage.check(cfg) == coverage.check(cfg, apart.read_listed(cfg)) == []
    frame.to_parquet(made)
    rewritten(source, "train", Mass="1")
    with pytest.raises(InputError, match=r"none of Mass \(no negative\)"):
        coverage.check(cfg)


def test_several_sources_must_cover_every_label_together(tmp_path):
    sources = {name: films.nih(tmp_path / name, n=48, seed=seed) for seed, name in enumerate(("far", "near"))}
    described = {
        name: {"kind": "nih", "images": str(paths["images"]), "labels": str(paths["labels"])}
        for name, paths in sources.items()
    }
    changes = {"data__sources": described, "data__train_on": ["near", "far"], "data__test_on": ["near"]}
    for split in ("train", "val", "test"):
        rewritten(sources["far"], split, Mass="")
    cfg = configured(tmp_path, sources["near"], **changes)
    assert coverage.check(cfg) == []
    far, near = coverage.described(cfg)
    assert far.startswith("far: 24 training and 8 validation films, covers 7 of 8 labels (positive training films: ")
    assert "Mass" not in far and "covers 8 of 8" in near
    rewritten(sources["near"], "val", Mass="")
    with pytest.raises(
        InputError,
        match="cxr8 needs every label .*, got no film in split val of far, near that covers Mass; choose",
    ):
        coverage.check(cfg)


def test_a_search_that_could_choose_nothing_is_refused(tmp_path):
    source = films.nih(tmp_path / "data")
    search = {"trials": 2, "space": {"train.learning_rate": {"log": [1e-4, 1e-2]}}}
    coverage.check(configured(tmp_path, source, search=search))
    file = next(source["labels"].glob("*_val.csv"))
    table = pd.read_csv(file, dtype=str)
    cfg = configured(tmp_path, source, search=search)
    table[list(cfg.labels("cxr8"))] = "0"
    table.to_csv(file, index=False)
    with pytest.raises(
        InputError, match=r"search.choose needs a label of cxr8 with positive and negative films in val"
    ):
        coverage.check(cfg)
    coverage.check(configured(tmp_path, source, search={**search, "choose": {"metric": "loss"}}))


def test_a_smaller_part_lies_inside_a_larger_one_and_patients_stay_whole():
    rng = np.random.default_rng(0)
    ids = [f"{n:04d}" for n in rng.integers(0, 200, 1000)]
    for seed in range(5):
        parts = [drawn(ids, fraction, seed) for fraction in (0.01, 0.1, 0.5, 1.0)]
        for smaller, larger in itertools.pairwise(parts):
            assert not (smaller & ~larger).any()
        for part, fraction in zip(parts, (0.01, 0.1, 0.5, 1.0), strict=True):
            inside = {one for one, kept in zip(ids, part, strict=True) if kept}
            outside = {one for one, kept in zip(ids, part, strict=True) if not kept}
            assert not inside & outside and len(inside) == int(np.ceil(fraction * len(set(ids))))
    assert not np.array_equal(drawn(ids, 0.5, 0), drawn(ids, 0.5, 1))
    shuffled = rng.permutation(len(ids))
    again = drawn([ids[i] for i in shuffled], 0.5, 0)
    assert np.array_equal(again, drawn(ids, 0.5, 0)[shuffled])  # whatever the order of the films
