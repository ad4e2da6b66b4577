"""Weights files of runs as they start: what reads them need not wait for a training."""

from pathlib import Path

from qcxr.models import classifier
from qcxr.models.classifier import Architecture

LABELS = ("Mass", "Nodule", "Hernia")
IMAGE = {"resize": 18, "crop": 16, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
SMALL = {
    "name": "resnet",
    "weights": None,
    "config": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
}


def save(folder: Path, *, seed: int, labels: tuple[str, ...] = LABELS, frozen: bool = False, head: str = "cdl") -> Path:
    """A run's folder with its weights; with `frozen` on the backbone of seed 0, as runs on features have it."""
    architecture = Architecture(SMALL, head, len(labels), batch_norm="running")
    model = classifier.build(architecture, seed=seed)
    if frozen:
        model.backbone = classifier.build(architecture, seed=0).backbone
    folder.mkdir(parents=True)
    classifier.save(folder / "best.safetensors", model, metadata={"labels": list(labels), "image": IMAGE})
    return folder
