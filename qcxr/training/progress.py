"""Progress that a person can follow: a bar on a terminal, a line per epoch in a log, an append-only JSONL file."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.study.files import said_plainly

BOARD = ("train_loss", "val_loss", "films_per_second")

log = logging.getLogger("qcxr.train")
_listeners: list[Callable[[dict[str, Any]], None]] = []


@contextlib.contextmanager
def listening(told: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """While the block runs, `told` is called with every event of this process' run, as it is written."""
    _listeners.append(told)
    try:
        yield
    finally:
        _listeners.remove(told)


class Progress:
    """One run's progress. Events go to `path` (one JSON object a line; `qcxr status` reads them)."""

    def __init__(self, path: Path | None, *, run: dict[str, Any], steps: int, epochs: int, tensorboard: bool = False):
        """`tensorboard` writes event files too, in a folder beside `path`. Raises `InputError` without tensorboardX."""
        self._board = _board(path.with_suffix("")) if tensorboard and path is not None else None
        self._path, self._run, self._steps, self._epochs = path, run, steps, epochs
        self._bar: tqdm | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def event(self, state: str, **facts: Any) -> None:
        """Append one event: state is `started`, `resumed`, `epoch`, `saved`, `stopped`, `failed` or `done`."""
        if self._board is not None and state in ("stopped", "failed", "done"):
            self._board.close()  # it writes from a thread of its own
        line = {"time": time.time(), "pid": os.getpid(), "state": state, "epochs": self._epochs, **self._run, **facts}
        for told in _listeners:
            told(line)
        if self._path is None:
            return
        with said_plainly(self._path), open(self._path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")

    def start_epoch(self, epoch: int, step: int) -> None:
        """Open the epoch's bar, on a terminal only."""
        if sys.stderr.isatty():
            title = f"{self._run['task']}/{self._run['head']}/seed{self._run['seed']} epoch {epoch + 1}/{self._epochs}"
            self._bar = tqdm(total=self._steps, initial=step, desc=title, unit="batch", leave=False)

    def advance(self, steps: int) -> None:
        """Move the bar by that many steps."""
        if self._bar is not None:
            self._bar.update(steps)

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Close the bar; say the epoch in one line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        mark = " *" if row["best"] else ""
        log.info(
            "epoch %d/%d  train %.4f  val %.4f%s  %.1f s  %.0f films/s",
            *(row["epoch"], self._epochs, row["train_loss"], row["val_loss"], mark),
            *(row["seconds"], row["films_per_second"]),
        )
        self.event("epoch", **row)
        if self._board is not None:
            for name in BOARD:
                self._board.add_scalar(name, row[name], row["epoch"])
            self._board.flush()


def _board(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter  # optional
    except ImportError:
        raise InputError(
            "resources.tensorboard needs tensorboardX, which is not installed; pip install -e '.[tensorboard]' "
            "or set resources.tensorboard to false"
        ) from None
    return SummaryWriter(str(folder))
