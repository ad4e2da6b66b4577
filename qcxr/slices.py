"""What a training run depends on: the slice of the configuration and the hash of the code. Must not import JAX."""

from __future__ import annotations

from qcxr.config import Config
from qcxr.provenance import code_hash, slice_text

# imported inside functions, so that an edit of a circuit retrains nothing but its own heads
HEAD_CODE = {"dqc": ("qcxr.circuits", "qcxr.circuits.pennylane")}


def training(cfg: Config, task: str, head: str) -> str:
    """What decides a run's weights. The list of seeds, threads, cards and paths are not among it."""
    return slice_text(
        cfg.image,
        cfg.augment,
        cfg.backbone,
        cfg.train,
        labels=cfg.labels(task),
        head_options=cfg.head.get(head, {}),
    )


def training_code(head: str) -> str:
    """Hash of the code that trains a head."""
    return code_hash("qcxr.training.fit", *HEAD_CODE.get(head, ()))


def prediction_code(head: str) -> str:
    """Hash of the code that predicts with a head."""
    return code_hash("qcxr.training.predict", *HEAD_CODE.get(head, ()))
