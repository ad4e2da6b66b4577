"""The texts that decide what is done again; the shipped configurations' are pinned: no finished run retrains."""

import hashlib
import json

import pytest

from qcxr.study import slices
from qcxr.study.config import load
from qcxr.study.provenance import read_slice, slice_text
from tests.study.studies import ROOT

# as of the commit before heads, schedules and shapes of backbones had models of their own
PINNED = json.loads((ROOT / "tests/study/slices.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PINNED)
def test_the_texts_of_the_shipped_configurations_are_what_they_were(name):
    cfg = load(ROOT / "config/config.yaml", *([ROOT / f"config/{name}.yaml"] if name != "config" else []))
    sections = {"analysis": cfg.analysis, "generate": cfg.generate}
    texts = {key: slice_text(section) for key, section in sections.items() if section is not None}
    texts |= {f"training {task}/{head}": slices.training(cfg, task, head) for task in cfg.tasks for head in cfg.heads}
    texts |= {f"source {key}": slice_text(source) for key, source in cfg.data.sources.items()}
    texts["features"] = slice_text(
        cfg.backbone,
        image=[cfg.image.mean, cfg.image.std],
        augment=cfg.augment.model_dump(),
        precision=cfg.train.precision,
        checkpoint=slices.checkpoint(cfg),
    )
    texts["report"] = slice_text(config=cfg.model_dump(mode="json", exclude={"resources"}))
    texts["circuit"] = slice_text(head_options=cfg.head.get("dqc", {}), qubits=len(cfg.labels(cfg.tasks[0])))
    assert texts == PINNED[name]


def test_a_local_checkpoint_counts_with_its_content(tmp_path):
    """Its path alone would not tell when other weights are put there; a name on the hub has no files to look at."""
    cfg = load(ROOT / "config/config.yaml")
    assert slices.checkpoint(cfg) is None
    (tmp_path / "model.safetensors").write_bytes(b"one")
    local = cfg.model_copy(update={"backbone": cfg.backbone.model_copy(update={"weights": str(tmp_path)})})
    before = slices.training(local, "cxr8", "cdl")
    assert read_slice(before)["checkpoint"] == {"model.safetensors": hashlib.sha256(b"one").hexdigest()}
    assert slices.training(local, "cxr8", "cdl") == before
    (tmp_path / "model.safetensors").write_bytes(b"another")
    assert slices.training(local, "cxr8", "cdl") != before
