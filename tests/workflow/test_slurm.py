"""A study through a real Slurm: what is asked of it; a preempted and a cancelled job end with the same bits."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.slurm import running
from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow(minutes=8)
CONFIG = TINY | {
    "heads": ["cdl", {"wide": {"kind": "cdl", "train": {"devices": 4, "epochs": 60}}}],
    "seeds": [0, 1],  # the second is not asked for
    "train": {"epochs": 250, "batch_size": 8, "patience": 250},  # some seconds, in which Slurm is to act
    "resources": {"checkpoint_minutes": 0.005, "train_threads": 1},
}
RUNS = {head: f"results/runs/cxr8/{head}/seed0" for head in ("cdl", "wide")}
TARGETS = [f"{run}/metrics/drawn-nih.csv" for run in RUNS.values()]
FOUR_DEVICES = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}


def plugin() -> str:
    """Where the executor's package lies: `make drills` keeps it apart, since every snakemake imports what it finds."""
    apart = Path(sys.prefix, "slurm")
    if apart.is_dir():
        return str(apart)
    if found := importlib.util.find_spec("snakemake_executor_plugin_slurm"):
        return str(Path(str(found.origin)).parents[1])
    pytest.skip("no snakemake-executor-plugin-slurm here; pip install -e '.[slurm]'")


def results(study: Study, run: str) -> tuple:
    out = study.folder / run
    history = pd.read_csv(out / "history.csv").drop(columns=["seconds", "films_per_second"])
    predictions = pd.read_parquet(out / "predictions/drawn-nih.parquet")
    return (out / "best.safetensors").read_bytes(), history.to_csv(), predictions.to_csv()


def until(found, process, seconds=900.0):
    """What `found` finds, as soon as it does; a busy Slurm may not answer at once."""
    ends = time.monotonic() + seconds
    while True:
        with contextlib.suppress(subprocess.CalledProcessError):
            if there := found():
                return there
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < ends, "nothing happened"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("calm"), CONFIG)
    study.snakemake(*TARGETS, QCXR_CARDS="0,1,2,3", QCXR_LEASES=str(study.folder / "leases"), **FOUR_DEVICES)
    return study


def beside(calm: Study, folder: Path) -> Study:
    """The same study in another folder, its films ready and nothing trained."""
    study = Study(folder, CONFIG)
    ready = [f"results/{part}" for part in ("manifest", "cached", "packed", "leaks")]
    for part in ("demo", ".snakemake/metadata", *ready):
        shutil.copytree(calm.folder / part, study.folder / part)
    return study


def test_preempted_and_cancelled_jobs_go_on_to_the_same_bits(undisturbed, tmp_path):
    packages = plugin()
    with running(tmp_path / "slurm") as slurm:
        study = beside(undisturbed, tmp_path / "study")
        study.programs = undisturbed.programs
        snakemake = study.start(
            *TARGETS,
            *("--profile", "profiles/slurm", "--latency-wait", "5"),
            *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1"),
            cores=None,
            PATH=f"{slurm.bin}{os.pathsep}{os.environ['PATH']}",
            PYTHONPATH=f"{study.folder}{os.pathsep}{packages}",
            **FOUR_DEVICES,
        )
        with contextlib.ExitStack() as stack:
            stack.callback(snakemake.kill)

            def in_training(head):
                """The number of the job that trains this head and has saved, if there is one."""
                saved = study.folder.glob(f"results/work/cxr8/{head}/seed0/*/checkpoints/*")
                jobs = re.findall(rf"(\d+) rule_train\S*_{head}\S*", slurm("squeue", "-h", "-t", "R", "-o", "%i %k"))
                return jobs if any(path.name.isdigit() for path in saved) else []

            order = [until(lambda: [head for head in RUNS if in_training(head)], snakemake)[0]]
            order += [head for head in RUNS if head not in order]
            # somebody else's job that comes first wants the whole node
            slurm("sbatch", "--partition=urgent", "--exclusive", "--output=/dev/null", "--wrap=true")
            until(lambda: "PREEMPTED" in slurm("squeue", "-h", "-o", "%T %r") or not in_training(order[0]), snakemake)
            job = until(lambda: in_training(order[1]), snakemake)[0]
            slurm("scancel", job)
            said = snakemake.communicate(timeout=900)[0]
        assert snakemake.returncode == 0, said
        submitted = [line for line in slurm.submitted.read_text().splitlines() if "urgent" not in line]
    for head, run in RUNS.items():
        assert results(study, run) == results(undisturbed, run), head
        lines = (study.folder / f"results/progress/cxr8/{head}/seed0.jsonl").read_text().splitlines()
        events = [json.loads(line) for line in lines]
        # stopped by SIGTERM once; one process each time, with all its cards
        states = [event["state"] for event in events if event["state"] not in ("epoch", "saved")]
        assert states == ["started", "stopped", "resumed", "done"]
        assert len({event["pid"] for event in events}) == 2
        devices = {event["device"] for event in events}  # a job that goes on may get another card than it had
        expected = r"cpu \([0-3]\)" if head == "cdl" else r"4 x cpu \(0, 1, 2, 3\)"
        assert all(re.fullmatch(expected, device) for device in devices), devices
    training = [line for line in submitted if "rule_train" in line]
    assert len(training) == 3  # the cancelled one twice; a preempted one is the same job
    for line in training:
        assert f"--gpus={4 if '_wide' in line else 1} " in line
    # three predictions and their scores are one job, of one card
    assert sum("group_run" in line for line in submitted) == len(RUNS) == len(submitted) - 3
    for line in submitted:
        assert re.search(r" -t \d+ ", line) and re.search(r" --mem \d+ ", line) and " --requeue " in line
        assert "--gpus=1 " in line or "_wide" in line, line
        assert "tasks-per-gpu" not in line
