"""`qcxr bench models`: which cases it races, what it prints and writes. No test of a time."""

import json

import numpy as np
import pytest

from qcxr.bench import models
from qcxr.bench.peers.model import Model

ROW = {"head": "cdl", "n_labels": 2, "batch_norm": "running"}


@pytest.fixture
def contests(monkeypatch):
    """The contests that would have been run; a first peer has times, the others a reason."""
    seen = []

    def race(contest):
        seen.append(contest)
        for k, entry in enumerate(contest.entries):
            told = {"median_s": 0.5, "p10_s": 0.4, "p90_s": 0.6} if k == 0 else {"reason": "no wheel"}
            yield {"peer": entry.peer, "batch": entry.case.batch, "size": entry.case.size} | ROW | told

    monkeypatch.setattr(models, "race", race)
    return seen


def test_every_case_is_raced_and_every_row_printed_and_written(contests, tmp_path, capsys):
    words = ["--backbones", "demo", "--batches", "2", "4", "--sizes", "16", "--labels", "2", "--repeats", "3"]
    models.main([*words, "--peers", "qcxr", "TensorFlow", "--json", str(tmp_path / "rows.json")])
    assert [(entry.peer, entry.case.batch) for contest in contests for entry in contest.entries] == [
        *[("qcxr", 2), ("TensorFlow", 2)],
        *[("qcxr", 4), ("TensorFlow", 4)],
    ]
    assert all(contest.turns.timed == 3 for contest in contests)
    assert contests[0].pythons["tensorflow"].startswith("not run: it has an environment of its own")
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row.get("films_per_s") for row in rows] == [4.0, None, 8.0, None]
    header, *shown = capsys.readouterr().out.splitlines()
    assert header.split() == [*models.COLUMNS]
    assert [line.split()[:3] for line in shown[:2]] == [["qcxr", "demo", "2"], ["TensorFlow", "demo", "2"]]
    assert shown[1].endswith("  not run: no wheel")


def test_a_case_is_the_same_wherever_it_is_drawn_and_read(tmp_path):
    case = models.drawn(section=models.DEMO, head="dqc", n_labels=3, batch=2, size=16)
    again = models.drawn(section=models.DEMO, head="dqc", n_labels=3, batch=2, size=16)
    case.write(tmp_path / "case.npz")
    read = Model.read(tmp_path / "case.npz")
    assert read == case == again and read.arrays.keys() == case.arrays.keys()
    for name, value in case.arrays.items():
        assert np.array_equal(value, read.arrays[name]) and np.array_equal(value, again.arrays[name])
    assert case.section["config"]["depths"] == [1, 1, 1] and case.batch_norm == "running"
    assert case.watched[-1].startswith("backbone.") and "head.quantum" in case.watched
