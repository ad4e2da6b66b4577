"""What a benchmark was taken on."""

import importlib.metadata
import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PACKAGES = ("qcxr", "jax", "jaxlib", "flax", "pennylane", "torch", "numpy")


def describe() -> dict[str, Any]:
    """Processor, cores, memory in GB, cards, system, versions, and the day (UTC)."""
    import jax  # here: `name` and `load` do without

    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = None
    cards = [device.device_kind for device in jax.devices() if device.platform == "gpu"]
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "cards": cards,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "day": datetime.now(UTC).date().isoformat(),
    }


def name(cards: Sequence[str] = ()) -> str:
    """A name for files: processor, or the first of the cards, and cores, as `intel-xeon-2-cores`."""
    words = re.sub(r"\(.*?\)|@.*|\bCPU\b|\bprocessor\b", " ", [*cards, processor()][0], flags=re.IGNORECASE)
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "machine"
    return f"{slug}-{cores()}-cores"


def processor() -> str:
    """The processor's own name, where the system tells it."""
    file = Path("/proc/cpuinfo")
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float:
    """Jobs that were running or waiting in the last minute."""
    return round(os.getloadavg()[0], 2)
