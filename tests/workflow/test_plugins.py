"""A study with a head, a loss, a metric and a figure of the user's own: to its end, and what an edit of each redoes."""

import re

import pytest

from tests.workflow.study import ROOT, TINY, Study

pytestmark = pytest.mark.slow

EXAMPLES = (ROOT / "docs/own_plugins.py").read_text(encoding="utf-8")
CONFIG = TINY | {
    "plugins": ["mine.py"],
    "heads": [{"margins": {"kind": "cdl", "train": {"loss": "ldam"}}}, "gelu_mlp"],
    "data": {"test_on": ["drawn-nih"]},
    "analysis": {"bootstrap": 0, "metrics": ["sensitivity_at_95"], "figures": ["spread"]},
    "timed_steps": 0,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("own"), CONFIG)
    (study.folder / "mine.py").write_text(EXAMPLES)
    study.snakemake()
    return study


def edit(study, *replaced):
    """Write the examples with texts replaced, each (old, new)."""
    text = EXAMPLES
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    (study.folder / "mine.py").write_text(text)


def planned(study, *replaced):
    """The training runs that an edit of the file plans, and all jobs by rule."""
    edit(study, *replaced)
    text = study.snakemake("-n")
    runs = set(re.findall(r"Train cxr8 with (\S+), seed \d+", text))
    return runs, set(re.findall(r"^(\w+)\s+\d+\s*$", text, flags=re.MULTILINE)) - {"total", "all"}


def test_an_edit_redoes_what_uses_it(study):
    runs, jobs = planned(study, ("hidden: int = 128", "hidden: int = 64"))
    assert runs == {"gelu_mlp"} and not {"pack", "manifest"} & jobs
    assert planned(study, ("** -0.25", "** -0.5"))[0] == {"margins"}
    runs, jobs = planned(study, ("0.95 * negatives.size", "0.9 * negatives.size"))
    assert not runs and {"score", "compare", "report"} <= jobs and "predict" not in jobs
    docstring = ("Two linear layers with GELU", "A layer and another with GELU")  # redoes nothing
    assert planned(study, ("figsize=(3.5, 2.5)", "figsize=(4, 3)"), docstring) == (set(), {"figure", "report"})


def test_what_cannot_work_is_found_before_the_first_job(study):
    """By the preflight of metrics and figures; that of heads and losses is the models' own (`test_plan.py`)."""
    edit(study, ("0.95 * negatives.size", "0.95 * hiden.size"))
    text = study.snakemake(check=False)
    said = r"error: mine.py:\d+: metric sensitivity_at_95 must run, got NameError: name 'hiden' is not defined"
    assert re.search(said, text), text
    assert "Score cxr8" not in text


def test_its_tables_figures_and_card_have_them(study):
    results = study.folder / "results"
    assert "sensitivity_at_95" in (results / "metrics.csv").read_text()
    assert re.search(
        r"^cxr8,drawn-nih,sensitivity_at_95,mean,margins,gelu_mlp,", (results / "tests.csv").read_text(), re.M
    )
    assert "Sensitivity at 95" in (results / "tables/own.md").read_text()
    report, card = (results / "report.html").read_text(), (results / "model-card.md").read_text()
    assert "The mean over labels of every run, by head and test set." in report
    assert re.search(r"head gelu_mlp in mine.py \(digest [0-9a-f]{16}\)", card) and "loss ldam in mine.py" in card
    assert '"file": "mine.py"' in (results / "runs/cxr8/margins/seed0/run.json").read_text()
