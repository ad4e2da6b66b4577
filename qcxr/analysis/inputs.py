"""Read what figures, tables and the report are made of, by kind: metrics, tests, history, bootstrap, ...

A run's keys come from its run.json, never from a path's spelling.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.predictions import Predictions, RunKey, read, sharing
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError, one_line

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
    try:
        run = dict(json.loads(path.read_text(encoding="utf-8")))
        if isinstance(run.get("config"), str):  # the canonical text of the run's slice
            run["config"] = dict(json.loads(run["config"]))
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is not a run's record ({one_line(error)}); train the run again") from None
    return run


def run_key(folder: str | Path, dataset: str = "") -> RunKey:
    """Which run a folder holds, of its run.json. Raises InputError."""
    run = read_run(folder)
    try:
        return RunKey(str(run["task"]), str(run["head"]), int(run["seed"]), dataset, str(run.get("variant") or ""))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(
            f"{Path(folder, 'run.json')} is not a run's record (it must say task, head and seed); train the run again"
        ) from None


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
        run = run_key(folder)
        frame = read_table(folder / name)
        for key in ("seed", "variant", "head", "task"):
            if key in frame:
                raise InputError(f"{folder / name} has a column {key}, which a run's history has not; train it again")
            frame.insert(0, key, getattr(run, key))
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def read_predictions(paths: Paths) -> dict[RunKey, Predictions]:
    """Read prediction files {run folder}/predictions/{dataset}.parquet -> {run: table}.

    Runs on one test set share its films, patients and truth in memory, of which each would be as large as its own.
    """
    found: dict[RunKey, Predictions] = {}
    first: dict[str, Predictions] = {}
    for key, path in index_predictions(paths).items():
        table = read(path)
        found[key] = sharing(table, first.setdefault(key.dataset, table))
    pyarrow.default_memory_pool().release_unused()  # of the files' own tables
    return found


def index_predictions(paths: Paths) -> dict[RunKey, Path]:
    """Return the runs of prediction files without reading the tables."""
    return {run_key(path.parent.parent, path.stem): path for path in many(paths)}


def _frames(paths: Paths) -> pd.DataFrame:
    frame = pd.concat([read_table(path) for path in many(paths)], ignore_index=True)
    if "variant" in frame:  # a file of the configuration's own point has no such column
        frame["variant"] = frame["variant"].fillna("")
    return frame


READERS: dict[str, Callable[[Paths], Any]] = {
    "metrics": read_metrics,
    "tests": _frames,
    "estimates": _frames,
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
    "subgroups": _frames,
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
