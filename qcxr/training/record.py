"""What a finished run leaves: the best weights, the history, the loss of every step, and how it was made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qcxr.study.files import write_csv, write_json
from qcxr.study.memory import peak_memory_mb
from qcxr.study.provenance import git_commit, versions
from qcxr.training.loop import HISTORY, Loop


def is_of(out: Path, fingerprint: dict[str, Any]) -> bool:
    """Whether `out` holds a finished run with this fingerprint."""
    try:
        found = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there, or damaged: not finished
        return False
    return all(found.get(key) == value for key, value in fingerprint.items())


def write(loop: Loop, out: Path, best: Path, *, facts: dict[str, Any]) -> None:
    """Write `best.safetensors` (from the file `best`), `history.csv`, `steps.csv` and `run.json`, each atomically.

    `facts` are what `run.json` says beside the loop's own: which run it is, its parameters, device and fingerprint.
    """
    history = pd.DataFrame(loop.history, columns=list(HISTORY))
    step = np.arange(1, len(loop.losses) + 1)
    losses = pd.DataFrame({"step": step, "epoch": (step - 1) // loop.steps_per_epoch + 1, "loss": loop.losses})
    write_csv(history, out / "history.csv")
    write_csv(losses, out / "steps.csv")
    partial = out / ".best.safetensors.partial"
    partial.write_bytes(best.read_bytes())
    os.replace(partial, out / "best.safetensors")
    write_json(
        {
            **facts,
            "versions": versions(),
            "git": git_commit(),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "films_per_second": round(float(history["films_per_second"].median()), 1) if loop.history else None,
            "training_seconds": round(float(history["seconds"].sum()), 1),
            "epochs": loop.epoch,
            "best_epoch": loop.best_epoch,
            "best_val_loss": loop.best_loss if loop.best_epoch else None,
            "stopped": loop.finished,
        },
        out / "run.json",
    )
