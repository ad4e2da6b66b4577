"""One trainer a run: a lock (flock) held for the life of the process, and freed by the kernel when it dies.

Without it a run would be trained twice at once by `qcxr train` beside Snakemake, or by Snakemake's rerun beside the
orphan of a killed one: both would write one work folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qcxr.study.files import said_plainly
from qcxr.study.locks import lockless
from qcxr.study.runs import Run

log = logging.getLogger("qcxr.train")


@contextlib.contextmanager
def held(run: Run) -> Iterator[bool]:
    """Hold the run's lock while the block runs; yields whether another trainer had to be waited for.

    Who holds it is said once, in the log. Where the results lie on a file system without locks it is one of this
    machine's, which keeps away its own trainers alone; that is said too. Raises `InputError` if the lock's folder
    cannot be written.
    """
    with said_plainly(run.lock):
        run.lock.parent.mkdir(parents=True, exist_ok=True)
        path = run.lock
        if why := lockless(path.parent):
            path = _of_this_machine(path)
            log.warning(
                "%s is on a file system without locks (%s): %s is locked on this machine alone; train it on no other "
                "at the same time",
                *(run.lock.parent, why, run),
            )
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        waited = False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waited = True
            holder = os.read(handle, 200).decode(errors="replace").strip() or "another process"
            log.info("%s is being trained by %s; waiting for it to end", run, holder)
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        yield waited
    finally:
        os.close(handle)  # the file stays: to remove it would let a third trainer lock another one of that name


def _of_this_machine(path: Path) -> Path:
    """A file of this user's temporary folder that stands for `path`."""
    folder = Path(tempfile.gettempdir(), f"qcxr-locks-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / f"{hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]}.lock"
