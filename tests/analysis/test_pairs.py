"""A head without another to compare it with is scored all the same, and what is not compared is said."""

import numpy as np
import pandas as pd
import pytest

from qcxr.analysis import bootstrap, comparisons, figures, inputs, metrics, report, statistics, tables
from qcxr.analysis.evaluate import Evaluation, evaluate
from qcxr.analysis.facts import Study
from qcxr.analysis.replicates import Resampling
from qcxr.analysis.results import read_results
from qcxr.study.files import write_csv

from . import synthetic
from .test_bootstrap import tables as predictions_of
from .test_names import save


@pytest.fixture(scope="module")
def one(study, tmp_path_factory):
    """The synthetic study with its dqc runs alone, as the workflow would compare them."""
    root = tmp_path_factory.mktemp("one")
    frame = metrics.read_metrics(study.metrics).query("head == 'dqc'")
    write_csv(frame, root / "metrics.csv")
    write_csv(statistics.compare(frame, heads=["dqc"]), root / "tests.csv")
    runs = [folder for folder in study.folders if folder.parts[-2] == "dqc"]
    return study.inputs | {
        "metrics": root / "metrics.csv",
        "tests": root / "tests.csv",
        "runs": runs,
        "history": runs,
        "steps": runs,
        "predictions": [path for path in study.inputs["predictions"] if "/dqc/" in str(path)],
    }


def test_one_head_has_no_tests_and_no_figure_of_comparisons(one, tmp_path):
    assert len(inputs.load("tests", one["tests"])) == 0
    assert list(inputs.load("tests", one["tests"]).columns) == list(statistics.COLUMNS)
    names = figures.names(tasks=("cxr8",), datasets=("nih",), heads=("dqc",))
    assert not {name.partition("-")[0] for name in names} & {"volcano", "difference"} and len(names) == 9
    for name in names:
        png = tmp_path / f"{name}.png"
        figures.draw(name, one, out_pdf=png.with_suffix(".pdf"), out_png=png, heads=["dqc"])
        assert png.stat().st_size > 5000


def test_one_heads_tables_and_report_hold_its_numbers_and_no_comparison(one, tmp_path):
    results = read_results({kind: one[kind] for kind in ("metrics", "tests", "runs", "counts")})
    built = tables.build(results)
    assert set(built) == {"counts", "alone", "scores", "runs"}
    alone = built["alone"]
    assert len(alone) == 2 * (8 + 4) + 2 * (19 + 4)  # labels and four means, on two test sets
    runs = results.metrics.query("task == 'cxr8' and dataset == 'nih' and label == 'Effusion' and metric == 'auroc'")
    row = alone[(alone["Task"] == "CXR-8") & (alone["Test set"] == "NIH-CXR-LT") & (alone["Label"] == "Effusion")]
    assert row["AUROC"].item() == f"{runs['value'].mean():.3f} ± {runs['value'].std(ddof=1):.3f}"
    assert row["Seeds"].item() == 3 and row["Positives"].item() == runs["n_positive"].max()
    assert list(alone["Label"][:2]) == ["mean", "mean, head"]
    # means first, then from common to rare in training
    assert list(alone["Label"][4:12]) == sorted(synthetic.LABELS["cxr8"], key=lambda label: -synthetic.TRAIN[label])
    assert "no positives" in set(alone["Note"])
    report.write_report(tmp_path / "r.html", results, Study(demo=True))
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert (
        "Which mean AUROC does DQC reach?" in text and "No pair of heads, so no comparison." in text and "Task" in text
    )
    assert "paired" not in text.lower() and "p-values" not in text and "Both heads" not in text
    assert tables.summary_text(results.tests, results.metrics).count("DQC") == 4


def test_without_the_reference_a_bootstrap_takes_no_other(tmp_path):
    """Heads a, b, c, and no run of a: intervals of b and c alone, the same as beside a; no difference."""
    given = predictions_of()
    given = {({"cdl": "b", "dqc": "c"}[head], seed): table for (head, seed), table in given.items()}
    found = bootstrap.bootstrap(given, task="cxr8", dataset="nih", heads=("a", "b", "c"), resampling=Resampling(100))
    assert set(found["kind"]) == {"head"} and set(found["head"]) == {"b", "c"}
    paired = bootstrap.bootstrap(given, task="cxr8", dataset="nih", heads=("b", "c"), resampling=Resampling(100))
    pd.testing.assert_frame_equal(
        found,
        paired[paired["kind"] == "head"].reset_index(drop=True)[found.columns],
        check_exact=True,
        check_dtype=False,
    )
    fewer = {key: table for key, table in given.items() if key != ("c", 1)}  # alone, heads need not have equal seeds
    found = bootstrap.bootstrap(fewer, task="cxr8", dataset="nih", heads=("a", "b", "c"), resampling=Resampling(100))
    assert found.groupby("head")["seed"].unique().map(list).to_dict() == {"b": ["0", "1", "mean"], "c": ["0", "mean"]}


def test_a_task_without_a_pair_ends_nothing_and_is_said(tmp_path):
    """Task u has no run of the reference head, task v of no other: both are scored, drawn and noted."""
    save(tmp_path, heads=("a", "b", "c"), tasks=("t", "u", "v"), datasets=("d",))
    runs = pd.read_csv(tmp_path / "runs.csv")
    kept = ~((runs["task"] == "u") & (runs["head"] == "a")) & ~((runs["task"] == "v") & (runs["head"] != "a"))
    runs[kept].to_csv(tmp_path / "runs.csv", index=False)
    said = []
    options = Evaluation(replicates=100, only=("volcano", "difference", "labels", "reliability"))
    summary = evaluate(tmp_path / "runs.csv", tmp_path / "out", options, say=said.append)
    notes = said[7:]  # behind what was read
    assert notes == [
        "u, d: no runs of a, which others are compared with, so nothing is compared there (scored: b, c).",
        "v, d: no runs of b, c, so no comparison with a there.",
    ]
    out = tmp_path / "out"
    report = (out / "report.html").read_text(encoding="utf-8")
    assert all(note in report for note in notes) and len(summary.splitlines()) == 2 + 2
    tests = inputs.load("tests", out / "tests.csv")
    assert set(tests["task"]) == {"t"} and set(tests["head_a"]) == {"a"}
    frame = metrics.read_metrics(out / "metrics.csv")
    assert frame.groupby("task")["head"].nunique().to_dict() == {"t": 3, "u": 2, "v": 1}
    alone = comparisons.alone(frame, tests)
    assert set(zip(alone["Task"], alone["Head"], strict=True)) == {("u", "b"), ("u", "c"), ("v", "a")}
    intervals = inputs.load("bootstrap", out / "bootstrap" / "u-d.csv")
    assert set(intervals["kind"]) == {"head"} and intervals["ci_low"].notna().any()
    drawn = {path.stem for path in (out / "figures").glob("*.png")}
    assert {"volcano-t", "labels-u-d", "reliability-u-d", "reliability-v-d", "difference-t"} <= drawn
    assert not {"volcano-u", "volcano-v"} & drawn


def test_no_pair_anywhere_is_an_evaluation_without_comparisons(tmp_path):
    save(tmp_path, heads=("a", "b"), tasks=("t", "u"), datasets=("d",))
    runs = pd.read_csv(tmp_path / "runs.csv")
    runs[(runs["task"] == "t") == (runs["head"] == "a")].to_csv(tmp_path / "runs.csv", index=False)
    said = []
    options = Evaluation(replicates=100, only=("mean_auroc", "difference", "volcano"))
    summary = evaluate(tmp_path / "runs.csv", tmp_path / "out", options, say=said.append)
    assert len(said) == 7 + 2 and "auroc" in summary
    assert len(inputs.load("tests", tmp_path / "out" / "tests.csv")) == 0
    drawn = {path.stem for path in (tmp_path / "out" / "figures").glob("*.png")}
    assert not {"difference-t", "volcano-t", "volcano-u"} & drawn and "mean_auroc" in drawn


def test_a_mean_over_unequal_seeds_is_its_own_heads(tmp_path):
    given = predictions_of()
    found = bootstrap.bootstrap(
        {key: table for key, table in given.items() if key != ("dqc", 1)},
        task="cxr8",
        dataset="nih",
        heads=("none", "cdl", "dqc"),
        resampling=Resampling(100),
    )
    rows = found.query("head == 'cdl' and label == 'Mass' and metric == 'auroc'").set_index("seed")["value"]
    assert rows["mean"] == pytest.approx(np.mean([rows["0"], rows["1"]]), abs=1e-15)
