"""Two training jobs on one card, each with a lease of half of it: whether both go on, and what each costs the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qcxr.bench.pieces.size import SMALL, Size
from qcxr.bench.pieces.turns import Row, reason, value


def sharing(size: Size) -> Iterator[Row]:
    """One job's films/s while the other waits, then both at once."""
    epochs = max(1, size.repeats // 10)
    with tempfile.TemporaryDirectory() as folder:
        # leases of their own: this command holds the card's first
        jobs = [_start(Path(folder), k, small=size is SMALL) for k in range(2)]
        try:
            ready = [_answer(job) for job in jobs]
            yield value(
                "jobs that hold the same card", len(ready) if ready[0]["cards"] == ready[1]["cards"] else 0, "", "2"
            )
            alone = _asked(jobs[:1], epochs)[0]
            both = _asked(jobs, 2 * epochs)
        except Exception as error:
            said = [line for k in range(2) for line in Path(folder, f"log{k}").read_text(encoding="utf-8").splitlines()]
            yield reason("two jobs on one card", f"{error}; {said[-1] if said else 'nothing said'}")
            return
        finally:
            for job in jobs:
                job.kill()
                job.wait()
    yield value("one job, the other waiting", alone["films_per_second"], "films/s", peak_mb=alone["peak_mb"])
    for k, told in enumerate(both):
        yield value(f"job {k + 1} of two", told["films_per_second"], "films/s", peak_mb=told["peak_mb"])
    together = sum(told["films_per_second"] for told in both) / alone["films_per_second"]
    yield value("two jobs together over one alone", together, "x")
    for k, told in enumerate(both):
        if told["peak_mb"]:
            yield value(f"job {k + 1} of two: peak memory of the card", told["peak_mb"], "MB")


def _start(folder: Path, k: int, *, small: bool) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qcxr.bench.pieces.shared", *(["--small"] if small else [])]
    with open(folder / f"log{k}", "w", encoding="utf-8") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "QCXR_LEASES": str(folder / "leases")},
        )


def _asked(jobs: list[subprocess.Popen[str]], epochs: int) -> list[dict[str, Any]]:
    """Every job told to go on before the first is waited for."""
    for job in jobs:
        assert job.stdin is not None  # said to mypy
        job.stdin.write(f"{epochs}\n")
        job.stdin.flush()
    return [_answer(job) for job in jobs]


def _answer(job: subprocess.Popen[str]) -> dict[str, Any]:
    assert job.stdout is not None  # said to mypy
    for line in job.stdout:
        if line.startswith("{"):  # libraries print what they like
            return dict(json.loads(line))
    raise RuntimeError(f"a job ended with {job.wait()}")
