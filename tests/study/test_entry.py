"""Heads with names: what they may be, what they override, and one line for what cannot be."""

import re

import pytest

from qcxr.analysis.outline import Outline
from qcxr.study.config import parse
from qcxr.study.outline import outline
from qcxr.study.provenance import read_slice, slice_text
from tests.study.studies import refusal, study

NAMED = [
    "cdl",
    "dqc",
    {"deep": {"kind": "dqc", "layers": 5, "train": {"learning_rate": "1e-3"}}},
    {"turned": {"kind": "cdl", "augment": {"rotation": 5}, "data": {"fraction": 0.5}}},
    {"tuned": {"kind": "cdl", "backbone": {"trainable": "last:1"}}},
]


def test_names_kinds_options_and_keys_of_their_own():
    cfg = parse(study(heads=NAMED, head__dqc={"init": "small"}))
    assert cfg.names == ["cdl", "dqc", "deep", "turned", "tuned"]
    deep, plain = cfg.recipe("deep"), cfg.recipe("dqc")
    assert (deep.kind, deep.head_options) == ("dqc", {"layers": 5, "init": "small"})
    assert (deep.train.learning_rate, plain.train.learning_rate) == (1e-3, 1e-4)
    assert plain.head_options == {"init": "small"}  # the kind's own options hold for all heads of it
    turned = cfg.recipe("turned")
    assert (turned.augment.rotation, turned.augment.flip, turned.data.fraction) == (5.0, 0.5, 0.5)
    assert cfg.recipe("tuned").backbone.trainable == "last:1"
    assert cfg.recipe("cdl").decides() != cfg.recipe("tuned").decides()


def test_a_configuration_of_named_heads_can_be_written_and_read_again():
    cfg = parse(study(heads=NAMED))
    assert cfg.model_dump()["heads"][:2] == ["cdl", "dqc"]
    again = parse(cfg.model_dump(mode="json"))
    assert again == cfg
    assert [again.recipe(name).decides() for name in again.names] == [cfg.recipe(n).decides() for n in cfg.names]


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        (["nope"], "heads must be among cdl, dqc, .*, or have a kind that is, got nope; .*write nope: {kind: dqc}"),
        (["cdl", {"small": {}}], "got small; correct heads in the config, or write small: {kind: dqc}"),
        (["cdl", {"x": {"kind": "qnn"}}], "heads.x.kind must be one of cdl, dqc, .*, got qnn; set heads.x.kind"),
        ({"cdl": {}}, "heads must be a list of kinds .*, got the keys cdl; put a dash before each"),
        (["cdl", ["dqc"]], r"heads must be a list of kinds and of heads with names, like .*, got \['dqc'\] in it"),
        (
            ["cdl", {"a": {"kind": "dqc"}, "b": {"kind": "mlp"}}],
            "heads must be a list of kinds and of heads with names",
        ),
        (["cdl", {"x": {"kind": "dqc", "layer": 1}}], "heads.x.layer is not a configuration key; allowed here: "),
        (["cdl", {"x": {"kind": "cdl", "train": {"lr": 1}}}], "heads.x.train.lr is not a configuration key"),
        (
            ["cdl", {"x": {"kind": "cdl", "train": {"learning_rate": -1}}}],
            "heads.x.train.learning_rate: .*greater than",
        ),
        (["cdl", {"x": {"kind": "cdl", "train": 3}}], "heads.x.train must be keys and values, got 3"),
        (
            ["cdl", {"x": {"kind": "cdl", "data": {"test_on": []}}}],
            "heads.x.data.test_on is not .*allowed here: fraction",
        ),
        (
            ["cdl", {"x": {"kind": "cdl", "train": {"freeze_epochs": 99}}}],
            "heads.x.train: train.freeze_epochs must be <",
        ),
        (["cdl", {"a b": {"kind": "dqc"}}], "got 'a b'"),
        (["cdl", {"twin": {"kind": "cdl"}}], "heads cdl and twin are the same, cdl with equal settings; take one out"),
        (["dqc", {"same": {"kind": "dqc", "layers": 3}}], "heads dqc and same are the same"),
        (["cdl", "cdl"], "heads must not repeat"),
    ],
)
def test_a_wrong_head_is_one_line(heads, said):
    assert re.search(said, refusal(heads=heads))


def test_a_circuit_that_cannot_run_is_refused_for_named_heads_too():
    heads = ["cdl", {"deep": {"kind": "dqc", "layers": 9, "engine": "chain"}}]
    assert "layers must be <= 5" in refusal(heads=heads)


def test_the_second_reference_must_be_a_head():
    assert refusal(analysis__against=["mlp"]) == "analysis.against must be among heads (cdl, dqc), got mlp; correct it"


def test_the_order_of_heads_outlives_a_slice():
    """A slice sorts the keys of mappings, and the first head is the reference of every comparison."""
    cfg = parse(study(heads=["mlp", "dqc", "cdl"], vary={"data.fraction": [1.0, 0.1]}))
    read = Outline.from_json(read_slice(slice_text(outline=outline(cfg)))["outline"])
    assert list(read.heads) == ["mlp", "dqc", "cdl"]
    assert list(read.variants) == ["", "data.fraction~0.1"] and read.axes == {"data.fraction": [1.0, 0.1]}


def test_what_differs_from_the_reference_is_said():
    heads = dict(outline(parse(study(heads=NAMED)))["heads"])
    assert list(heads) == ["cdl", "dqc", "deep", "turned", "tuned"]
    assert heads["cdl"] == "" and heads["dqc"] == "the paper's dressed quantum circuit"
    assert heads["deep"] == "dqc, layers 5, train.learning_rate 0.001 (not 0.0001)"
    assert heads["turned"] == "augment.rotation 5.0 (not 15.0), data.fraction 0.5 (not 1.0)"
    assert heads["tuned"] == "backbone.trainable last:1 (not all)"
