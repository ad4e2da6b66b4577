"""Snakemake alone is killed with SIGKILL, its training goes on, and the same command is given again at once.

By hand, as often as you like: `python -m tests.workflow.test_orphans 20`
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.workflow.study import Study
from tests.workflow.test_kills import CONFIG, RUN, results, saved, trainers, until

TARGET = f"{RUN}/predictions/drawn-nih.parquet"


def calm(folder: Path) -> Study:
    """A study whose run was never disturbed."""
    study = Study(folder, CONFIG)
    study.snakemake(TARGET)
    return study


def afresh(study: Study, name: str) -> Study:
    """The same with nothing trained yet."""
    folder = study.folder.with_name(name)
    shutil.copytree(study.folder, folder)
    other = Study.__new__(Study)
    other.__dict__ |= {**study.__dict__, "folder": folder}
    for made in ("runs", "work", "progress"):
        shutil.rmtree(folder / "results" / made, ignore_errors=True)
    return other


def orphaned(study: Study, moment: float) -> str:
    """Kill Snakemake that many seconds after the first checkpoint, and start it again beside the orphan; what is said.

    Returns an empty text where the training was over before.
    """
    snakemake = study.start(TARGET)
    until(lambda: saved(study) or (study.folder / RUN / "run.json").exists())
    time.sleep(moment)
    os.kill(snakemake.pid, signal.SIGKILL)
    snakemake.wait()
    snakemake.stdout.close()
    beside = bool(trainers(study))
    locked = study.snakemake(TARGET, check=False)
    assert "none lives in it on this machine" in locked and "`snakemake --unlock` is safe" in locked, locked
    study.snakemake("--unlock")
    said = study.snakemake(TARGET)
    until(lambda: not trainers(study))
    return said if beside else ""


@pytest.mark.slow(minutes=3)
def test_the_same_command_beside_an_orphan_ends_with_the_same_bits(tmp_path):
    first = calm(tmp_path / "calm")
    for number, moment in enumerate((0.0, 0.4)):
        study = afresh(first, f"orphaned{number}")
        orphaned(study, moment)
        assert results(study) == results(first)
        assert not (study.folder / "results/work").exists()


def main(times: int) -> None:
    """Repeat it at random moments, and count."""
    moments, beside, waited = random.Random(11), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        first = calm(Path(temporary, "calm"))
        for number in range(times):
            study = afresh(first, f"orphaned{number}")
            said = orphaned(study, moments.uniform(0, 1.5))
            assert results(study) == results(first), number
            beside, waited = beside + bool(said), waited + ("is being trained by" in said)
            print(f"{number + 1} of {times}: equal; {beside} beside a living orphan, {waited} waited", flush=True)
            shutil.rmtree(study.folder)


if __name__ == "__main__":
    main(int(sys.argv[1]))
