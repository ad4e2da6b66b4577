"""The command line as a person meets it: help, and one line for a mistake."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

import qcxr
from qcxr import cli
from qcxr.cli import main


def test_help_names_every_command(capsys):
    assert main([]) == 2
    text = capsys.readouterr().out
    names = [command.__name__.rpartition(".")[2] for command in cli.COMMANDS]
    assert {"check", "config", "train", "bench"} <= set(names) and len(names) == 17
    assert [f"\n    {name} " in text for name in names] == [True] * len(names)
    with pytest.raises(SystemExit) as done:
        main(["predict", "--help"])
    assert done.value.code == 0 and "not a medical device" in " ".join(capsys.readouterr().out.split())


def test_mistakes_are_one_line(capsys):
    assert main(["audit", "chexpert"]) == 1
    assert capsys.readouterr().err == (
        "error: dataset must be one of nih, mimic, got chexpert; describe it under data.sources\n"
    )
    assert main(["status", "--configfile", "none.yaml"]) == 1
    assert "config file none.yaml does not exist" in capsys.readouterr().err
    for words, said in (
        (["status", "--every", "-1"], "error: --every must be > 0 seconds, got -1; set it"),
        (["draw", "--png", str(Path.cwd())], "cannot be written (Is a directory)"),
    ):
        assert main(words) == 1
        told = capsys.readouterr().err
        assert said in told and len(told.splitlines()) == 1
    for words, said in (
        (["data", "--films", "-1"], "must be a whole number >= 1, got '-1'"),
        (["circuits", "--widths", "x"], "must be a whole number >= 1, got 'x'"),
        (["models", "--peers", "tf"], "invalid choice: 'tf'"),
    ):
        with pytest.raises(SystemExit):
            main(["bench", *words])
        assert f"qcxr bench {words[0]}: error: argument {words[1]}: {said}" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["status", "--fast"])
    assert "unrecognized arguments: --fast" in capsys.readouterr().err


def test_a_command_imports_only_what_it_needs():
    """Help and a configuration's check start without JAX, pandas and PennyLane."""
    code = (
        "import sys; from qcxr.cli import main; main(['check', '--configfile', 'config/demo.yaml']); main([]); "
        "print(sorted({'jax', 'pandas', 'pennylane', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_python_m_is_the_command():
    done = subprocess.run([sys.executable, "-m", "qcxr.cli", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"qcxr {qcxr.__version__}\n"


def test_a_terminal_without_our_letters_gets_the_rest(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert main(["draw", "--qubits", "1", "--layers", "1"]) == 0
    sys.stdout.flush()
    assert b"\\u2500" in raw.getvalue() and b"<Z>" in raw.getvalue()
