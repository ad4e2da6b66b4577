"""Work folders of runs that end while others begin: what they share goes, and comes back, under their hands."""

import multiprocessing
from pathlib import Path

from qcxr.training.checkpoint import STAMP, work_folder
from qcxr.training.keeper import Keeper
from qcxr.training.progress import Progress


def begin_and_end(base: Path, seed: int, times: int) -> None:
    progress = Progress(None, run={}, steps=1, epochs=1)
    for _ in range(times):
        folder = work_folder(base / "cxr8" / "cdl" / f"seed{seed}", {"seed": seed})
        assert (folder / STAMP).is_file()
        Keeper(folder, progress, every_minutes=1).clear()


def test_runs_that_end_together_leave_no_work_folder(tmp_path):
    """Each removes the parents that are empty: with 3 x 150 ends, many of them at once."""
    base = tmp_path / "work"
    context = multiprocessing.get_context("spawn")
    runs = [context.Process(target=begin_and_end, args=(base, seed, 150)) for seed in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
    assert [run.exitcode for run in runs] == [0, 0, 0]
    assert not base.exists()
