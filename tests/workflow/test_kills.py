"""Whatever is killed, the same command again ends with the same bits (README: Killed jobs).

A sample of `python -m tests.workflow.kills`, which kills at random moments of the whole workflow.
"""

import os
import random
import signal
import time
from pathlib import Path

import pandas as pd
import pytest

from qcxr.study import hugepages
from tests.workflow.kills import CONFIG, RUN, TARGET, jobs, trainers
from tests.workflow.study import Study

pytestmark = pytest.mark.slow(minutes=5)


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
    study.snakemake(TARGET)
    return results(study)


def test_killed_five_times_ends_with_the_same_bits(undisturbed, tmp_path):
    study = Study(tmp_path / "killed", CONFIG)
    study.programs = tmp_path / "programs"  # compiled anew, and killed while that is done
    study.snakemake("results/packed/drawn-nih-train.npy", "results/packed/drawn-nih-val.npy")
    moments = random.Random(7)
    log = ""
    for attempt, signum in enumerate([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL]):
        snakemake = study.start(TARGET)
        until(lambda: trainers(study))
        until(lambda: saved(study) or not trainers(study))
        time.sleep(moments.uniform(0, 1.5))
        for pid in trainers(study):
            os.kill(pid, signum)
        log += snakemake.communicate(timeout=300)[0]
        if (study.folder / TARGET).exists():
            break  # it was faster than we: fine, as long as it was stopped before
        assert snakemake.returncode != 0 and not (study.folder / RUN / "run.json").exists(), attempt
    assert attempt >= 1
    log += study.snakemake(TARGET)  # no unlock, no cleaning up
    assert "resuming at epoch" in log
    assert results(study) == undisturbed
    assert not (study.folder / "results/work").exists()


def test_snakemake_itself_killed_needs_only_unlock(undisturbed, tmp_path):
    study = Study(tmp_path / "all", CONFIG)
    study.programs = tmp_path / "programs"
    snakemake = study.start(TARGET)
    until(lambda: saved(study))
    for pid in trainers(study):  # jobs inherit what the Snakefile asks for
        assert all(f"{k}={v}" in Path(f"/proc/{pid}/environ").read_text() for k, v in hugepages.environment({}).items())
    os.killpg(snakemake.pid, signal.SIGKILL)  # Snakemake and all its jobs at once, as a power cut does
    snakemake.communicate()
    until(lambda: not trainers(study))
    study.snakemake("--unlock")
    log = study.snakemake(TARGET)
    assert "resuming at epoch" in log and results(study) == undisturbed


def test_a_second_snakemake_and_an_edit_of_the_configuration_while_it_trains(undisturbed, tmp_path):
    study = Study(tmp_path / "study", CONFIG)
    edited = CONFIG | {"train": CONFIG["train"] | {"learning_rate": 0.1}}
    first = study.start(TARGET)
    until(lambda: saved(study))
    halted = jobs(study)
    for pid in halted:
        os.kill(pid, signal.SIGSTOP)  # so that the run is not over before the second one looks
    second = study.snakemake(TARGET, check=False)
    assert "lock" in second.lower() and "Traceback" not in second
    study.write(edited)
    for pid in halted:
        os.kill(pid, signal.SIGCONT)
    log = first.communicate(timeout=300)[0]
    assert first.returncode == 0 and results(study) == undisturbed, log  # what began ends as it began, and predicts so
    assert "Train cxr8 with dqc" in study.snakemake("-n", TARGET)
    study.write(CONFIG)
    assert "Nothing to be done" in study.snakemake("-n", TARGET)
