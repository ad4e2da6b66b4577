"""A study on a Swin that torch computes: planned through features, finished, and redone where its files change."""

import pandas as pd
import pytest

from tests.models import hubs
from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow
pytest.importorskip("torch")

CONFIG = TINY | {
    "heads": ["cdl", "dqc"],
    "timed_steps": 2,
    "image": {"resize": None, "crop": None},
    "backbone": {"name": None, "config": None, "batch_norm": None, "weights": "./swin", "trainable": "head"},
}


def test_a_swin_folder_from_films_to_metrics(tmp_path):
    study = Study(tmp_path / "study", CONFIG)
    hubs.write(study.folder / "swin", "swin")
    jobs = study.planned()
    assert (jobs["features"], jobs["train"]) == (4, 4)
    wanted = ["results/runs/cxr8/dqc/seed0/metrics/drawn-mimic.csv", "results/parameters.csv", "results/benchmark.csv"]
    study.snakemake(*wanted)
    counted = pd.read_csv(study.folder / wanted[1])
    assert (counted["backbone"] > 1000).all()
    left = study.planned()
    assert (left["features"], left["train"], left["pack"]) == (1, 3, 1)  # of the test set that was not asked for
    hubs.write(study.folder / "swin", "swin", mlp_ratio=2.0)
    again = study.planned()
    assert (again["features"], again["train"], again["pack"]) == (4, 4, 1)
    study.write(CONFIG | {"image": {"resize": 72, "crop": 64}})
    assert study.planned()["pack"] == 4
