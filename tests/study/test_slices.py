"""The texts that decide what is done again; the shipped configurations' are pinned: no finished run retrains."""

import dataclasses
import hashlib
import json

import pytest

from qcxr.study import slices
from qcxr.study.config import load
from qcxr.study.heads import KINDS
from qcxr.study.provenance import read_slice, slice_text
from qcxr.study.recipe import options_of
from tests.study.studies import ROOT

PINNED = json.loads((ROOT / "tests/study/slices.json").read_text(encoding="utf-8"))


def texts(name):
    cfg = load(ROOT / "config/config.yaml", *([ROOT / f"config/{name}.yaml"] if name != "config" else []))
    sections = {"analysis": cfg.analysis, "generate": cfg.generate}
    found = {key: slice_text(section) for key, section in sections.items() if section is not None}
    found |= {
        f"training {task}/{arm.path}": slices.training(recipe, cfg.labels(task))
        for task in cfg.tasks
        for arm, recipe in cfg.arms.items()
    }
    found |= {f"source {key}": slices.manifest(source) for key, source in cfg.data.sources.items()}
    for training in (True, False):
        found[f"features, training {training}"] = slices.features(cfg.recipe("cdl"), training=training)
    return found


@pytest.mark.parametrize("name", ["config", "demo", "transfer"])
def test_the_texts_of_the_shipped_configurations_are_what_they_were(name):
    assert texts(name) == PINNED[name]


def test_defaults_that_texts_leave_out_are_what_they_were():
    """An option of a head at its default is not in the text: another default would change results in silence."""
    assert {kind: options_of(kind)().model_dump(mode="json") for kind in KINDS} == PINNED["defaults"]


def test_age_and_sex_decide_no_manifest():
    """So that a finished study may be given them without reading, decoding or training anything again."""
    cfg = load(ROOT / "config/config.yaml")
    for name, key in {"nih": "entries", "mimic": "patients"}.items():
        source = cfg.data.sources[name]
        told = source.model_copy(update={key: "data/somewhere.csv"})
        assert slices.manifest(told) == slices.manifest(source)
        assert told.reader_options() == source.reader_options() and told.input_files() == source.input_files()
        assert told.attribute_files()[key] == "data/somewhere.csv" and key not in source.attribute_files()
        assert told.paths()[key] == ["data/somewhere.csv"]
    assert slices.manifest(source.model_copy(update={"metadata": None})) != slices.manifest(source)


def test_a_local_checkpoint_counts_with_its_content(tmp_path):
    """Its path alone would not tell when other weights are put there; a name on the hub has no files to look at."""
    cfg = load(ROOT / "config/config.yaml")
    assert slices.checkpoint(cfg.backbone) is None
    (tmp_path / "model.safetensors").write_bytes(b"one")
    local = cfg.model_copy(update={"backbone": cfg.backbone.model_copy(update={"weights": str(tmp_path)})})
    before = slices.training(local.recipe("cdl"), local.labels("cxr8"))
    assert read_slice(before)["checkpoint"] == {"model.safetensors": hashlib.sha256(b"one").hexdigest()}
    assert slices.training(local.recipe("cdl"), local.labels("cxr8")) == before
    (tmp_path / "model.safetensors").write_bytes(b"another")
    assert slices.training(local.recipe("cdl"), local.labels("cxr8")) != before


def test_tables_of_several_heads_count_with_their_checkpoints_files(tmp_path):
    """Tables II and III of a folder replaced; where there is none, the text is as ever."""
    (tmp_path / "config.json").write_bytes(b"{}")
    cfg = load(ROOT / "config/config.yaml")
    plain = cfg.recipe("cdl")
    local = dataclasses.replace(plain, backbone=plain.backbone.model_copy(update={"weights": str(tmp_path)}))
    assert slices.checkpoints({"cdl": plain}) == {}
    first = slices.checkpoints({"cdl": plain, "mine": local})
    assert first == {"checkpoints": {"mine": {"config.json": hashlib.sha256(b"{}").hexdigest()}}}
    (tmp_path / "config.json").write_bytes(b"{ }")
    assert slices.checkpoints({"cdl": plain, "mine": local}) != first
    for rules in ("train", "benchmark"):  # the two that build the models of all heads
        text = (ROOT / f"workflow/rules/{rules}.smk").read_text(encoding="utf-8")
        assert "**slices.checkpoints({head: cfg.recipe(head) for head in cfg.names})" in text
