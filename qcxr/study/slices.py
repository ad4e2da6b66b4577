"""What a training run depends on: the slice of the configuration and the hash of the code. Must not import JAX."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from qcxr.study.config import Config
from qcxr.study.heads import KINDS
from qcxr.study.provenance import code_hash, digest_file, slice_text

# no other module imports a head's (qcxr.models.heads.create), so that an edit retrains nothing but its own kind
HEAD_CODE = {name: (kind.module, *kind.needs) for name, kind in KINDS.items()}


def training(cfg: Config, task: str, head: str) -> str:
    """What decides a run's weights. The list of seeds, threads, cards and paths are not among it."""
    return slice_text(
        cfg.image,
        cfg.augment,
        cfg.backbone,
        cfg.train,
        labels=cfg.labels(task),
        head_options=cfg.head.get(head, {}),
        checkpoint=checkpoint(cfg),
    )


def checkpoint(cfg: Config) -> dict[str, str] | None:
    """The SHA-256 of each file of the backbone's checkpoint, if that is a local folder, else None.

    Its path alone would not tell when other weights are put there. What the hub gave is in a run's `run.json`.
    """
    if cfg.backbone.weights is None or not (folder := Path(cfg.backbone.weights).expanduser()).is_dir():
        return None
    files = [folder / name for name in ("config.json", "preprocessor_config.json", "model.safetensors")]
    return {path.name: _digest(path, path.stat().st_mtime_ns) for path in files if path.is_file()}


@lru_cache
def _digest(path: Path, mtime_ns: int) -> str:
    return digest_file(path)


def training_code(kind: str) -> str:
    """Hash of the code that trains a head of that kind."""
    return code_hash("qcxr.training.fit", *HEAD_CODE[kind])


def prediction_code(kind: str) -> str:
    """Hash of the code that predicts with a head of that kind."""
    return code_hash("qcxr.training.predict", *HEAD_CODE[kind])


def studied_code(module: str, kinds: Iterable[str]) -> str:
    """Hash of a module that builds heads of all these kinds, and of theirs."""
    return code_hash(module, *(name for kind in kinds for name in HEAD_CODE[kind]))
