"""`qcxr plan` as a person meets it, on a study that has no data yet."""

import json
from pathlib import Path

from qcxr.cli import main

ROOT = Path(__file__).parents[2]


def test_a_plan_in_words_and_as_json(tmp_path, monkeypatch, capsys):
    for part in ("Snakefile", "workflow", "profiles"):
        (tmp_path / part).symlink_to(ROOT / part)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "qcxr").symlink_to(ROOT / "qcxr")
    words = ["plan", "--configfile", "config/demo.yaml", "--cores", "3"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" with 12 of the study's 12 training runs")
    assert lines[3] == "  cxr8, cxr19: cdl, dqc seeds 0-2  never run yet"
    assert lines[-1] == "expected: no run of this kind has been measured here, nor another of these jobs"
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rules"]["train"] == len(told["runs"]) == 12 and "cxr19/dqc/seed2" in told["runs"]
    assert told["expected"]["cores"] == 3 and told["expected"]["unmeasured"]["train"] == 12


def test_mistakes_are_one_line(capsys):
    assert main(["plan"]) == 1
    assert capsys.readouterr().err == (
        "error: there is no Snakefile in this folder; run qcxr plan where you run snakemake\n"
    )
    assert main(["plan", "--cores", "0"]) == 1
    assert capsys.readouterr().err == "error: --cores must be at least 1, got 0; set it\n"
