"""`qcxr spectrum` and `qcxr signal` of a tiny trained run."""

import io
import re
from types import SimpleNamespace

import jax
import numpy as np
import pandas as pd
import pytest

from qcxr.analysis.metrics import score
from qcxr.cli import main
from qcxr.models.heads.create import create
from tests.training.test_dressed import study


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return study(tmp_path_factory.mktemp("results"), layers=2)


def test_spectrum_writes_what_each_weight_keeps(trained, tmp_path, capsys):
    assert main(["spectrum", str(trained), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "strengths.csv", "auroc.csv", "spectrum.pdf", "spectrum.png",
    }  # fmt: skip
    kept = pd.read_csv(tmp_path / "out/auroc.csv")
    whole = kept[kept["weight"] == 2].set_index("label")["auroc"]
    predictions = pd.read_parquet(trained / "predictions/nih.parquet")
    scored = score(predictions).query("metric == 'auroc'").set_index("label")["value"]
    for label in ("Mass", "Nodule", "mean"):  # strings of all weights: the run's own AUROC
        assert whole[label] == pytest.approx(scored[label], abs=3e-3)
    nothing = kept[kept["weight"] == 0].set_index("label")["auroc"]
    assert (nothing == 0.5).all()  # a string of weight 0 reads no film
    strengths = pd.read_csv(tmp_path / "out/strengths.csv")
    assert np.allclose(strengths[strengths["weight"] == 0]["std"], 0, atol=1e-12)
    assert said.count("\n") == 5 and f"{whole['mean']:.4f}" in said


def test_signal_prints_a_table_or_writes_it(trained, tmp_path, capsys, monkeypatch):
    assert main(["signal", str(trained), "--films", "9"]) == 0
    table = pd.read_csv(io.StringIO(capsys.readouterr().out))
    assert list(table) == ["weights", "quantity", "layer", "qubit", "value"] and len(table) == 12
    monkeypatch.setattr("qcxr.training.spread.table", lambda seen: table)
    assert main(["signal", str(trained), "--films", "9", "--out", str(tmp_path / "s.csv")]) == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "s.csv"), table)


def test_one_line_where_there_is_nothing_to_look_into(tmp_path, capsys):
    for name in ("spectrum", "signal"):
        assert main([name, str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"error: {tmp_path} must be a run's folder") and said.count("\n") == 1
        for flag, value, smallest in (("--films", "1", 2), ("--seed", "-1", 0)):
            with pytest.raises(SystemExit):
                main([name, str(tmp_path), flag, value])
            assert f"argument {flag}: must be a whole number >= {smallest}, got '{value}'" in capsys.readouterr().err


@pytest.mark.parametrize("head, reason", [
    ("permuted", "must have a circuit that the engine chain can run, .* and it takes gates between neighbours only"),
    ("product", "must have a circuit of qcxr's own, such as dqc's; give another run"),
])  # fmt: skip
def test_a_circuit_without_a_spectrum_is_said_so(head, reason, monkeypatch, capsys):
    made = create(head, 5, 3, key=jax.random.key(0))
    seen = SimpleNamespace(circuit=made.engine)
    monkeypatch.setattr("qcxr.training.dressed.read", lambda *_, **__: seen)
    assert main(["spectrum", "here"]) == 1
    assert re.match(f"error: here {reason}", capsys.readouterr().err)
