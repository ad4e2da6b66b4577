"""Jobs that start warm leave the same bits as jobs that start a Python each; nothing runs when Snakemake has ended."""

import os
import time
from pathlib import Path

import pytest

from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow
RUNS = [f"results/runs/cxr8/{head}/seed0" for head in ("cdl", "dqc")]
TARGETS = [f"{run}/metrics/drawn-nih.csv" for run in RUNS]


def servers(study: Study) -> list[str]:
    """Process ids of the study's fork servers and of their children, which have their environment."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if b"qcxr.study.forkserver" in words and str(study.folder).encode() in environment:
            found.append(pid)
    return found


def outputs(study: Study) -> dict[str, bytes]:
    names = ["best.safetensors", "steps.csv", "predictions/drawn-nih.parquet", "metrics/drawn-nih.csv"]
    return {f"{run}/{name}": (study.folder / run / name).read_bytes() for run in RUNS for name in names}


def test_warm_and_cold_jobs_leave_the_same_bits(tmp_path):
    cold = Study(tmp_path / "cold", TINY)
    cold.programs = tmp_path / "programs"  # compiled anew
    with cold.start(*TARGETS, QCXR_WARM="0") as process:
        assert not any(servers(cold) for line in process.stdout if "Finished jobid" in line)
    assert process.returncode == 0
    warm = Study(tmp_path / "warm", TINY)
    with warm.start(*TARGETS) as process:
        assert any([servers(warm) for line in process.stdout if "Finished jobid" in line])
    assert process.returncode == 0
    ends = time.monotonic() + 10
    while servers(warm):
        assert time.monotonic() < ends
        time.sleep(0.05)
    assert outputs(warm) == outputs(cold)
