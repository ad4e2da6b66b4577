"""Where every run of a study stands, read from the runs' progress files. Must not import JAX."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any

from qcxr.study import runs, spent
from qcxr.study.config import Config

EPOCH = ("epoch", "epochs", "train_loss", "val_loss", "films_per_second", "seconds")  # numbers of an epoch's event
COLUMNS = ("run", "state", "epoch", "train", "val", "best", "films/s", "left", "device", "seen")


def events(path: Path) -> list[dict[str, Any]]:
    """The events of one progress file; a line that a kill cut short, or that is damaged, is passed over."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
    return [event for line in lines if (event := _told(line)) is not None]


def _told(line: str) -> dict[str, Any] | None:
    """The event of a line, if it is whole."""
    try:
        event = json.loads(line)
        numbers = [event["time"], event["pid"], *(event[key] for key in EPOCH if event["state"] == "epoch")]
        whole = isinstance(event["state"], str) and isinstance(event["pid"], int)
        whole = whole and all(math.isfinite(number) for number in numbers)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return event if whole and 0 < event["pid"] < 1 << 31 else None


def run_row(path: Path, *, finished: bool) -> dict[str, str]:
    """One run's row: its state, its last epoch, and how long it may take at most at its pace."""
    seen = events(path)
    row = dict.fromkeys(COLUMNS, "")
    if not seen:
        return row | {"state": "done" if finished else "waiting"}
    begun = max((i for i, event in enumerate(seen) if event["state"] == "started"), default=0)
    epochs = [event for event in seen[begun:] if event["state"] == "epoch"]  # not those of a run that was done anew
    last = seen[-1]
    state = {"done": "done", "failed": "failed", "stopped": "stopped"}.get(last["state"])
    if state is None:
        state = "running" if _alive(last["pid"]) else "killed"
    row |= {
        "state": state,
        "device": str(last.get("device", "")),
        "seen": _duration(time.time() - last["time"]) + " ago",
    }
    if epochs:
        now, best = epochs[-1], min(epochs, key=lambda event: event["val_loss"])
        row |= {
            "epoch": f"{now['epoch']}/{now['epochs']}",
            "train": f"{now['train_loss']:.4f}",
            "val": f"{now['val_loss']:.4f}",
            "best": f"{best['val_loss']:.4f} @ {best['epoch']}",
            "films/s": f"{now['films_per_second']:.0f}",
        }
        if state == "running":
            row["left"] = "< " + _duration((now["epochs"] - now["epoch"]) * now["seconds"])
    return row


def table(cfg: Config) -> str:
    """All runs of the study as text, one line each, with a count of the states."""
    rows, energy = [], list[tuple[str, float | None]]()
    for run in runs.every(cfg):
        name, taken = run.name, spent.of(Path(cfg.results, "runs", run.name))
        energy.append((run.arm.head, taken["kwh"] if taken else None))
        done = Path(cfg.results, "runs", name, "run.json").is_file()
        rows.append(run_row(Path(cfg.results, "progress", f"{name}.jsonl"), finished=done) | {"run": name})
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in COLUMNS}
    lines = ["  ".join(column.ljust(widths[column]) for column in COLUMNS).rstrip()]
    lines += ["  ".join(row[column].ljust(widths[column]) for column in COLUMNS).rstrip() for row in rows]
    states = [row["state"] for row in rows]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    lines.append(f"{len(rows)} runs: {counts}")
    if told := spent.said(energy):
        lines.append(told)
    return "\n".join(lines)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
