"""The process behind warm jobs (`qcxr.study.warm`): it imports what jobs name, and forks one process for each.

    python -m qcxr.study.forkserver SOCKET PID STARTTIME        (started by the first job of a workflow)

It computes nothing itself and initialises no JAX backend, so that no thread runs when it forks. It belongs to one
workflow process and ends with it, or when no job has come for a while.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

from qcxr.study import provenance, warm

IDLE = 60.0  # seconds without a job after which it ends; the next job starts another
EVERY_JOBS = (
    "snakemake.logging",
    "snakemake.script",
    "qcxr.study.config",
    "qcxr.study.job",
    "pandas",
    "pyarrow.parquet",
)
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)

Job = dict[str, Any]


class Server:
    """Takes jobs from a listening socket, forks, and tells each client how its job ended."""

    def __init__(self, listening: socket.socket, workflow: int):
        """`workflow`: a descriptor (pidfd) of the process with which this one ends."""
        self._listening = listening
        self._jobs: dict[int, socket.socket] = {}  # a child's process id -> its client
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(listening, selectors.EVENT_READ)
        self._waiting.register(workflow, selectors.EVENT_READ)
        self._workflow = workflow
        self._bell, ring = socket.socketpair()  # rung by the kernel when a child ends
        for end in (self._bell, ring):
            end.setblocking(False)
        self._waiting.register(self._bell, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ring.fileno(), warn_on_full_buffer=False)
        self._ring = ring

    def serve(self) -> Job | None:
        """Serve until the workflow is over. Returns a job in the process that is to run it, else None."""
        while True:
            ready = [key.fileobj for key, _ in self._waiting.select(IDLE)]
            if self._workflow in ready or not (ready or self._jobs):
                break
            for source in ready:
                if source is self._listening:
                    if job := self._take():
                        return job
                elif source is not self._bell:
                    self._pass_on(source)
            if self._bell in ready:  # last: a client that is told how its job ended is closed
                with contextlib.suppress(BlockingIOError):
                    self._bell.recv(4096)
                self._reap()
        self._listening.close()
        self._end_jobs()
        return None

    def _take(self) -> Job | None:
        """Fork for the next client; the job in the child, None in this process."""
        client, _ = self._listening.accept()
        client.settimeout(5.0)
        try:
            job, files = _receive(client)
        except (OSError, ValueError):
            client.close()  # it goes on by itself, as whenever it does not hear that its job was started
            return None
        _import(job["modules"])
        server = os.getpid()
        pid = _fork() if _single_threaded() else -1
        if pid == 0:
            self._forget()
            _become(job, files, client, server)
            return job
        for file in files:
            os.close(file)
        if pid < 0:
            client.close()
            return None
        self._jobs[pid] = client
        client.setblocking(False)
        self._waiting.register(client, selectors.EVENT_READ, pid)
        return None

    def _pass_on(self, client: Any) -> None:
        """Signals that a client was sent go to its job; a client that is gone stops it."""
        pid = self._waiting.get_key(client).data
        try:
            numbers = client.recv(64)
        except OSError:
            numbers = b""
        if not numbers:
            self._waiting.unregister(client)
            numbers = bytes([signal.SIGTERM])
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _reap(self, options: int = os.WNOHANG) -> None:
        """Tell the clients of all children that have ended how they did."""
        while self._jobs:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                return
            client = self._jobs.pop(pid)
            with contextlib.suppress(KeyError):
                self._waiting.unregister(client)
            with contextlib.suppress(OSError):  # it is gone
                client.setblocking(True)
                client.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            client.close()

    def _end_jobs(self) -> None:
        for pid in self._jobs:
            os.kill(pid, signal.SIGTERM)
        self._reap(options=0)

    def _forget(self) -> None:
        """In a child: the server's sockets and descriptors are not its own."""
        signal.set_wakeup_fd(-1)
        for client in self._jobs.values():
            client.close()
        for end in (self._listening, self._bell, self._ring, self._waiting):
            end.close()
        os.close(self._workflow)


def _receive(client: socket.socket) -> tuple[Job, list[int]]:
    if not warm.same_user(client):
        raise ValueError("another user's")
    head, files, _, _ = socket.recv_fds(client, 8, 3)
    size, text = int.from_bytes(head, "big"), b""
    while len(text) < size and (more := client.recv(min(size - len(text), 1 << 20))):
        text += more
    return json.loads(text), files


def _import(modules: Sequence[str]) -> None:
    """Import what is not yet; what cannot be imported is for the job to say."""
    missing = [module for module in (*EVERY_JOBS, *modules) if module not in sys.modules]
    for module in missing:
        with contextlib.suppress(Exception):
            importlib.import_module(module)
            if module.startswith("qcxr."):
                provenance.sources(module)  # parsed once for all jobs, which hash their code
    if missing:
        gc.collect()
        gc.freeze()  # so that a child's collector does not touch, and thereby copy, what it shares


def _single_threaded() -> bool:
    """Whether it is safe to fork. OpenBLAS ends its pool at a fork and makes another when it needs one."""
    for _ in range(2):
        if len(os.listdir("/proc/self/task")) == 1:
            return True
        if (pid := os.fork()) == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return False


def _fork() -> int:
    """Fork with all signals blocked, so that none is handled by the server's handlers in the child."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid != 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return pid


def _become(job: Job, files: Sequence[int], client: socket.socket, server: int) -> None:
    """Make this new process what its client is; say that it has started. The client's socket stays open to its end."""
    ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGTERM)  # without its server nobody would pass a signal on
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)
    os.environ.clear()
    os.environ.update(job["environment"])
    os.chdir(job["folder"])
    sys.argv[:], sys.path[:] = job["arguments"], job["path"]
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())  # type: ignore[union-attr]  # a TextIO has no such method
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()  # or all children would draw the same from its global generator
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warm._forked = True
    client.setblocking(True)
    try:
        client.sendall(warm.STARTED)
    except OSError:  # it would not wait any longer, or was killed
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if os.getppid() != server:  # it died before the death signal was asked for
        os.kill(os.getpid(), signal.SIGTERM)
    _own.append(client)


_own: list[socket.socket] = []  # a child's connection: its client hears of its end even without the server


def main() -> None:
    """Serve; in a child, run the job's script and end as Python ends."""
    listening, pid, born = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3]
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"  # pyarrow would start a thread
    workflow = os.pidfd_open(pid)
    if warm.starttime(pid) != born:
        return
    job = Server(listening, workflow).serve()
    if job is None:
        os._exit(0)  # at once: nothing is to be written, and a large process takes its time to be taken apart
    runpy.run_path(job["script"], run_name="__main__")


if __name__ == "__main__":
    main()
