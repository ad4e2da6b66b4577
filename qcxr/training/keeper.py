"""When a run is saved, and how it is put back: the clock and the files around `qcxr.training.checkpoint`."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from pathlib import Path

from qcxr.training.checkpoint import Checkpoints
from qcxr.training.loop import Loop
from qcxr.training.progress import Progress

log = logging.getLogger("qcxr.train")


class Keeper:
    """Saves and restores a run when it is due; Orbax is imported only when there is something to do."""

    def __init__(self, folder: Path, progress: Progress, *, every_minutes: float, writes: bool = True):
        """`writes` False: of several hosts one saves for all; the others only restore."""
        self.writes = writes
        self._folder, self._progress, self._every = folder, progress, every_minutes * 60
        self._last = self._started = time.perf_counter()
        self._checkpoints: Checkpoints | None = None
        self.seconds_before = 0.0  # spent by earlier, interrupted attempts

    def due(self) -> bool:
        return self.writes and time.perf_counter() - self._last >= self._every

    def _open(self) -> Checkpoints:
        if self._checkpoints is None:
            self._checkpoints = Checkpoints(self._folder)
        return self._checkpoints

    def save(self, loop: Loop) -> None:
        seconds = self.seconds_before + time.perf_counter() - self._started
        self._open().save(len(loop.losses), loop.arrays(), {**loop.position(), "seconds": seconds})
        self._last = time.perf_counter()
        self._progress.event("saved", epoch=loop.epoch, step=loop.step)

    def restore(self, loop: Loop) -> None:
        found = self._open().restore() if (self._folder / "checkpoints").is_dir() else None
        if found is None:
            self._progress.event("started")
            return
        arrays, position = found
        self.seconds_before = position.pop("seconds")
        loop.resume(arrays, position)
        log.info("resuming at epoch %d, step %d", loop.epoch + 1, loop.step)
        self._progress.event("resumed", epoch=loop.epoch, step=loop.step)

    def clear(self) -> None:
        """The run is written: remove its work folder, and the parents that are empty now."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        shutil.rmtree(self._folder)
        with contextlib.suppress(OSError):  # not empty; or another run that ends just now was faster
            for parent in (self._folder.parent, *self._folder.parent.parents[:3]):
                parent.rmdir()
