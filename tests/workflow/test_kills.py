"""Whatever is killed, the same command again ends with the same bits (README: Killed jobs)."""

import os
import random
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.study import TINY, Study

pytestmark = pytest.mark.slow
RUN = "results/runs/cxr8/dqc/seed0"
CONFIG = TINY | {
    "train": {"epochs": 20, "batch_size": 2, "patience": 20},
    "resources": {"checkpoint_minutes": 0.005, "train_threads": 1},
}


def trainers(study) -> list[int]:
    """Process ids of the study's training jobs."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if any(word.startswith(str(study.folder)) and word.endswith("train.py") for word in command):
            found.append(int(pid))
    return found


def saved(study) -> bool:
    """Whether a checkpoint is there under its final name (Orbax writes under another one first)."""
    return any(path.name.isdigit() for path in study.folder.glob("results/work/cxr8/dqc/seed0/*/checkpoints/*"))


def results(study) -> tuple:
    out = study.folder / RUN
    history = pd.read_csv(out / "history.csv").drop(columns=["seconds", "films_per_second"])
    predictions = pd.read_parquet(out / "predictions/drawn-nih.parquet")
    return (out / "best.safetensors").read_bytes(), history.to_csv(), predictions.to_csv()


def until(condition, seconds=180.0):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "nothing happened"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    study = Study(tmp_path_factory.mktemp("calm"), CONFIG)
    study.snakemake(f"{RUN}/predictions/drawn-nih.parquet")
    return results(study)


def test_killed_five_times_ends_with_the_same_bits(undisturbed, tmp_path):
    study = Study(tmp_path / "killed", CONFIG)
    study.programs = tmp_path / "programs"  # compiled anew, and killed while that is done
    target = f"{RUN}/predictions/drawn-nih.parquet"
    study.snakemake("results/packed/drawn-nih-train.npy", "results/packed/drawn-nih-val.npy")
    moments = random.Random(7)
    log = ""
    for attempt, signum in enumerate([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL]):
        snakemake = study.start(target)
        until(lambda: trainers(study))
        until(lambda: saved(study) or not trainers(study))
        time.sleep(moments.uniform(0, 1.5))
        for pid in trainers(study):
            os.kill(pid, signum)
        log += snakemake.communicate(timeout=300)[0]
        if (study.folder / target).exists():
            break  # it was faster than we: fine, as long as it was stopped before
        assert snakemake.returncode != 0 and not (study.folder / RUN / "run.json").exists(), attempt
    assert attempt >= 1
    log += study.snakemake(target)  # no unlock, no cleaning up
    assert "resuming at epoch" in log
    assert results(study) == undisturbed
    assert not (study.folder / "results/work").exists()


def test_snakemake_itself_killed_needs_only_unlock(undisturbed, tmp_path):
    study = Study(tmp_path / "all", CONFIG)
    study.programs = tmp_path / "programs"
    snakemake = study.start(f"{RUN}/predictions/drawn-nih.parquet")
    until(lambda: saved(study))
    os.killpg(snakemake.pid, signal.SIGKILL)  # Snakemake and all its jobs at once, as a power cut does
    snakemake.communicate()
    until(lambda: not trainers(study))
    study.snakemake("--unlock")
    log = study.snakemake(f"{RUN}/predictions/drawn-nih.parquet")
    assert "resuming at epoch" in log and results(study) == undisturbed
