"""The race of the peers: who has our results is timed in turns; who has not, is missing or dies has a reason."""

import shlex
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from qcxr.bench import race, raced
from qcxr.bench.agreement import differences
from qcxr.bench.models import drawn
from qcxr.bench.peers.case import Case
from qcxr.bench.peers.known import CIRCUITS, KINDS, LOOSE, MODELS
from qcxr.bench.process import Gone, Process
from qcxr.errors import InputError

TINY = {"name": "resnet", "config": {"embedding_size": 4, "hidden_sizes": [4], "depths": [1], "layer_type": "basic"}}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--peers", "qcxr,cirq"], "peers must be of qcxr, .*, got 'cirq'; correct --peers or --noise"),
        (["--peers", "default.qubit", "--noise", "0.1"], "got 'default.qubit'; correct --peers or --noise"),
    ],
)
def test_bad_options_get_one_line(words, said):
    with pytest.raises(InputError, match=said):
        raced.main(words)


def test_differences_are_of_the_largest_element():
    ours = {"loss": np.array(0.5), "logits": np.array([4.0, 0.0]), "by w": np.array([1e-3, 0.0])}
    theirs = {"loss": np.array(0.5), "logits": np.array([4.0, 4e-4]), "by w": np.array([1e-3, 1e-6])}
    assert differences(theirs, ours, relative=True) == pytest.approx(
        {"values_differ_by": 1e-4, "gradients_differ_by": 1e-3}
    )
    assert differences(theirs, ours, relative=False)["gradients_differ_by"] == pytest.approx(1e-6)
    assert differences({"logits": theirs["logits"]}, ours, relative=True)["gradients_differ_by"] is None


class Stepping(Process):
    """Takes a second a step, and is gone after so many."""

    def __init__(self, steps):
        self.steps = steps

    def step(self, limit):
        self.steps -= 1
        if self.steps < 0:
            raise Gone("ended by signal 9")
        return 1.0

    def end(self):
        pass


def test_turns_are_taken_until_a_peer_has_had_its_seconds_or_is_gone():
    rows, running = [{}, {}], {0: Stepping(99), 1: Stepping(4)}
    taken = race._turns(race.Turns(timed=6, burst=2), rows, running)
    assert {k: len(seconds) for k, seconds in taken.items()} == {0: 6} and rows == [{}, {"reason": "ended by signal 9"}]
    for seconds, timed in ((5, 3), (3, 2), (1, 1)):  # of so many steps, of which the first of each turn is not timed
        taken = race._turns(race.Turns(timed=6, burst=2, seconds=seconds), rows, {0: Stepping(99)})
        assert len(taken[0]) == timed


def test_the_first_step_of_a_turn_is_not_timed():
    class Idle(Stepping):
        def step(self, limit):
            self.steps += 1
            return 9.0 if self.steps % 4 == 1 else 1.0

    assert race._turns(race.Turns(timed=6, burst=3), [{}, {}], {0: Idle(0), 1: Idle(0)}) == {0: [1.0] * 6, 1: [1.0] * 6}


def test_every_other_turn_goes_backwards():
    steps = []

    class Noted(Stepping):
        def step(self, limit):
            steps.append(self.steps)
            return 1.0

    race._turns(race.Turns(timed=3, burst=1), [{}] * 3, {k: Noted(k) for k in range(3)})
    assert steps[::2] == steps[1::2] == [0, 1, 2, 2, 1, 0, 0, 1, 2]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Traceback\nquimb.errors.NoPathError: none\n", "NoPathError: none"),
        ("MemoryError: 9 GB\n  in all [Op:step]\n", "MemoryError: 9 GB"),
        ("Killed\n", "Killed"),
        ("", "ended with 3"),
    ],
)
def test_a_process_that_ends_gives_its_errors_line(said, reason, tmp_path):
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nprintf '{said}' >&2\nexit 3\n")
    script.chmod(0o755)
    process = Process("circuit", "qcxr", tmp_path / "case", tmp_path / "out", python=str(script))
    with pytest.raises(Gone, match=f"^{reason}$"):
        process.ready(20)
    process.end()


def test_heats_hold_ours_and_as_many_others_as_have_room(monkeypatch):
    case = Case.draw(3, 1, 4)
    entries = [race.Entry(case, peer) for peer in ("qcxr", "default.qubit", "quimb", "default.tensor")]
    rows, running = [{} for _ in entries], {}

    def build(k):
        rows[k]["peak_mb"] = 1000.0
        running[k] = k

    def heats(total_mb):
        running.clear()
        memory = types.SimpleNamespace(total=total_mb * 2**20)
        monkeypatch.setattr(race.psutil, "virtual_memory", lambda: memory)
        found = []
        for _ in race._heats(race.Contest(entries, {}), entries, rows, running, build):
            found.append([*running])
            for k in [k for k in running if k > 0]:  # as `race` ends all but ours
                del running[k]
        return found

    assert heats(5000) == [[0, 1, 2, 3]]
    assert heats(4000) == [[0, 1, 2], [0, 3]]
    assert heats(3000) == [[0, 1], [0, 2], [0, 3]]
    assert heats(1000) == [[0, 1], [0, 2], [0, 3]]  # one is tried whatever there is


def test_a_peer_is_times_ours_of_its_own_heat():
    case = Case.draw(3, 1, 4)
    entries = [race.Entry(case, peer) for peer in ("qcxr", "quimb", "default.tensor")]
    rows, stepped = [{}, {}, {}], {}

    class Steady(Stepping):
        def step(self, limit):
            return self.steps

    turns = race.Turns(timed=3)
    race._step(turns, entries, rows, {0: Steady(1.0), 1: Steady(3.0)}, stepped)
    race._step(turns, entries, rows, {0: Steady(2.0), 2: Steady(3.0)}, stepped)
    assert [row.get("times_ours") for row in rows] == [None, 3.0, 1.5]
    assert rows[0]["timed"] == 6 and rows[0]["median_s"] == 1.5 and rows[1]["median_s"] == rows[2]["median_s"] == 3.0


def test_peers_are_told_apart_by_what_is_said_of_them():
    """Every place is one of the package's, and every environment is ours or has its file."""
    from qcxr.bench import environment

    folder = Path(race.__file__).parent / "peers"
    for peers in KINDS.values():
        for known in peers.values():
            module, function = known.place.split(":")
            assert f"def {function}(" in (folder / f"{module}.py").read_text()
            assert known.environment in (environment.OWN, *environment.names())
    assert set(LOOSE) <= set(MODELS) and "default.mixed" in CIRCUITS


@pytest.mark.slow
def test_rows_have_times_or_a_reason(tmp_path):
    pytest.importorskip("torch"), pytest.importorskip("transformers")
    impostor = tmp_path / "python"
    command = shlex.join([sys.executable, str(Path(__file__).with_name("impostors.py"))])
    impostor.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    impostor.chmod(0o755)
    # quimb is not among our own requirements
    pythons = {"own": sys.executable, "jax": str(impostor), "mps": sys.executable, "pauli": "not run: no wheel"}
    circuit = Case.draw(3, 1, 4)
    peers = ["default.qubit", "tensorcircuit", "quimb", "default.tensor", "pauli-prop"]
    step = drawn(section=TINY, head="dqc", n_labels=2, batch=2, size=16)
    entries = [*(race.Entry(circuit, peer) for peer in peers), race.Entry(step, "torch")]
    rows = race.race(race.Contest(entries, pythons, race.Turns(timed=3, limit=200)))
    reasons = {row["peer"]: row.get("reason") for row in rows if "n_qubits" in row}
    assert reasons == {
        **{"qcxr": None, "default.qubit": None, "tensorcircuit": "its results differ from ours by 2e+00"},
        **{"quimb": "ended by signal 9, as when memory runs out", "default.tensor": reasons["default.tensor"]},
        "pauli-prop": "no wheel",
    }
    assert "quimb" in reasons["default.tensor"]
    assert [row["peer"] for row in rows if "head" in row] == ["qcxr", "torch"]
    for row in rows:
        assert ("median_s" in row) != ("reason" in row)
        if "median_s" in row:
            assert row["timed"] == 3 and row["peak_mb"] > 50 and row["versions"]
            differ = [value for key, value in row.items() if key.endswith(("differ_by", "differs_by"))]
            assert row["peer"] == "qcxr" or max(differ) < 1e-4  # so small a backbone's gradients too
