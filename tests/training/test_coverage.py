"""What is said of parts of the patients and of searches before anything runs, from label files of a drawn data set."""

import itertools

import numpy as np
import pandas as pd
import pytest

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
    (line,) = coverage.check(cfg)
    table = pd.read_csv(next(source["labels"].glob("*_train.csv")), dtype={"id": str})
    patients = table["id"].str.split("_").str[0].tolist()
    for seed in cfg.seeds:
        left = table[drawn(patients, 0.4, seed)]
        for label in cfg.labels("cxr8"):
            said = line.partition(f"{label} (seed ")[2].partition(")")[0].split(", ")
            assert (str(seed) in said) == (left[label].sum() == 0), (label, seed)
    assert line.startswith("data.fraction 0.4 of cxr8 leaves no positive training film of ")


def test_a_study_of_whole_sets_is_not_looked_at(tmp_path):
    assert coverage.check(configured(tmp_path, films.nih(tmp_path / "data"))) == []


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
