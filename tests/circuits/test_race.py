"""The race of the peers: each in its own process, on the same circuit, with the same results or a reason."""

import json

import pytest

from qcxr.bench import race

pytestmark = [pytest.mark.slow, pytest.mark.sample]


def test_a_row_has_the_same_results_or_a_reason(tmp_path, capsys):
    peers = "qcxr,default.qubit,lightning.qubit,quimb"
    small = ["--widths", "1,3", "--batch", "4", "--peers", peers, "--limit", "200"]
    race.main([*small, "--python", "quimb=/bin/false", "--json", str(tmp_path / "rows.json")])
    rows = json.loads((tmp_path / "rows.json").read_text())["rows"]
    assert [(row["n_qubits"], row["peer"]) for row in rows] == [(n, name) for n in (1, 3) for name in peers.split(",")]
    for row in rows:
        if row["peer"] == "quimb":
            assert row["reason"].startswith("ended with 1")
        else:
            assert row["gradients"] and row["difference"] < 1e-5 and row["gradient_difference"] < 1e-4
    assert rows[-1]["reason"] == "ended with 1 at 1 qubits"
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 2 + len(rows) and shown[3].startswith("| 1 | default.qubit 0.")
