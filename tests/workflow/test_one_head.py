"""One head, one seed, names that look like numbers or like nothing: a study without a comparison ends in a report."""

import csv
import json

import pytest

from qcxr.study.config import load
from tests.workflow.study import ROOT, TINY, Study

pytestmark = pytest.mark.slow
DRAWN = load(ROOT / "config/config.yaml", ROOT / "config/demo.yaml").model_dump(mode="json")["data"]["sources"]
CONFIG = TINY | {
    "heads": ["dqc"],
    "seeds": [0],
    "tasks": ["2023"],
    "label_sets": {"2023": ["Effusion", "Infiltration"]},
    "data": {
        "train_on": "2019",
        "test_on": ["2019", "null"],
        "sources": {"2019": DRAWN["drawn-nih"], "null": DRAWN["drawn-mimic"]},
    },
    "timed_steps": 0,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("one"), CONFIG)
    study.output = study.snakemake()
    return study


def rows(path):
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def test_it_ends_with_metrics_figures_tables_cards_and_a_report(study):
    results = study.folder / "results"
    scored = rows(results / "metrics.csv")
    assert {(r["task"], r["head"], r["seed"], r["dataset"]) for r in scored} == {
        ("2023", "dqc", "0", "2019"),
        ("2023", "dqc", "0", "null"),
    }
    assert rows(results / "tests.csv") == [] and (results / "tests.csv").read_text().startswith("task,dataset,metric,")
    drawn = {path.stem.partition("-")[0] for path in (results / "figures").glob("*.pdf")}
    assert drawn == {
        "losses",
        "mean_auroc",
        "labels",
        "longtail",
        "roc",
        "precision_recall",
        "reliability",
        "variance",
        "decision",
        "subgroups",
    }
    assert {path.stem for path in (results / "tables").glob("*.csv")} == {
        "counts",
        "parameters",
        "alone",
        "scores",
        "runs",
        "variance",
        "subgroups",
    }
    report = (results / "report.html").read_text()
    assert "No pair of heads, so no comparison." in report and report.count("<img ") == 5 + 5 * 2 + 1
    card = (results / "model-card.md").read_text()
    assert card.startswith("---\nlibrary_name: qcxr") and "\n# Model card: DQC head on chest X-rays" in card
    assert "| DQC " in card and json.loads((results / "data-card.json").read_text())["@type"] == "sc:Dataset"
    for name in ("report.html", "model-card.md", "data-card.md", "data-card.json", "checklist.md"):
        text = (results / name).read_text()
        for claim in ("Both heads", "t-test", "30,805", "p-value", "paired"):
            assert claim not in text, (name, claim)
    assert "DQC" in (results / "summary.txt").read_text()
    # fontTools would say of every table of a font that it is pruned
    assert [path.name for path in (results / "logs/figures").glob("*.log") if "pruned" in path.read_text()] == []


def test_it_has_nothing_left_to_do(study):
    assert study.planned() == {}
