"""When a run is saved, and how it is put back: the clock and the files around `qcxr.training.checkpoint`."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from qcxr.training.checkpoint import Checkpoints
from qcxr.training.progress import Progress

if TYPE_CHECKING:
    from qcxr.training.fit import Fit

log = logging.getLogger("qcxr.train")


class Keeper:
    """Saves and restores a run when it is due; Orbax is imported only when there is something to do."""

    def __init__(self, folder: Path, progress: Progress, *, every_minutes: float):
        self._folder, self._progress, self._every = folder, progress, every_minutes * 60
        self._last = self._started = time.perf_counter()
        self._checkpoints: Checkpoints | None = None
        self.seconds_before = 0.0  # spent by earlier, interrupted attempts

    def due(self) -> bool:
        return time.perf_counter() - self._last >= self._every

    def _open(self) -> Checkpoints:
        if self._checkpoints is None:
            self._checkpoints = Checkpoints(self._folder)
        return self._checkpoints

    def save(self, fit: Fit) -> None:
        seconds = self.seconds_before + time.perf_counter() - self._started
        self._open().save(len(fit.losses), fit.arrays(), {**fit.position(), "seconds": seconds})
        self._last = time.perf_counter()
        self._progress.event("saved", epoch=fit.epoch, step=fit.step)

    def restore(self, fit: Fit) -> None:
        found = self._open().restore() if (self._folder / "checkpoints").is_dir() else None
        if found is None:
            self._progress.event("started")
            return
        arrays, position = found
        self.seconds_before = position.pop("seconds")
        fit.resume(arrays, position)
        log.info("resuming at epoch %d, step %d", fit.epoch + 1, fit.step)
        self._progress.event("resumed", epoch=fit.epoch, step=fit.step)

    def clear(self) -> None:
        """The run is written: remove its work folder, and the parents that are empty now."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        shutil.rmtree(self._folder)
        for parent in (self._folder.parent, *self._folder.parent.parents[:3]):
            if any(parent.iterdir()):
                break
            parent.rmdir()
