"""The race of the peers: each in its own process, on the same circuit, with the same results or a reason."""

import json

import pytest

from qcxr.bench import race
from qcxr.errors import InputError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--peers", "qcxr,cirq"], "peers are qcxr, default.qubit, .*, got 'cirq'; correct --peers or --python"),
        (["--python", "quimb"], "must be a peer and an interpreter, like quimb=peers/bin/python, got 'quimb'"),
        (["--python", "cirq=/bin/false"], "got 'cirq'"),
    ],
)
def test_bad_options_get_one_line(words, said):
    with pytest.raises(InputError, match=said):
        race.main(words)


@pytest.mark.slow
@pytest.mark.sample
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
