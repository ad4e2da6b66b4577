"""The protocol's own backbone at full size, `microsoft/resnet-50` from a hub cache, trained by the study's rules."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file

from qcxr.models.resnet import CONFIGS
from tests.models.checkpoints import write_checkpoint
from tests.workflow.study import ROOT, TINY, Study

pytestmark = pytest.mark.slow

REVISION = "0" * 40


@pytest.fixture
def hub(tmp_path):
    """A hub cache that holds `microsoft/resnet-50`: a ResNet-50 with random weights, as save_pretrained writes it."""
    repository = tmp_path / "hub" / "models--microsoft--resnet-50"
    config = CONFIGS["resnet50"].to_dict()
    arrays = write_checkpoint(repository / "snapshots" / REVISION, config, fresh=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(REVISION)
    return tmp_path / "hub", arrays


def test_the_protocols_backbone_starts_from_its_checkpoint(hub, tmp_path):
    shipped = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    kept = {key: shipped[key] for key in ("image", "augment", "backbone", "head")}
    assert kept["backbone"]["weights"] == "microsoft/resnet-50"
    kept["backbone"]["config"] = None  # the demo's, below this configuration, has one
    films = {"generate": TINY["generate"] | {"train": 20, "val": 20, "test": 20, "mimic": 20}, "timed_steps": 0}
    protocol = {key: shipped["train"][key] for key in ("optimizer", "learning_rate", "loss", "precision")}
    study = Study(
        tmp_path / "study",
        TINY | kept | films | {"train": protocol | {"epochs": 1, "batch_size": 8}, "tasks": ["cxr19"]},
    )
    folder = study.folder / "results/runs/cxr19/dqc/seed0"
    cache, reference = hub
    study.snakemake(str(folder.relative_to(study.folder) / "run.json"), HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1")

    run = json.loads((folder / "run.json").read_text())
    assert run["parameters"]["backbone"] == 23_508_032
    steps = pd.read_csv(folder / "steps.csv")
    n_train = len(list((study.folder / "demo/nih").rglob("*.png")))
    assert 2 <= len(steps) <= n_train / 8 and np.isfinite(steps["loss"]).all()

    # Adam moves an array by at most about its rate a step, so the checkpoint is still to be seen in the weights.
    after = load_file(folder / "best.safetensors")
    reach = 1.1 * protocol["learning_rate"] * len(steps)
    moved = 0
    for name, value in reference.items():
        change = np.abs(after[f"backbone.{name}"] - value).max()
        if name.endswith(("norm.mean", "norm.var")):
            assert change == 0, name  # statistics of a pretrained backbone are frozen
        else:
            assert change <= reach, name
            moved += change > 0
    assert moved == sum(not name.endswith(("norm.mean", "norm.var")) for name in reference)
