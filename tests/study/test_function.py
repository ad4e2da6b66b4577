"""A circuit of the user's own in the configuration: what is refused before anything runs, and what decides its runs."""

import pytest

from qcxr.study import slices
from qcxr.study.config import parse
from qcxr.study.obstacles import obstacles
from qcxr.study.outline import outline
from qcxr.study.provenance import read_slice
from tests.study.studies import refusal, study

FILE = "def layers(weights, angles): ...\n"


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """`circuits.py` where the study runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "circuits.py").write_text(FILE)
    return tmp_path / "circuits.py"


def own(**options):
    return study(heads=["cdl", {"mine": {"kind": "circuit", "function": "circuits.py:layers", **options}}])


def texts(cfg):
    return {arm.path: slices.training(recipe, cfg.labels("cxr8")) for arm, recipe in cfg.arms.items()}


def test_the_file_is_part_of_its_heads_slice_and_of_no_others(mine):
    before = texts(parse(own()))
    mine.write_text(f'"""Mine."""\n\n# a remark\n{FILE}')
    assert texts(parse(own())) == before
    mine.write_text(FILE.replace("...", "print(weights)"))
    after = texts(parse(own()))
    assert {path for path in before if before[path] != after[path]} == {"mine"}
    assert read_slice(after["mine"])["head_options"].keys() == {"function", "digest"}
    mine.unlink()
    assert "digest" not in read_slice(texts(parse(own()))["mine"])["head_options"]


def test_a_digest_that_is_written_down_stays(mine):
    cfg = parse(own(digest="0" * 16))
    assert cfg.recipe("mine").head_options["digest"] == "0" * 16


def test_arguments_can_be_varied(mine):
    laid = {"head": {"circuit": {"arguments": {"layers": 1}}}, "vary": {"head.arguments.layers": [1, 3]}}
    cfg = parse(own(weights=["labels"]) | laid)
    assert {arm.path: made.head_options.get("arguments") for arm, made in cfg.arms.items()} == {
        "cdl": None,
        "mine": {"layers": 1},
        "mine/head.arguments.layers~3": {"layers": 3},
    }


def test_a_report_tells_what_a_person_chose(mine):
    heads = dict(outline(parse(own(weights=[2, "labels"])))["heads"])
    assert heads["mine"] == "circuit, function circuits.py:layers, weights 2, labels"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": None}, "head.circuit.function must name a PennyLane quantum function, got null; write it as"),
        (
            {"function": "circuits:layers"},
            "must be a file and a function, got circuits:layers; write it as circuits.py",
        ),
        ({"function": "circuits.py"}, "must be a file and a function, got circuits.py; write it as circuits.py:layers"),
        ({"weights": [3, "qubits"]}, "weights"),
        ({"engine": "statevector"}, "engine"),
        ({"layers": 3}, "heads.mine.layers is not a configuration key"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    assert message in refusal(**{"heads": own(**options)["heads"]})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "circuits.py does not exist; set head.circuit.function to a file that does"),
        ("def (", "circuits.py must be Python, got invalid syntax"),
        ("layer = 3", "circuits.py must have the function layers, got none; set head.circuit.function"),
        (
            f"import shapes\n{FILE}",
            "circuits.py must stand alone, so that its digest is complete, got an import of shapes",
        ),
        (f"import numpy\n{FILE}", None),
    ],
)
def test_what_keeps_the_study_from_starting_is_said_without_running_the_file(mine, text, line):
    (mine.parent / "shapes.py").write_text("")
    if text is None:
        mine.unlink()
    else:
        mine.write_text(text)
    found = [said for said in obstacles(parse(own())) if said.startswith("circuits.py")]
    assert [said.startswith(line) for said in found] == ([True] if line else [])
