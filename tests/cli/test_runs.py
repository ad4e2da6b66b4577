"""`qcxr runs`: where its table goes, and in which form."""

from pathlib import Path

import pytest

from qcxr.cli import main

DEMO = ["runs", "--configfile", "config/demo.yaml"]


def test_the_table_is_printed_or_written(capsys):
    assert main(DEMO) == 0
    assert "12 runs: 12 waiting" in capsys.readouterr().out
    assert main([*DEMO, "--csv"]) == 0
    table = capsys.readouterr().out
    assert table.startswith("task,head,kind,variant,seed,state,best_epoch,") and len(table.splitlines()) == 13
    assert main([*DEMO, "--out", "tables/runs.csv"]) == 0
    assert Path("tables/runs.csv").read_text() == table and capsys.readouterr().out == ""
    assert main([*DEMO, "--out", "runs.md"]) == main([*DEMO, "--markdown", "--out", "runs.txt"]) == 0
    assert Path("runs.md").read_text() == Path("runs.txt").read_text() and Path("runs.md").read_text()[0] == "|"


def test_mistakes_are_one_line(capsys):
    assert main([*DEMO, "--out", "config"]) == 1
    assert "config cannot be written (Is a directory)" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*DEMO, "--csv", "--markdown"])
    assert "not allowed with argument" in capsys.readouterr().err
