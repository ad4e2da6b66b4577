"""The study in another folder than its clone's, on several file systems, moved, and as a module of another workflow."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from qcxr.study import yamlfile
from tests.workflow.study import ROOT, TINY, Study

OUTER = """
configfile: "study.yaml"


module inner:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from inner as inner_*


rule all:
    default_target: True
    input:
        rules.inner_all.input,
"""


def laid_over(under: dict, over: dict) -> dict:
    """As Snakemake lays one configuration over another."""
    both = {**under, **over}
    nested = [key for key in over if isinstance(over[key], dict) and isinstance(under.get(key), dict)]
    return both | {key: laid_over(under[key], over[key]) for key in nested}


def test_as_a_module_of_another_workflow(tmp_path):
    config = yamlfile.read(ROOT / "config/config.yaml")
    for overlay in (yamlfile.read(ROOT / "config/demo.yaml"), TINY):
        config = laid_over(config, overlay)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "Snakefile").write_text(OUTER.format(snakefile=ROOT / "workflow/Snakefile"))
    planned = subprocess.run(
        [sys.executable, "-m", "snakemake", "-n", "--cores", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert planned.returncode == 0, planned.stderr
    text = planned.stdout + planned.stderr  # every job's message is in it, made of names that the outer workflow lacks
    assert "inner_train             4" in text and "Draw the circuit of cxr8" in text
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != ".snakemake") == ["Snakefile", "study.yaml"]


@pytest.mark.slow(minutes=4)
def test_in_another_folder_on_several_file_systems_and_moved(tmp_path):
    clone = Study(tmp_path / "clone")
    there, disk = tmp_path / "there", Path(tempfile.mkdtemp(dir="/dev/shm"))
    there.mkdir()
    target = "{}/packed/drawn-nih-val.npy".format
    try:
        assert disk.stat().st_dev != there.stat().st_dev
        clone.write(TINY | {"results": f"{disk}/results", "data": {"cache": str(tmp_path / "cache")}})
        said = clone.snakemake("--directory", str(there), target(f"{disk}/results"))
        assert "workflow specific profile" in said  # what makes a job run again, wherever it runs
        assert (there / "demo").is_dir() and (tmp_path / "cache").is_dir() and not (clone.folder / "results").exists()

        there = there.rename(tmp_path / "moved as a whole")
        assert "Nothing to be done" in clone.snakemake("-n", "--directory", str(there), target(f"{disk}/results"))
        shutil.move(disk / "results", there / "results")
        clone.write(clone.config | {"results": "results"})
        assert "Nothing to be done" in clone.snakemake("-n", "--directory", str(there), target("results"))
    finally:
        shutil.rmtree(disk)
