"""Work folders of runs that end while others begin: what they share goes, and comes back, under their hands."""

import multiprocessing
from pathlib import Path

import numpy as np

from qcxr.training.checkpoint import Checkpoints, work_folder
from qcxr.training.keeper import Keeper
from qcxr.training.named import STAMP
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


def test_a_position_that_was_changed_is_damaged(tmp_path, caplog):
    """What the fuzzer found: the arrays had a digest, the epoch and the losses had none."""
    made = Checkpoints(tmp_path)
    for epoch in (1, 2):
        made.save(epoch, {"a": np.arange(3)}, {"epoch": epoch, "losses": [0.5, 0.25], "best_loss": None})
    made.close()
    (file,) = [
        path for path in (tmp_path / "checkpoints/2").rglob("*") if path.is_file() and b"0.25" in path.read_bytes()
    ]
    file.write_bytes(file.read_bytes().replace(b"0.25", b"0.26"))
    again = Checkpoints(tmp_path)
    assert again.restore()[1] == {"epoch": 1, "losses": [0.5, 0.25], "best_loss": None}
    assert (
        "checkpoint of step 2 is damaged (its arrays do not match their digest, or its position does not)"
        in caplog.text
    )
    again.close()
