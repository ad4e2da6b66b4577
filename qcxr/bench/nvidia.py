"""What `nvidia-smi` tells of the cards that a process may use; nothing without one. Must not import JAX."""

import os
import shutil
import subprocess

from qcxr.training.devices import visible_cards


def present() -> bool:
    """Whether JAX can be expected to compute on a card here: there is one, and nobody chose the CPU."""
    return os.environ.get("JAX_PLATFORMS", "") != "cpu" and bool(visible_cards())


def asked(field: str) -> list[str]:
    """A field of `nvidia-smi --query-gpu` for the first card that may be used, as `name` or `memory.total` (MiB)."""
    if not shutil.which("nvidia-smi") or not (cards := visible_cards()):
        return []
    command = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader,nounits", f"--id={cards[0]}"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in told.splitlines() if line.strip()]
