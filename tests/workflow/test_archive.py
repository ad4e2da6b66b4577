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
from tests.workflow.study import ROOT, TINY, finished

pytestmark = pytest.mark.slow(minutes=2)
CONFIGURED = ["--configfile", "config/demo.yaml", "tiny.yaml"]


def qcxr(folder, root, *words, check=True):
    """Run a command of the package in `root`, in a folder; its output."""
    environment = {**os.environ, "PYTHONPATH": str(root), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-P", "-m", "qcxr.cli", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert (done.returncode == 0) == check, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_an_archive_gives_the_same_analysis_without_the_study(tmp_path):
    pytest.importorskip("rocrate", reason="the extra archive")
    study = finished(tmp_path / "study")
    packed = tmp_path / "elsewhere/study.zip"
    packed.parent.mkdir()
    said = qcxr(study.folder, study.folder, "archive", "results", *CONFIGURED, "--out", packed)
    assert f"{packed}: " in said

    study.write(TINY | {"seeds": [0, 1, 2]})
    refused = qcxr(study.folder, study.folder, "archive", *CONFIGURED, "--out", "a.zip", check=False)
    assert "the study is not finished: snakemake would run" in refused and "--partial" in refused
    shutil.move(study.folder / "results", tmp_path / "kept")
    shutil.rmtree(study.folder)

    apart = packed.parent
    said = qcxr(apart, ROOT, "evaluate", packed.name, "--out", "again")
    assert "All 103 files are the archive's, byte for byte." in said
    # and so the study's, of which nothing is left: report, tables, figures, statistics
    assert compared(apart / "again", tmp_path / "kept").startswith("All 103")
    made = {path.name for path in (apart / "again").iterdir()}
    assert {"report.html", "summary.txt", "tables", "figures", "tests.csv", "estimates.csv", "bootstrap"} <= made

    shutil.unpack_archive(packed, apart / "open")
    for path in (apart / "open").rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes(), path
    listed = pd.read_csv(apart / "open/runs.csv")
    assert len(listed) == 2 * 2 * 3 and all((apart / "open" / path).is_file() for path in listed["predictions"])
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
