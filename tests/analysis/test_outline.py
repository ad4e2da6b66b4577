"""Where heads stand in a grid, where two of them meet, and which comparisons are asked for."""

import pytest

from qcxr.analysis.names import head_order, key_value, shortened
from qcxr.analysis.outline import Outline, pairs
from qcxr.errors import InputError

VARIANTS = {
    f"l{layers}n{noise}": {"head.layers": layers, "head.noise.readout_0": noise}
    for layers in (1, 3)
    for noise in (0, 0.1)
}
GRID = {
    "heads": {"cdl": "", "dqc": "kind dqc", "noisy": "kind dqc, noise"},
    "axes": {"head.layers": [1, 3], "head.noise.readout_0": [0, 0.1]},
    "variants": VARIANTS,
    "arms": [
        {"head": "cdl", "variant": "", "at": {}},
        *({"head": "dqc", "variant": f"l{layers}", "at": {"head.layers": layers}} for layers in (1, 3)),
        *({"head": "noisy", "variant": name, "at": point} for name, point in VARIANTS.items()),
    ],
    "base": "l3n0",
}  # fmt: skip


def test_a_head_without_the_keys_stands_everywhere_and_two_such_meet_once():
    outline = Outline.from_json(GRID)
    assert {outline.standing("cdl", name).variant for name in GRID["variants"]} == {""}
    assert outline.standing("dqc", "l1n0.1").variant == "l1" and outline.standing("noisy", "l1n0.1").variant == "l1n0.1"
    assert outline.meetings("cdl", "dqc") == {"l1": ("", "l1"), "l3": ("", "l3")}
    assert outline.meetings("dqc", "noisy")["l1n0.1"] == ("l1", "l1n0.1") and len(outline.meetings("dqc", "noisy")) == 4
    assert outline.meetings("cdl", "cdl") == {"": ("", "")}
    assert outline.at_base("cdl", "dqc") == "l3" and outline.at_base("cdl", "noisy") == "l3n0"
    assert outline.standing("mlp", "l1n0") is None and outline.at_base("cdl", "mlp") is None


def test_an_axis_is_walked_with_the_other_keys_at_the_base():
    outline = Outline.from_json(GRID)
    assert outline.along("head.layers") == [(1, "l1n0"), (3, "l3n0")]
    assert outline.along("head.noise.readout_0") == [(0, "l3n0"), (0.1, "l3n0.1")]
    assert outline.said("l3n0.1") == "head.layers 3, head.noise.readout_0 0.1"


def test_without_a_base_the_last_variant_is_one_and_a_wrong_one_is_refused():
    assert Outline.from_json(GRID | {"base": ""}).base == "l3n0.1"
    assert Outline.from_json({}).base == "" and not Outline.from_json({}).varied
    with pytest.raises(InputError, match="base must be among l1n0, .*, got x"):
        Outline.from_json(GRID | {"base": "x"})
    with pytest.raises(InputError, match="outline: head is unknown; it has heads, axes"):
        Outline.from_json({"head": {}})


def test_variants_found_in_files_have_names_only():
    outline = Outline.of_runs([("cdl", ""), ("dqc", "a"), ("dqc", "b"), ("dqc", "a")])
    assert outline.meetings("cdl", "dqc") == {"a": ("", "a"), "b": ("", "b")}
    assert outline.base == "b" and outline.said("b") == "b"
    assert not Outline.of_runs([("cdl", ""), ("dqc", "")]).varied


def test_every_head_meets_every_reference_once():
    heads = ["cdl", "mlp", "dqc"]
    assert pairs(heads) == [("cdl", "mlp"), ("cdl", "dqc")]
    assert pairs(heads, ("cdl", "dqc")) == [("cdl", "mlp"), ("cdl", "dqc"), ("dqc", "mlp")]
    many = [str(k) for k in range(30)]
    found = pairs(many, ("0", "29", "0"))
    assert len(found) == 29 + 28 == len({frozenset(pair) for pair in found})
    assert pairs(["cdl"]) == []
    with pytest.raises(InputError, match=r"against must name heads of the study \(cdl, mlp, dqc\), got mps"):
        pairs(heads, ("mps",))


def test_the_configured_order_wins():
    assert head_order(["b", "dqc", "a", "cdl"]) == ["cdl", "dqc", "a", "b"]
    assert head_order(["b", "dqc", "a", "cdl"], ("a", "dqc")) == ["a", "dqc", "cdl", "b"]


def test_names_for_narrow_places_stay_apart():
    assert shortened(["cdl", "dqc-with-ten-layers"], 10) == ["cdl", "dqc-wi…ers"]
    long = ["dqc-with-01-layers", "dqc-with-02-layers"]
    assert shortened(long, 10) == long
    assert [key_value(v) for v in (None, True, 1e-5, 3, "RY", [1, 2])] == ["none", "yes", "1e-05", "3", "RY", "[1, 2]"]
