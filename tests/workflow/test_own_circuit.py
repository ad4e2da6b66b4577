"""A study with a circuit of the user's own: to its end, and what an edit of the user's file runs again."""

import pytest

from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow

MINE = {"mine": {"kind": "circuit", "function": "circuits.py:bricks", "arguments": {"layers": 1}}}
CONFIG = TINY | {"heads": ["cdl", "dqc", MINE], "timed_steps": 0, "analysis": {"bootstrap": 0}}
FILE = """
import pennylane as qml

def bricks(weights, angles, layers):
    n = len(angles)
    for i in range(n):
        qml.RY(weights[0] * angles[i], i)
    for layer in range(layers):
        for i in range(layer % 2, n - 1, 2):
            qml.CZ([i, i + 1])
        for i in range(n):
            qml.RY(weights[1 + i], i)
    return [qml.expval(qml.Z(i)) for i in range(n)]

bricks.shape = lambda labels, layers: (1 + labels,)
"""
RUNS = {"cxr8 with mine, seed 0", "cxr8 with mine, seed 1"}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("own"), CONFIG)
    (study.folder / "circuits.py").write_text(FILE)
    study.snakemake()
    return study


@pytest.fixture(autouse=True)
def as_it_was(study):
    yield
    (study.folder / "circuits.py").write_text(FILE)
    study.write(CONFIG)


def test_an_edit_of_the_file_trains_its_head_again_and_no_other(study):
    file = study.folder / "circuits.py"
    assert study.planned() == {}
    file.write_text(FILE.replace("    n = len(angles)", '    """A wall."""\n\n    n = len(angles)  # qubits'))
    assert study.planned() == {}
    file.write_text(FILE.replace("qml.CZ", "qml.CNOT"))
    assert study.planned_runs() == RUNS
    jobs = study.planned()
    assert (jobs["train"], jobs["predict"]) == (2, 6) and not {"manifest", "cache", "pack", "circuit"} & set(jobs)


def test_another_argument_is_a_setting_of_that_head(study):
    study.write(CONFIG | {"heads": ["cdl", "dqc", {"mine": {**MINE["mine"], "arguments": {"layers": 2}}}]})
    assert study.planned_runs() == RUNS


def test_its_report_and_cards_say_what_it_is(study):
    results = study.folder / "results"
    report, card = (results / "report.html").read_text(), (results / "model-card.md").read_text()
    assert "function circuits.py:bricks, arguments.layers 1" in report and "digest" not in card
    assert "a linear layer, a quantum circuit written for this study, and a linear layer" in card


def test_what_cannot_be_is_refused_before_the_first_job(study):
    """A circuit of other outputs only PennyLane can tell: in seconds, by the check before the first job."""
    file = study.folder / "circuits.py"
    file.write_text(FILE.replace("in range(n)]", "in range(2)]"))
    text = study.snakemake(check=False)
    assert "circuits.py:bricks must return one expectation value per label, 8 for this task, got 2" in text
    file.unlink()
    text = study.snakemake(check=False)
    assert "error: circuits.py does not exist; set head.circuit.function to a file that does" in text
    assert "Train cxr8" not in text
