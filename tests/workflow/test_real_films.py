"""The same rules on real films with official labels, where the folder exists (it is not part of the product)."""

import pandas as pd
import pytest

from tests.workflow.study import ROOT, TINY, Study

SAMPLE = ROOT.parent / "shared/data/nih_sample"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAMPLE.is_dir(), reason="no real films here"),
]
CONFIG = TINY | {
    "generate": None,
    "tasks": ["cxr19"],  # it has the labels of cxr8, and those without a positive film
    "data": {
        "train_on": "nih",
        "test_on": ["nih"],
        "unlearnable": "allow",
        "sources": {"nih": {"images": str(SAMPLE / "images"), "labels": str(SAMPLE), "entries": None}},
    },
    "image": {"resize": 72, "crop": 64},
    "backbone": {
        "name": "resnet",
        "config": {"embedding_size": 16, "hidden_sizes": [16, 32, 64], "depths": [1, 1, 1], "layer_type": "basic"},
    },
    "train": {"epochs": 2, "batch_size": 32},
}


def test_real_films_run_through_the_whole_study(tmp_path):
    study = Study(tmp_path / "real", CONFIG)
    study.snakemake()
    metrics = pd.read_csv(study.folder / "results/metrics.csv").query("metric == 'auroc'")
    print(metrics.pivot_table(index=["task", "label"], columns="head", values="value", dropna=False).to_string())
    absent = metrics[metrics["label"] == "Pneumomediastinum"]
    assert len(absent) == 4 and absent["value"].isna().all() and absent["n_positive"].eq(0).all()
    assert absent["reason"].str.contains("no positive").all()
    means = metrics[metrics["label"] == "mean"]
    assert len(means) == 4 and means["value"].between(0.3, 0.95).all()
    assert means.loc[means["task"] == "cxr19", "reason"].str.contains("Pneumomediastinum").all()
    report = (study.folder / "results/report.html").read_text()
    assert "undefined" in report and "no training film shows Pneumomediastinum; nothing was learned of it." in report
