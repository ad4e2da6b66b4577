"""Which runs a folder means: one, a head's seeds, or none of a kind, said in one line."""

import json
import os
from functools import partial

import pytest

from qcxr.errors import InputError
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Image
from qcxr.training.ensemble import Ensemble
from qcxr.training.fit import fingerprint
from qcxr.training.members import DECIDES, Member, members
from qcxr.training.splits import Splits
from tests.training.runs import BACKBONE, PROTOCOL, described, split
from tests.training.untrained import save


def _other_labels(folder):
    save(folder / "seed0", seed=0)
    save(folder / "seed1", seed=0, labels=("Mass",))


def _other_head(folder):
    save(folder / "seed0", seed=0)
    save(folder / "seed1", seed=1, head="mlp")


def _otherwise(folder, key):
    """Two runs of the same network, with another protocol, code or films."""
    for seed in (0, 1):
        save(folder / f"seed{seed}", seed=seed)
        _record(folder / f"seed{seed}", **({key: "other"} if seed else {}))


def _record(folder, **other):
    (folder / "run.json").write_text(json.dumps({"config": "a", "code_hash": "b", "data_hash": ["c"], **other}))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda folder: (folder / "cdl/seed0").mkdir(parents=True), "it has cdl: give one of them"),
        (lambda folder: (folder / "seed3").mkdir(), r"no run of .* is trained yet \(seed3\); train it first"),
        (lambda folder: None, "it is empty"),
        (_other_labels, "seed1/best.safetensors has other labels, another preprocessing or another network"),
        (
            _other_head,
            "seed1/best.safetensors has other labels, another preprocessing or another network than .*seed0/",
        ),
        (
            partial(_otherwise, key="config"),
            "seed0 and .*seed1 must differ in their seeds alone, .* different settings;",
        ),
        (
            partial(_otherwise, key="code_hash"),
            "different code; train the older again or move it away, or give one",
        ),
        (partial(_otherwise, key="data_hash"), "different films;"),
        (lambda folder: (folder / "best.safetensors").write_text("x"), "not a complete safetensors file"),
    ],
)
def test_folders_without_one_kind_of_run_are_refused(make, text, tmp_path):
    make(tmp_path)
    with pytest.raises(InputError, match=text):
        Ensemble(members(tmp_path))


def test_what_decides_a_run_does_not_have_its_seed(tmp_path):
    recipe, films = Recipe("cdl", {}, BACKBONE, Image(), Augment(), PROTOCOL), Splits(split(4, 1), split(4, 2))
    one, two = (fingerprint(described(tmp_path, recipe, seed=seed), films) for seed in (0, 1))
    assert DECIDES.keys() <= one.keys() and {key for key in one if one[key] != two[key]} == {"seed"}


def test_predictions_that_are_older_than_the_weights_give_no_threshold(tmp_path):
    member, table = Member(save(tmp_path / "seed0", seed=0) / "best.safetensors"), tmp_path / "seed0/predictions"
    assert member.validation is None and not member.stale
    table.mkdir()
    (table / "validation.parquet").write_text("x")
    assert member.validation == table / "validation.parquet" and not member.stale
    os.utime(table / "validation.parquet", ns=(0, member.weights.stat().st_mtime_ns - 1))
    assert member.validation is None and member.stale


def test_what_a_damaged_record_says_is_unknown(tmp_path):
    (tmp_path / "run.json").write_text("[")
    assert Member(tmp_path / "best.safetensors").films is None
    (tmp_path / "run.json").write_text('{"films": {"n": 3}}')
    assert Member(tmp_path / "best.safetensors").films == {"n": 3}
    assert Member(tmp_path / "best.safetensors").validation is None
