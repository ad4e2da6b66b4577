"""Read what figures, tables and the report are made of, by kind: metrics, tests, history, bootstrap, ...

A run's keys come from its run.json, never from a path's spelling.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.predictions import Predictions, RunKey, read
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError

Paths = str | Path | Sequence[str | Path]
Run = Mapping[str, Any]  # a run.json


def many(paths: Paths) -> list[Path]:
    """Return one path or several as a list of paths."""
    return [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]


def read_run(path: str | Path) -> dict[str, Any]:
    """Read one run.json (or the run.json of a run folder, or of the folder that a file lies in)."""
    path = Path(path)
    if path.name != "run.json":
        path = (path if path.is_dir() else path.parent) / "run.json"
    if not path.is_file():
        raise InputError(f"{path}: no such file; a run folder holds run.json once its training has ended")
    run = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(run.get("config"), str):  # the canonical text of the run's slice
        run["config"] = json.loads(run["config"])
    return run


def hours(run: Run) -> float | None:
    """Return the wall time of one run in hours (one device each), from its run.json."""
    seconds = run.get("wall_seconds", run.get("training_seconds"))
    return None if seconds is None else seconds / 3600


def known_versions(runs: Sequence[Run]) -> list[str]:
    """Return the libraries and versions that any of the runs names, sorted."""
    return sorted({f"{name} {version}" for run in runs for name, version in (run.get("versions") or {}).items()})


def read_runs(paths: Paths) -> list[dict[str, Any]]:
    """Read several run.json."""
    return [read_run(path) for path in many(paths)]


def read_history(paths: Paths, name: str = "history.csv") -> pd.DataFrame:
    """Concatenate the history.csv (or steps.csv) of several run folders, with task, head, variant and seed in front.

    A path may be the run folder or a file in it.
    """
    frames = []
    for path in many(paths):
        folder = path if path.is_dir() else path.parent
        run = read_run(folder)
        frame = read_table(folder / name)
        for key, value in {
            "seed": run["seed"],
            "variant": run.get("variant", ""),
            "head": run["head"],
            "task": run["task"],
        }.items():
            frame.insert(0, key, value)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def read_predictions(paths: Paths) -> dict[RunKey, Predictions]:
    """Read prediction files {run folder}/predictions/{dataset}.parquet -> {run: table}."""
    return {key: read(path) for key, path in index_predictions(paths).items()}


def index_predictions(paths: Paths) -> dict[RunKey, Path]:
    """Return the runs of prediction files without reading the tables."""
    found = {}
    for path in many(paths):
        run = read_run(path.parent.parent)
        key = RunKey(run["task"], run["head"], int(run["seed"]), path.stem, run.get("variant") or "")
        found[key] = path
    return found


def _frames(paths: Paths) -> pd.DataFrame:
    frame = pd.concat([read_table(path) for path in many(paths)], ignore_index=True)
    if "variant" in frame:  # a file of the configuration's own point has no such column
        frame["variant"] = frame["variant"].fillna("")
    return frame


READERS: dict[str, Callable[[Paths], Any]] = {
    "metrics": read_metrics,
    "tests": _frames,
    "history": read_history,
    "steps": partial(read_history, name="steps.csv"),
    "bootstrap": _frames,
    "predictions": read_predictions,
    "counts": _frames,
    "runs": read_runs,
    "parameters": _frames,
    "benchmark": _frames,
    "search": _frames,
    "patients": _frames,
    "trend": _frames,
    "variance": _frames,
    "interaction": _frames,
}


def load(kind: str, paths: Paths) -> Any:
    """Read one kind of input; InputError on an unknown kind or an empty list."""
    if kind not in READERS:
        raise InputError(f"unknown kind of input {kind}; it must be one of {', '.join(READERS)}")
    if not many(paths):
        raise InputError(f"no file given for {kind}; give at least one")
    return READERS[kind](paths)
