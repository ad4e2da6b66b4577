"""Sentences of reports, cards and captions: for each kind of study those that its inputs carry, and no other."""

import dataclasses
import json

import pandas as pd
import pytest
from matplotlib.figure import Figure

from qcxr.analysis import cards, deviations, figures, inputs, paper, report
from qcxr.analysis.evaluate import Evaluation, evaluate
from qcxr.analysis.facts import Facts, If, Study
from qcxr.analysis.gallery import gallery
from qcxr.analysis.origin import official
from qcxr.analysis.results import Results, read_results

from .published import save_as_published
from .synthetic import facts

GIVEN = "AUROC is agreement with the labels that were given, right or wrong, not accuracy of diagnosis."


def published_counts():
    """The positives of the paper's Table I, as a manifest counts them."""
    places = [("nih", "train"), ("nih", "val"), ("nih", "test"), ("mimic", "test")]
    return pd.DataFrame(
        [
            {"dataset": dataset, "split": split, "label": label, "n": 21_081, "n_positive": row[i]}
            for i, (dataset, split) in enumerate(places)
            for label, row in paper.LABEL_COUNTS.items()
        ]
    )


def test_conditions_are_facts():
    parts = [part for entry in figures.FIGURES.values() for part in entry.text if isinstance(part, If)]
    assert parts and all(hasattr(facts(), name) for part in parts for name in part.facts)
    assert {row[0] for row in deviations.DEVIATIONS} - {"always"} <= set(Facts.__dataclass_fields__)


def test_only_the_published_counts_are_the_published_data():
    counts = published_counts()
    assert (official(counts, "nih"), official(counts, "mimic")) == ("nih", "mimic")
    renamed = counts.replace({"dataset": {"nih": "chestxray14"}})
    assert official(renamed, "chestxray14") == "nih"
    changed = counts.copy()
    changed.loc[(changed["dataset"] == "nih") & (changed["label"] == "Hernia"), "n_positive"] += 1
    assert official(changed, "nih") is None and official(changed, "mimic") == "mimic"
    assert official(counts[counts["label"] != "Hernia"], "nih") is None
    test_only = counts[counts["split"] == "test"]
    assert official(test_only, "nih") == "nih" and official(test_only, "none") is None


@pytest.mark.parametrize(
    ("change", "kinds", "demo", "has", "lacks"),
    [
        (
            0,
            {"nih": "nih"},
            False,
            ["30,805 patients", "mined from radiology reports by text tools, not"],
            ["say where"],
        ),
        (1, {"nih": "nih"}, False, ["in NIH-CXR-LT's layout. Their counts are not", "not known here"], ["30,805"]),
        (1, {}, False, ["NIH-CXR-LT: say where these films come from."], ["30,805", "layout"]),
        (1, {"nih": "nih"}, True, ["drawn by a program, in NIH-CXR-LT's layout", "generator's"], ["30,805", "mined"]),
    ],
)
def test_the_data_card_claims_an_origin_for_official_counts_only(tmp_path, change, kinds, demo, has, lacks):
    counts = published_counts().query("dataset == 'nih'")
    counts = counts.assign(n_positive=counts["n_positive"] + change)
    cards.data_card(tmp_path / "data.md", Study(demo=demo), counts=counts, kinds=kinds)
    text = (tmp_path / "data.md").read_text(encoding="utf-8")
    assert all(words in text for words in has) and not any(words in text for words in lacks)


def test_facts_are_gathered_from_the_results(study):
    found = study.results("runs", "counts").facts(Study(demo=True))
    assert (found.tasks, found.heads, found.datasets) == (("cxr8", "cxr19"), ("cdl", "dqc"), ("nih", "mimic"))
    assert found.seeds == (3, 3) and found.compared and found.tested and not found.patients
    assert found.trained and found.same_settings and found.circuits == {"dqc": {}}
    assert found.t_tested and found.thresholds and found.grouped == ""
    assert found.demo and not found.protocol and not found.mined
    bare = study.results().facts(Study())
    assert bare.foreign and bare.circuits == {} and not bare.mined
    assert not bare.thresholds  # whoever trained may have chosen them elsewhere


def test_what_is_tested_is_what_has_the_p_that_words_follow(study):
    """Raw p over seeds are another thing: one seed has none, and a rare label may have nothing else."""
    results = study.results()
    one = dataclasses.replace(results, tests=results.tests.assign(p=float("nan")))
    assert one.facts(Study()).tested and not one.facts(Study()).t_tested
    raw = results.tests.assign(p_adjusted=float("nan"), basis="")
    assert raw["p"].notna().any()
    found = dataclasses.replace(results, tests=raw).facts(Study())
    assert found.t_tested and not found.tested and found.bases == ()
    groups = pd.DataFrame({"attribute": ["sex", "sex", "scanner", ""]})
    assert dataclasses.replace(results, subgroups=groups).facts(Study()).grouped == "sex and scanner"


def test_settings_that_differ_between_heads_are_not_called_the_same(study, tmp_path):
    folders = []
    for folder in study.folders:
        run = inputs.read_run(folder)
        if run["head"] == "dqc":
            run["config"]["train"]["learning_rate"] = 1e-3
        folders.append(tmp_path / "-".join(folder.parts[-3:]))
        folders[-1].mkdir()
        (folders[-1] / "run.json").write_text(json.dumps(run))
    files = {"metrics": study.metrics, "tests": study.tests, "runs": folders}
    assert not read_results(files).facts(Study()).same_settings


def text_of(path):
    return path.read_text(encoding="utf-8")


def test_a_report_of_foreign_predictions_claims_nothing_of_trainings(tmp_path):
    save_as_published(tmp_path, heads=("cdl", "dqc", "mlp"))
    evaluate(tmp_path / "runs.csv", tmp_path / "out", Evaluation(replicates=0, only=("difference", "mean_auroc")))
    report_text = text_of(tmp_path / "out" / "report.html")
    body = report_text.split('<main id="main">')[1]
    for claim in (
        "simulated",
        "backbone",
        "BatchNorm",
        "augment",
        "hyperparameters",
        "mined",
        "Rotation",
        "Both",
        "What was run",
    ):
        assert claim not in body, claim
    assert "Thin lines join the heads of one seed." in body and "What was read" in body


def test_the_model_card_counts_its_heads(study, tmp_path):
    """The synthetic study's two heads, and the same runs under four names."""
    cards.model_card(tmp_path / "two.md", study.results("runs", "counts"))
    two = text_of(tmp_path / "two.md")
    assert "# Model card: CDL and DQC heads on chest X-rays" in two and "one of 2 heads: CDL, DQC. CDL is one" in two
    assert "Both heads were trained with the same settings" in two and "The same seed gives every head" in two

    results = study.results("runs")
    more = results.metrics.assign(head=results.metrics["head"].map({"cdl": "mlp", "dqc": "product"}))
    runs = [dict(run) for run in results.runs]
    runs += [run | {"head": {"cdl": "mlp", "dqc": "product"}[run["head"]]} for run in runs]
    four = Results(pd.concat([results.metrics, more]), results.tests, runs)
    cards.model_card(tmp_path / "four.md", four)
    text = text_of(tmp_path / "four.md")
    assert (
        "# Model card: CDL, DQC, mlp and product heads on" in text and "one of 4 heads: CDL, DQC, mlp, product." in text
    )
    assert "All four heads were trained" in text and "Both heads" not in text and "never entangles" in text

    alone = Results(
        results.metrics.query("head == 'cdl'"), results.tests.head(0), [r for r in results.runs if r["head"] == "cdl"]
    )
    cards.model_card(tmp_path / "one.md", alone)
    text = text_of(tmp_path / "one.md")
    assert "# Model card: CDL head on" in text and "with one head: CDL. CDL is one linear layer." in text
    assert "DQC" not in text and "every head" not in text and "Mean AUROC over the labels" not in text
    assert "\n\n\n" not in text and "circuit" not in text


def test_own_data_under_a_public_name_is_not_called_mined(study, tmp_path):
    report.write_report(tmp_path / "r.html", study.results("runs", "counts"))
    text = text_of(tmp_path / "r.html")
    assert "are mined" not in text and GIVEN in text


def test_the_circuit_that_is_drawn_is_that_of_a_dqc_whatever_stands_before_it(tmp_path):
    """The ladder's `product` holds a circuit too, without the ring that the drawing shows."""
    drawing = tmp_path / "circuit.png"
    Figure(figsize=(1, 1)).savefig(drawing)
    ladder = facts(
        heads=("cdl", "product", "deep"),
        kinds={"cdl": "cdl", "product": "product", "deep": "dqc"},
        trained=True,
        circuits={"product": {}, "deep": {"layers": 5}},
    )
    assert "The circuit of the deep head." in str(gallery([drawing], ladder))
