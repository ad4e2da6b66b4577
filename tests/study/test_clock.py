"""A clock that jumps changes no duration, and nothing that waits."""

import ast
import json
import os
import time
from pathlib import Path

import qcxr
from qcxr.training.status import events, run_row

PACKAGE = Path(qcxr.__file__).parent
# what is said to people about a moment, and never subtracted but to say how long ago it was
MOMENTS = {"training/progress.py", "training/status.py"}


def calls(name: str) -> set[str]:
    """The files of ours that call `time.name()` or `datetime.now()`."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name)
    }


def test_durations_are_of_clocks_that_never_jump():
    assert calls("time.time") | calls("time.time_ns") <= MOMENTS
    assert calls("datetime.now") | calls("datetime.utcnow") | calls("datetime.today") <= {"bench/machine.py"}


def test_an_event_of_the_future_was_just_now(tmp_path):
    event = {"state": "started", "time": time.time() + 3600, "pid": os.getpid()}
    (tmp_path / "p.jsonl").write_text(json.dumps(event))
    row = run_row(tmp_path / "p.jsonl", finished=False)
    assert (row["state"], row["seen"]) == ("running", "0 s ago")


def test_damaged_lines_of_progress_are_passed_over(tmp_path):
    good = {"state": "started", "time": 1.0, "pid": 1 << 22}
    lines = ["", "{", "[1]", "null", '{"state": "epoch", "time": 1, "pid": 1}', json.dumps(good | {"time": "x"})]
    lines += [json.dumps(good | {"pid": pid}) for pid in (-1, 0, 1 << 40, 1.5)]
    lines += [json.dumps(good | {"time": float("nan")}), json.dumps({**good, "state": 5}), "[" * 100_000]
    (tmp_path / "p.jsonl").write_bytes("\n".join([*lines, json.dumps(good)]).encode() + b"\n\xff\xfe")
    assert events(tmp_path / "p.jsonl") == [good]
    assert run_row(tmp_path / "p.jsonl", finished=False)["state"] == "killed"
