"""What energy a run took: `energy.json` beside its `run.json`, where `resources.energy` had it measured.

No rule has the file as output or input, so that measuring reruns nothing and changes no result.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qcxr.study.files import write_json

NAME = "energy.json"
PARTS = ("seconds", "kwh", "cpu_kwh", "gpu_kwh", "ram_kwh")


def add(folder: Path, attempt: Mapping[str, Any], marks: Mapping[str, Any], *, done: bool) -> None:
    """Write down what an attempt at the run in `folder` took, beside those that it was resumed from.

    attempt: PARTS, and how they were measured. marks: what decides the run's bits; attempts with others are of another
    run and forgotten, as are those of a training that was `done`.
    """
    about = _read(folder / NAME)
    before = [] if about.get("done") or about.get("marks") != marks else about["attempts"]
    write_json({"marks": marks, "done": done, "attempts": [*before, attempt]}, folder / NAME)


def of(folder: Path) -> dict[str, float] | None:
    """PARTS of the finished run in `folder`, summed over its attempts; None where nothing measured them.

    An attempt that was killed (SIGKILL) left nothing, so it is a least.
    """
    about, record = _read(folder / NAME), _read(folder / "run.json")
    marks = about.get("marks", {})
    if not about.get("done") or any(record.get(key) != value for key, value in marks.items()):
        return None
    return {part: sum(attempt[part] for attempt in about["attempts"]) for part in PARTS}


def said(kwh: Iterable[tuple[str, float | None]]) -> str | None:
    """The estimated energy of runs, given as (head, kWh or None), in a line; None where nothing was measured."""
    runs = list(kwh)
    heads: dict[str, float] = {}
    for head, taken in runs:
        if taken is not None:
            heads[head] = heads.get(head, 0.0) + taken
    if not heads:
        return None
    measured = sum(taken is not None for _, taken in runs)
    each = ", ".join(f"{head} {taken:.3g}" for head, taken in heads.items())
    few = "" if measured == len(runs) else f", of {measured} of {len(runs)} runs"
    return f"{sum(heads.values()):.3g} kWh in all by codecarbon's estimate ({each}){few}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # not there, or damaged: not known
        return {}
