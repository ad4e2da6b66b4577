"""The card's day, rehearsed: what is missing is run in order and within its time; a failure costs its own rows."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

import qcxr
from qcxr.bench import card, machinefile, pages
from qcxr.bench.memory import process_tree
from qcxr.bench.pieces import traced, turns
from qcxr.bench.pieces.known import PIECES, Piece
from qcxr.errors import InputError

STEPS = [piece for piece in PIECES if piece.startswith("steps")]
SAMPLE = ["numerics", "loop", "forms", "suspects", "features", "sharing"]
# rows that may have a reason here; torch is not installed everywhere
MAY_FAIL = ("form walk", "TF32", *(() if find_spec("torch") else ("torch",)))
HERE = {
    "processor": "p",
    "cores": 2,
    "cards": [],
    "memory_gb": 1,
    "system": "s",
    "python": "3",
    "day": "d",
    "versions": {},
}
FAKES = {
    name: Piece("a:b", limit, f"what {name} is") for name, limit in (("first", 20), ("second", 30), ("third", 400))
}


@pytest.fixture
def asked(monkeypatch):
    """(piece, limit) of every piece that was run, in a process that gives one row, or, set in `fails`, says why not."""
    told, fails = [], {}

    def run(name, limit, *, small):
        told.append((name, round(limit)))
        return [turns.value(name, 1.0, "ms")], fails.get(name)

    monkeypatch.setattr(card, "run", run)
    return told, fails


def group(found, name):
    return found["groups"][f"card-{name}"]


def test_pieces_are_run_in_order_each_within_its_own_limit_or_what_is_left(asked, tmp_path):
    found = {"machine": HERE, "groups": {}}
    card.measure(found, tmp_path / "f.json", seconds=60, small=False, pieces=FAKES)
    assert asked[0] == [("first", 20), ("second", 30), ("third", 60)]
    assert json.loads((tmp_path / "f.json").read_text()) == found
    assert not any("open" in group(found, name) for name in FAKES)


def test_without_time_a_piece_is_listed_and_run_the_next_time_alone(asked, tmp_path):
    found, out = {"machine": HERE, "groups": {}}, tmp_path / "f.json"
    card.measure(found, out, seconds=60, small=True, pieces={"first": FAKES["first"]})
    card.measure(found, out, seconds=card.LEAST - 1, small=True, pieces=FAKES)
    assert [name for name, _ in asked[0]] == ["first"]
    assert group(found, "third")["rows"] == [{"what": "what third is", "reason": card.NO_TIME}]
    card.measure(json.loads(out.read_text()), out, seconds=60, small=True, pieces=FAKES)
    assert [name for name, _ in asked[0]] == ["first", "second", "third"]


def test_a_failure_is_a_row_and_is_not_run_again_unless_asked(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(card, "described", lambda: HERE)
    found, out = {"machine": HERE, "groups": {}}, tmp_path / "f.json"
    asked[1]["second"] = "stopped: ended by signal 9, as when memory runs out"
    card.measure(found, out, seconds=60, small=True, pieces=FAKES)
    assert group(found, "second")["rows"][1:] == [{"what": "what second is", "reason": asked[1]["second"]}]
    card.measure(card.started(out, again=[]), out, seconds=60, small=True, pieces=FAKES)
    assert len(asked[0]) == 3
    card.measure(card.started(out, again=["second"]), out, seconds=60, small=True, pieces=FAKES)
    assert [name for name, _ in asked[0][3:]] == ["second"]


def test_a_piece_that_the_end_of_the_time_cut_is_run_again(monkeypatch, tmp_path):
    def run(name, limit, *, small):
        time.sleep(limit)
        return [turns.value("as far as it came", 1.0, "ms")], "stopped: not done"

    monkeypatch.setattr(card, "run", run)
    monkeypatch.setattr(card, "LEAST", 0.01)
    found = {"machine": HERE, "groups": {}}
    card.measure(found, tmp_path / "f.json", seconds=0.1, small=True, pieces={"third": FAKES["third"]})
    assert group(found, "third")["open"] and len(group(found, "third")["rows"]) == 2


def test_another_machines_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "described", lambda: HERE | {"processor": "q"})
    (tmp_path / "f.json").write_text(json.dumps({"machine": HERE, "groups": {}}))
    with pytest.raises(InputError, match=r"must be of this machine \(q\), got p; give another --out"):
        card.started(tmp_path / "f.json", again=[])


def test_a_piece_that_raises_says_why(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "nonsense")
    rows, why = card.run("numerics", 60, small=True)
    assert rows and all(row["reason"].startswith("RuntimeError: Unable to initialize") for row in rows)
    assert why is not None and why.startswith("stopped: ") and "nonsense" in why


def test_a_piece_that_hangs_is_stopped():
    rows, why = card.run("determinism", 1, small=True)
    assert rows == [] and why == "stopped: not done in 1 s" and len(process_tree(os.getpid())) < 20


def test_without_a_card_the_command_names_the_rehearsal(monkeypatch):
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")
    with pytest.raises(InputError, match="needs an NVIDIA card, and nvidia-smi lists none; the rehearsal is --small"):
        card.main([])


def test_the_page_shows_every_piece(tmp_path):
    rows = [turns.value("fast", 1.5, "ms", "< 2"), turns.reason("slow", "not run: no time")]
    told = {"machine": HERE, "groups": {"card-first": {"load": 1.0, "rows": rows, "what": "What it is"}}}
    text = pages.page(told, "m")
    assert "## What it is" in text and "| fast | 1.5 ms | < 2 |" in text and "| slow | not run: no time |  |" in text
    assert "make bench-gpu" in text


def test_ways_that_fail_or_differ_have_the_reason():
    def broken():
        raise ValueError("no such kernel\nat line 3")

    makers = {"a": lambda: lambda: 1.0, "b": lambda: broken, "c": lambda: lambda: 2.0}
    found = turns.rotate(makers, repeats=2, seconds=1, compared=True)
    rows = {row["what"]: row for row in turns.rows(found, "t")}
    assert rows["t: a"]["timed"] == 2 and rows["t: b"]["reason"] == "ValueError: no such kernel"
    assert rows["t: c"]["reason"] == "ValueError: its result differs from the first one's by 1e+00"


def test_gaps_are_what_no_kernel_covers():
    events = [
        traced.Event("loop_fusion", 0, 4e6),
        traced.Event("sm90_xmma_fprop_conv", 2e6, 4e6),
        traced.Event("x", 8e6, 2e6),
    ]
    rows = {row["what"]: row["value"] for row in traced.told("card", events, 1)}
    assert traced.union(events) == 8e6 and rows["trace: gaps between kernels"] == pytest.approx(20)
    assert rows["trace: convolutions, of all kernels' time"] == pytest.approx(40)
    assert rows["trace: kernel x, a step"] == pytest.approx(2)


def command(folder, pieces):
    return [
        sys.executable,
        "-m",
        "qcxr.cli",
        "bench",
        "card",
        "--small",
        "--seconds",
        "3000",
        "--out",
        str(folder / "f.json"),
        "--pieces",
        *pieces,
    ]


def rehearse(folder, pieces):
    """Run the command in a folder of its own; the groups of its file."""
    where = {"cwd": folder, "env": {**os.environ, "PYTHONPATH": str(Path(qcxr.__file__).parents[1])}}
    ran = subprocess.run(command(folder, pieces), **where, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads((folder / "f.json").read_text())["groups"]


def check(groups, pieces):
    for piece in pieces:
        told = groups[f"card-{piece}"]
        assert any("reason" not in row for row in told["rows"]) and "open" not in told, told
        for row in told["rows"]:
            named = f"{row.get('what')} {row.get('peer')}"
            assert "reason" not in row or any(words in named for words in MAY_FAIL), row


@pytest.mark.slow
def test_a_sample_of_the_rehearsal_killed_in_the_middle_goes_on(tmp_path):
    out, env = tmp_path / "f.json", {**os.environ, "PYTHONPATH": str(Path(qcxr.__file__).parents[1])}
    killed = subprocess.Popen(command(tmp_path, SAMPLE), cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
    while not out.exists() or "open" in json.loads(out.read_text())["groups"]["card-numerics"]:
        assert killed.poll() is None
        time.sleep(0.1)
    started = process_tree(killed.pid)[1:]
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    first = json.loads(out.read_text())["groups"]
    assert first["card-sharing"]["rows"][0]["reason"] == card.NO_TIME
    groups = rehearse(tmp_path, SAMPLE)
    check(groups, SAMPLE)
    assert groups["card-numerics"] == first["card-numerics"]
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)  # they ended with the command
    assert pages.page(pages.read(out), "f") == out.with_suffix(".md").read_text()


@pytest.mark.slow
def test_the_steps_of_the_rehearsal(tmp_path):
    groups = rehearse(tmp_path, STEPS)
    check(groups, STEPS)
    found = {row["what"] for row in groups["card-steps"]["rows"] if "what" in row}
    assert {
        f"{what}, batch 4" for what in ("DQC over CDL, step", "deterministic flags, step with over without")
    } <= found
    batches = [{row["batch"] for row in groups[f"card-{piece}"]["rows"] if "peer" in row} for piece in STEPS]
    assert batches == [{4}, {4}, {4}, {2}]


@pytest.mark.slow
def test_the_rest_of_the_rehearsal(tmp_path):
    rest = [piece for piece in PIECES if piece not in (*SAMPLE, *STEPS)]
    groups = rehearse(tmp_path, rest)
    check(groups, rest)
    bits = [row for row in groups["card-determinism"]["rows"] if row["asked"] == "0"]
    assert len(bits) == 12 and all(row["value"] == 0 for row in bits)  # on a CPU runs are equal bit by bit
    assert machinefile.publish(tmp_path / "f.json") == [tmp_path / "f.md"]
