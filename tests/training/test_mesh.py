"""A run on several devices is the run on one, to the rounding of sums; hosts join through Slurm's environment."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from qcxr.errors import InputError
from qcxr.training.mesh import Layout
from tests.training.runs import run

ROOT = Path(__file__).parents[2]


def start(folder, head, devices, *, here=4, minutes=60.0, **environment):
    words = [sys.executable, "-m", "tests.training.meshed", str(folder), head, str(devices), str(minutes)]
    flags = {"XLA_FLAGS": f"--xla_force_host_platform_device_count={here}", "JAX_PLATFORMS": "cpu"}
    environment = {**os.environ, **flags, **environment}
    return subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process) -> str:
    text = process.communicate(timeout=300)[0]
    assert process.returncode == 0, text
    return text


def assert_same_run(folder, other):
    ours, theirs = (load_file(f / "out/best.safetensors") for f in (folder, other))
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-3, atol=2e-5, err_msg=name)
    ours, theirs = (pd.read_csv(f / "out/steps.csv")["loss"] for f in (folder, other))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("head", ["cdl", "dqc"])
def test_four_devices_end_where_one_does(tmp_path, head):
    assert ended(start(tmp_path / "four", head, 4)).count("state on {4}") == 3
    run(tmp_path / "one", head=head)
    assert_same_run(tmp_path / "four", tmp_path / "one")


@pytest.mark.slow
def test_two_hosts_of_an_srun_step_end_where_one_device_does(tmp_path):
    """Two processes with two devices each, told of each other as Slurm would; only the first writes."""
    slurm = {
        "SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_NODELIST": "localhost", "SLURM_NTASKS": "2",
        "SLURM_STEP_NUM_TASKS": "2", "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo",
    }  # fmt: skip
    folder = tmp_path / "hosts"
    tasks = [
        start(folder, "cdl", 4, here=2, minutes=1e-4, SLURM_PROCID=str(k), SLURM_LOCALID=str(k), **slurm)
        for k in range(2)
    ]
    for task in tasks:
        assert ended(task).count("state on {4}") == 3
    run(tmp_path / "one")
    assert_same_run(folder, tmp_path / "one")
    states = [line for line in (folder / "progress.jsonl").read_text().splitlines() if '"done"' in line]
    assert len(states) == 1 and not (folder / "work").exists()


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(InputError, match="train.devices must be at most the 1 devices"):
        Layout(2)
