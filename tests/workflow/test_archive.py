"""A small study through Snakemake, its archive, and its analysis again from that alone: the same bytes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from qcxr.archive.evaluate import compared
from tests.workflow.study import ROOT, TINY, Study

pytestmark = pytest.mark.slow

PLUGIN = """
from qcxr.plugins import metric

@metric("highest")
def highest(truth, probability):
    return probability.max()
"""
CONFIG = TINY | {
    "tasks": ["two"],
    "label_sets": {"two": ["Effusion", "Infiltration"]},
    "data": {"test_on": ["drawn-nih"]},
    "timed_steps": 0,
    "plugins": ["mine.py"],
    "analysis": {"bootstrap": 100, "metrics": ["highest"], "head_over": 20, "tail_under": 10},
}


def qcxr(folder, *words, check=True):
    """Run a command of the study's own copy; its output."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "JAX_PLATFORMS": "cpu"}
    words = [sys.executable, "-m", "qcxr.cli", *map(str, words)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)
    assert (done.returncode == 0) == check, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_an_archive_gives_the_same_analysis_without_the_study(tmp_path):
    pytest.importorskip("rocrate", reason="the extra archive")
    study = Study(tmp_path / "study", CONFIG)
    (study.folder / "mine.py").write_text(PLUGIN, encoding="utf-8")
    configured = ["--configfile", "config/demo.yaml", "tiny.yaml"]
    refused = qcxr(study.folder, "archive", *configured, "--out", "a.zip", check=False)
    assert "the study is not finished: snakemake would run" in refused and "--partial" in refused

    study.snakemake()
    packed = tmp_path / "elsewhere/study.zip"
    packed.parent.mkdir()
    said = qcxr(study.folder, "archive", "results", *configured, "--out", packed, "--license", "https://example.org/by")
    results = study.folder / "results"
    assert f"{packed}: " in said
    shutil.copytree(results, tmp_path / "kept")
    shutil.rmtree(study.folder)

    apart = packed.parent
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "qcxr.cli", "evaluate", packed.name, "--out", "again"]
    done = subprocess.run(words, cwd=apart, capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "whose code would run; look into its study/ and give --run-plugins" in done.stderr
    done = subprocess.run([*words, "--run-plugins"], cwd=apart, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "files are the archive's, byte for byte." in done.stderr and "All" in done.stderr
    # and so the study's, of which nothing is left: report, tables, figures, statistics
    assert compared(apart / "again", tmp_path / "kept").startswith("All")
    assert "highest" in set(pd.read_csv(apart / "again/metrics.csv")["metric"])
    made = {path.name for path in (apart / "again").iterdir()}
    assert {"report.html", "summary.txt", "tables", "figures", "tests.csv", "estimates.csv", "bootstrap"} <= made

    shutil.unpack_archive(packed, apart / "open")
    assert (apart / "open/study/mine.py").read_text(encoding="utf-8") == PLUGIN
    for path in (apart / "open").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    listed = pd.read_csv(apart / "open/runs.csv")
    assert len(listed) == 2 * 2 * 2 and all((apart / "open" / path).is_file() for path in listed["predictions"])
    conforms(apart / "open")


def conforms(folder: Path) -> None:
    """Its RO-Crate is what it says, by roc-validator, where `make drills` could install that beside us."""
    crate = json.loads((folder / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert {"CreateAction", "ControlAction", "OrganizeAction"} <= {str(one["@type"]) for one in crate["@graph"]}
    python = ROOT / ".venv-crate/bin/python"
    if python.is_file():
        check = ROOT / "tests/archive/conformance.py"
        done = subprocess.run([python, check, folder], capture_output=True, text=True)
        assert done.stdout == "checked\n", done.stdout + done.stderr
