"""The demo as README promises it: both heads learn, and nothing is learned from permuted labels."""

import pandas as pd
import pytest

from tests.workflow.study import Study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("demo"), {})
    study.output = study.snakemake()
    return study


def means(path, dataset="drawn-nih"):
    metrics = pd.read_csv(path)
    metrics = metrics[(metrics["label"] == "mean") & (metrics["metric"] == "auroc") & (metrics["dataset"] == dataset)]
    return metrics.groupby(["task", "head"])["value"].mean()


def test_both_heads_learn(demo):
    auroc = means(demo.folder / "results-demo/metrics.csv")
    assert auroc["cxr8", "cdl"] > 0.75 and auroc["cxr8", "dqc"] > 0.60, auroc


def test_it_ends_with_the_table_and_the_place_of_the_report(demo):
    end = demo.output[-3000:]
    assert "The report is results-demo/report.html" in end and "CXR-8" in end


def test_again_says_that_nothing_is_to_be_done(demo):
    assert "Nothing to be done" in demo.snakemake()


def test_snakemakes_own_report(demo):
    demo.snakemake("--report", "snakemake-report.html")
    assert (demo.folder / "snakemake-report.html").stat().st_size > 100_000


def test_permuted_labels_teach_nothing(demo):
    demo.write(
        {
            "results": "results-control",
            "tasks": ["cxr8"],
            "heads": ["cdl"],
            "train": {"permute_labels": True},
            "data": {"test_on": ["drawn-nih"]},
        }
    )
    paths = [f"results-control/runs/cxr8/cdl/seed{seed}/metrics/drawn-nih.csv" for seed in (0, 1, 2)]
    demo.snakemake(*paths)
    values = [means(demo.folder / path).item() for path in paths]
    assert abs(sum(values) / 3 - 0.5) < 0.05, values
