"""The benchmark runs, names what it timed, and writes what it prints. No test of a time."""

import dataclasses
import json

import pytest
import yaml

from qcxr.bench import forms
from qcxr.bench.circuits import Widths, _target, main, peak_memory_mb, run
from qcxr.bench.forms import _reason
from qcxr.bench.turns import PEERS, Timing, Workload
from qcxr.errors import InputError
from qcxr.study.circuit import FORM_NAMES
from qcxr.study.config import parse
from tests.study.studies import study


# PennyLane 0.45 takes it from the old place when lightning asks for numbers inside a callback
@pytest.mark.filterwarnings("ignore:jax.core.concrete_or_error is deprecated:DeprecationWarning")
def test_benchmark_of_small_circuits(tmp_path):
    path = tmp_path / "out" / "bench.json"
    widths, workload = Widths((2, 3), (2,), (3,)), Workload(n_layers=1, batch=2, repeats=3, peer_repeats=2)
    result, table = run(widths, workload, json_path=path)
    assert json.loads(path.read_text()) == result
    timed = [(t["n_qubits"], t["engine"], t["noise"] == "none", t["repeats"]) for t in result["timings"]]
    assert timed == [
        (2, "auto", True, 3),
        (2, "default.qubit", True, 2),
        (2, "lightning.qubit", True, 2),
        (3, "auto", True, 3),
        (3, "chain", False, 3),
    ]
    for t in result["timings"]:
        assert 0 < t["p10_ms"] <= t["median_ms"] <= t["p90_ms"] and t["compile_s"] > 0
        assert t["target_ms"] is None  # targets are of another workload
    first, *others = (t["ratios"] for t in result["timings"])
    assert set(first) == set(PEERS) and min(first.values()) > 0 and others == [{}] * 4
    assert len(table.splitlines()) == 7 and "lightning.qubit" in table


def test_targets_are_of_the_workload_that_they_were_set_for():
    row = Timing("auto", 19, "none", 1.0, 1.0, 1.0, 1.0, 1)
    assert _target(row, Workload()) == 0.45
    assert _target(row, Workload(n_layers=2)) is _target(row, Workload(batch=8)) is None
    assert _target(dataclasses.replace(row, engine="chain"), Workload()) is None
    assert _target(dataclasses.replace(row, noise="depolarizing + damping"), Workload()) == 1.8


def test_peak_memory_is_that_of_a_fresh_process():
    assert 50 < peak_memory_mb(3, 1, 2) < 2000


def test_forms_are_timed_side_by_side_and_the_fastest_is_written_down(tmp_path, capsys):
    path = tmp_path / "forms.json"
    main(["--forms", "--widths", "3", "--layers", "1", "--batch", "2", "--repeats", "3", "--json", str(path)])
    found, said = json.loads(path.read_text()), capsys.readouterr().out
    rows = {row["form"]: row for row in found["forms"]}
    assert tuple(rows) == FORM_NAMES
    assert rows["walk"]["reason"] == "not run: no GPU, and on a CPU the scan stands for it"
    timed = {form: row["median_ms"] for form, row in rows.items() if form != "walk"}
    assert found["fastest"] == {"3": min(timed, key=timed.get)}
    assert f"fastest at n = 3: {min(timed, key=timed.get)}; in the configuration: head: {{dqc: {{engine: chain" in said
    pasted = said.split("in the configuration: ")[1]
    assert parse(study(**yaml.safe_load(pasted))).head["dqc"]["form"] == min(timed, key=timed.get)


def test_a_form_that_cannot_run_the_layers_has_the_reason():
    assert _reason("fused", 3, Workload(n_layers=5)) is None
    said = _reason("associative", 3, Workload(n_layers=5))
    assert said is not None and said.startswith("not run: layers must be <= 4 for the form associative")
    with pytest.raises(InputError, match="takes at most 5 layers"):
        forms.run((3,), Workload(n_layers=6))
