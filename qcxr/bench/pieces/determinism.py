"""Whether two runs, and one that is killed and resumed, are equal bit by bit, with the deterministic flags and without.

What the flags cost is a peer of the steps' race (piece `steps`). Runs share compiled programs, as a study's do.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from qcxr.bench.pieces.size import SMALL, Size
from qcxr.bench.pieces.turns import Row, reason, value
from qcxr.bench.process import SHARED

KILLED_AFTER = 3  # steps that were saved
PATIENCE = 300.0  # seconds of one run


def determinism(size: Size) -> Iterator[Row]:
    """The runs with the flags and those without go on side by side; none is timed."""
    flags = {"without the flags": [], "with the deterministic flags": ["--deterministic"]}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(flags)) as pool:
        small = ["--small"] if size is SMALL else []
        chains = {
            words: pool.submit(_chain, Path(folder, str(k)), [*small, *given])
            for k, (words, given) in enumerate(flags.items())
        }
        for words, chain in chains.items():
            yield from (row | {"what": f"{row['what']}, {words}"} for row in chain.result())


def _chain(folder: Path, options: list[str]) -> list[Row]:
    try:
        for name in ("one", "two"):
            _run(folder / name, options)
        found = _compared("two runs", folder / "one/out", folder / "two/out")
        _kill(folder / "killed", options)
        _run(folder / "killed", options)
        return [*found, *_compared("killed and resumed", folder / "one/out", folder / "killed/out")]
    except Exception as error:  # that setting's row alone
        return [reason("two runs, and one that is killed and resumed", error)]


def _start(folder: Path, options: list[str]) -> subprocess.Popen[str]:
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "qcxr.bench.pieces.trained", str(folder), *options]
    with open(folder / "log", "w", encoding="utf-8") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, env=SHARED | os.environ
        )


def _run(folder: Path, options: list[str]) -> None:
    process = _start(folder, options)
    try:
        code = process.wait(PATIENCE)
    finally:
        process.kill()
    if code:
        said = (folder / "log").read_text(encoding="utf-8").strip().splitlines()
        raise RuntimeError(f"a run ended with {code}: {(said or ['nothing said'])[-1][:150]}")


def _kill(folder: Path, options: list[str]) -> None:
    """Start a run that saves after every step, and kill it when it has saved some."""
    process, ends = _start(folder, [*options, "--save"]), time.monotonic() + PATIENCE
    try:
        while _saved(folder / "progress.jsonl") < KILLED_AFTER:
            if process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError("a run that was to be killed ended, or took too long, before it had saved")
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    if (folder / "out/run.json").exists():
        raise RuntimeError("a run that was to be killed was at its end before")


def _saved(progress: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return progress.read_text(encoding="utf-8").count('"state": "saved"')
    return 0


def _compared(what: str, one: Path, other: Path) -> Iterator[Row]:
    weights = [load_file(folder / "best.safetensors") for folder in (one, other)]
    different = [name for name, array in weights[0].items() if array.tobytes() != weights[1][name].tobytes()]
    yield value(f"{what}: arrays of the best weights that differ, of {len(weights[0])}", len(different), "", "0")
    largest = max((_apart(weights[0][name], weights[1][name]) for name in different), default=0.0)
    yield value(f"{what}: largest difference over the array's largest element", largest, "")
    losses = [pd.read_csv(folder / "steps.csv")["loss"].to_numpy() for folder in (one, other)]
    yield value(
        f"{what}: losses of steps that differ, of {len(losses[0])}", int((losses[0] != losses[1]).sum()), "", "0"
    )
    epochs = [json.loads((folder / "run.json").read_text(encoding="utf-8"))["best_epoch"] for folder in (one, other)]
    yield value(f"{what}: best epochs apart", abs(epochs[0] - epochs[1]), "", "0")


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.max(np.abs(a.astype(float) - b)) / (np.max(np.abs(a)) or 1.0))
