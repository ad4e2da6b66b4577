"""SIGTERM to Snakemake does what Ctrl-C does: its jobs are asked to stop, and save.

Snakemake alone would start no further job and wait for those that run, hours for a training; what sent the signal (a
batch system at the end of its time, a shutdown) kills it long before that.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

import psutil


def on_sigterm() -> None:
    """Take the signal over from Snakemake; to be called when its scheduler is there (the Snakefile's `onstart`)."""
    signal.signal(signal.SIGTERM, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """Pass the signal on to this process's children, the jobs, then do as Ctrl-C does, which cancels a cluster's."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: Snakemake now waits until they have saved
    for job in psutil.Process().children():
        job.terminate()
    raise KeyboardInterrupt
