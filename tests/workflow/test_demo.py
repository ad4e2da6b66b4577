"""The demo as README promises it: both heads learn, and nothing is learned from permuted labels."""

from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from qcxr.data import split
from qcxr.study import runs
from qcxr.study.config import load
from qcxr.training import splits
from qcxr.training.fit import fit
from qcxr.training.predict import predict
from tests.workflow.study import ROOT, Study

pytestmark = pytest.mark.slow(minutes=14)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("demo"), {})
    study.output = study.snakemake()
    return study


@pytest.fixture(autouse=True)
def compilation_cache(demo):
    """The study's own, so that runs in this process compile nothing again."""
    jax.config.update("jax_compilation_cache_dir", str(demo.programs))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)
    yield
    jax.config.update("jax_compilation_cache_dir", None)


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


def test_permuted_labels_teach_nothing(demo, tmp_path, capsys):
    """The demo's own films and protocol with permuted labels: AUROC 0.5 on average over runs.

    One run strays by 0.06 (its labels' logits lean together), so three would pass or fail by chance; twenty do not.
    """
    cfg = load(ROOT / "config/config.yaml", ROOT / "config/demo.yaml")
    labels, packed = cfg.labels("cxr8"), demo.folder / "results-demo/packed"
    films = splits.load(packed / "drawn-nih-train.npy", packed / "drawn-nih-val.npy", runs.run(cfg, "cxr8", "cdl", 0))
    test = split.load(packed / "drawn-nih-test.npy", labels)
    protocol = cfg.train.model_copy(update={"permute_labels": True, "epochs": 5})
    values = []
    for seed in range(20):
        out = tmp_path / str(seed)
        run = runs.run(cfg, "cxr8", "cdl", seed)
        recipe = replace(run.recipe, train=protocol)
        fit(replace(run, recipe=recipe, out=out, work=tmp_path / "work", progress=None), films, resources=cfg.resources)
        found = predict(weights_file=out / "best.safetensors", split=test, out=out / "p.parquet")
        values.append(roc_auc_score(test.targets, found.filter(like="p_"), average="macro"))
    with capsys.disabled():
        print(f"control: {np.mean(values):.3f} +- {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}")
    assert abs(np.mean(values) - 0.5) < 0.05, values
