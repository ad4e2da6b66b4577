"""A study with circuit, head, loss, metric and figure of the user's own: to its end, and what an edit redoes."""

import re

import pytest

from tests.workflow.study import ROOT, TINY, Study

pytestmark = pytest.mark.slow(minutes=3)

MINE = {"mine": {"kind": "circuit", "function": "circuits.py:bricks", "arguments": {"layers": 1}}}
HEADS = ["dqc", "gelu_mlp", {"margins": {"kind": "cdl", "train": {"loss": "ldam"}}}]
CONFIG = TINY | {
    "plugins": ["mine.py"],
    "heads": [*HEADS, MINE],
    "data": {"test_on": ["drawn-nih"]},
    "analysis": {"bootstrap": 0, "metrics": ["sensitivity_at_95"], "figures": ["spread"]},
    "timed_steps": 0,
}
FILES = {
    "mine.py": (ROOT / "docs/own_plugins.py").read_text(encoding="utf-8"),
    "circuits.py": """
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
""",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("own"), CONFIG)
    edit(study)
    study.snakemake()
    return study


@pytest.fixture
def study(made):
    """The finished study, as it was whatever a test did to it."""
    edit(made)
    made.write(CONFIG)
    return made


def edit(study, *replaced):
    """Write the files with texts replaced, each (old, new)."""
    for name, text in FILES.items():
        for old, new in replaced:
            text = text.replace(old, new)
        (study.folder / name).write_text(text)
    assert all(any(old in text for text in FILES.values()) for old, _ in replaced)


def planned(study, *replaced):
    """The heads that an edit of the files trains again, and all jobs: rule -> number."""
    edit(study, *replaced)
    text = study.snakemake("-n")
    runs = set(re.findall(r"Train cxr8 with (\S+), seed \d+", text))
    jobs = {name: int(n) for name, n in re.findall(r"^(\w+)\s+(\d+)\s*$", text, flags=re.MULTILINE)}
    return runs, {name: n for name, n in jobs.items() if name not in ("total", "all")}


def test_an_edit_redoes_what_uses_it(study):
    comments = (
        ("    n = len(angles)", '    """A wall."""\n\n    n = len(angles)  # qubits'),
        ("Two linear layers with GELU", "A layer and another with GELU"),
    )
    assert planned(study, *comments) == (set(), {})
    runs, jobs = planned(study, ("qml.CZ", "qml.CNOT"))
    assert (runs, jobs["train"], jobs["predict"]) == ({"mine"}, 2, 4)
    assert not {"manifest", "cache", "pack", "circuit"} & set(jobs)
    runs, jobs = planned(study, ("hidden: int = 128", "hidden: int = 64"))
    assert runs == {"gelu_mlp"} and not {"pack", "manifest"} & set(jobs)
    assert planned(study, ("** -0.25", "** -0.5"))[0] == {"margins"}
    runs, jobs = planned(study, ("0.95 * negatives.size", "0.9 * negatives.size"))
    assert not runs and {"score", "compare", "report"} <= set(jobs) and "predict" not in jobs
    assert planned(study, ("figsize=(3.5, 2.5)", "figsize=(4, 3)")) == (set(), {"figure": 1, "report": 1})


def test_another_argument_is_a_setting_of_that_head(study):
    study.write(CONFIG | {"heads": [*HEADS, {"mine": {**MINE["mine"], "arguments": {"layers": 2}}}]})
    assert study.planned_runs() == {"cxr8 with mine, seed 0", "cxr8 with mine, seed 1"}


def test_its_tables_figures_report_and_card_have_them(study):
    results = study.folder / "results"
    assert "sensitivity_at_95" in (results / "metrics.csv").read_text()
    tests = (results / "tests.csv").read_text()
    assert re.search(r"^cxr8,drawn-nih,sensitivity_at_95,mean,dqc,gelu_mlp,", tests, re.MULTILINE)
    assert "Sensitivity at 95" in (results / "tables/own.md").read_text()
    report, card = (results / "report.html").read_text(), (results / "model-card.md").read_text()
    assert "The mean over labels of every run, by head and test set." in report
    assert "function circuits.py:bricks, arguments.layers 1" in report
    assert "a linear layer, a quantum circuit written for this study, and a linear layer" in card
    for written in ("head gelu_mlp", "loss ldam"):
        assert re.search(rf"{written} in mine.py \(digest [0-9a-f]{{16}}\)", card)
    assert card.count("digest") == 2
    assert '"file": "mine.py"' in (results / "runs/cxr8/margins/seed0/run.json").read_text()


def test_what_cannot_be_is_refused_before_the_first_job(study):
    """A circuit of other outputs only PennyLane can tell: in seconds, by the check before the first job."""
    hiden = "must run, got NameError: name 'hiden' is not defined"
    for wrong, said in (
        (("in range(n)]", "in range(2)]"), "circuits.py:bricks must return one expectation value per label, 8 for"),
        (("hidden, key=first", "hiden, key=first"), rf"error: mine.py:\d+: head gelu_mlp {hiden}"),
        (("0.95 * negatives.size", "0.95 * hiden.size"), rf"error: mine.py:\d+: metric sensitivity_at_95 {hiden}"),
        (None, "error: circuits.py does not exist; set head.circuit.function to a file that does"),
    ):
        edit(study, *([wrong] if wrong else []))
        if wrong is None:
            (study.folder / "circuits.py").unlink()
        text = study.snakemake(check=False)
        assert re.search(said, text), text
        assert "Train cxr8" not in text and "Score cxr8" not in text
