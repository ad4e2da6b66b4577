"""The benchmark runs, names what it timed, and writes what it prints. No test of a time."""

import json

from qcxr.bench.circuits import Widths, Workload, peak_memory_mb, run


def test_benchmark_of_small_circuits(tmp_path):
    path = tmp_path / "out" / "bench.json"
    widths, workload = Widths((2, 3), (2,), (3,)), Workload(n_layers=1, batch=2, repeats=3, peer_repeats=2)
    result, table = run(widths, workload, json_path=path)
    assert json.loads(path.read_text()) == result
    timed = [(t["n_qubits"], t["engine"], t["noise"] == "none", t["repeats"]) for t in result["timings"]]
    assert timed == [(2, "auto", True, 3), (2, "pennylane", True, 2), (3, "auto", True, 3), (3, "chain", False, 3)]
    for t in result["timings"]:
        assert 0 < t["p10_ms"] <= t["median_ms"] <= t["p90_ms"] and t["compile_s"] > 0
    ratios = [t["ratio"] for t in result["timings"]]
    assert ratios[0] > 0 and ratios[1] == 1 and ratios[2:] == [None, None]
    assert len(table.splitlines()) == 6 and "pennylane" in table


def test_peak_memory_is_that_of_a_fresh_process():
    assert 50 < peak_memory_mb(3, 1, 2) < 2000
