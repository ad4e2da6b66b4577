"""Jobs that start warm: a script's first line hands its job to a process that has the libraries imported already.

Starting Python and importing JAX costs more than a second, in each of thousands of jobs. So the first job of a workflow
starts a fork server (`qcxr.study.forkserver`), which imports what jobs name and forks a process for each. That one runs
the same script with the same arguments, environment, folder and terminal, while this one waits for it, passes signals
on and ends as it ends. Where that is not possible (another system than Linux, a cluster's node, QCXR_WARM=0) the script
goes on in its own process. Standard library only: this is imported before anything else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

PACKAGE = Path(__file__).parents[1]
WORKFLOW = "QCXR_WORKFLOW"  # the Snakemake process that a job belongs to, as `pid starttime`; its jobs inherit it
STARTED = b"started\n"
_PATIENCE = 60.0  # seconds until a job must have been started, imports included; then it starts itself
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # signals that are the job's
_forked = False  # whether this process is a fork server's child


def offer(*, local: bool) -> None:
    """Called by the Snakefile: jobs of this Snakemake process may start warm if it runs them on this machine."""
    os.environ.pop(WORKFLOW, None)  # that of a Snakemake that started this one is not theirs
    if local and os.environ.get("QCXR_WARM", "1") != "0" and (born := starttime(os.getpid())):
        os.environ[WORKFLOW] = f"{os.getpid()} {born}"


def start(*modules: str) -> None:
    """Run the calling script in a warm process and end as that one ends; return where there is none, to run it here.

    `modules` are those to be imported before the process is forked, beside what earlier jobs named.
    """
    if _forked or WORKFLOW not in os.environ:
        return
    connection = None
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        connection = _connect(_address())
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # the job may run, and be asked to stop, before we know it
        _send_job(connection, modules)
        said = _read_line(connection)
    except (OSError, ValueError):
        said = b""
    if connection is not None and said == STARTED:
        _follow(connection, blocked)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    if connection is not None:
        connection.close()


def forked() -> bool:
    """Whether this process is a job's that started warm."""
    return _forked


def starttime(pid: int) -> str:
    """When a process began, in the kernel's ticks: with its number it names one process for good. Empty if unknown."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def same_user(connection: socket.socket) -> bool:
    """Whether the other end of a connection is a process of this user's: anyone may take an abstract address."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    return struct.unpack("iII", credentials)[1] == os.getuid()


def _address() -> str:
    """One server for each workflow process, environment and state of the code, so that none of them is ever stale.

    An address of Linux's abstract kind: nothing lies on a disk, and it is gone with its process.
    """
    sources = sorted((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in PACKAGE.rglob("*.py"))
    environment = sorted((os.fsencode(k).hex(), os.fsencode(v).hex()) for k, v in os.environ.items())
    decides = json.dumps([os.getuid(), sys.executable, sys.version, environment, sources])
    return f"\0qcxr-{hashlib.sha256(decides.encode()).hexdigest()[:32]}"


def _connect(address: str) -> socket.socket:
    """A connection to the workflow's server, which is started if there is none. Raises `OSError`."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(_PATIENCE)
    try:
        try:
            connection.connect(address)
        except ConnectionRefusedError:
            with contextlib.suppress(OSError):  # another job was faster
                _start_server(address)
            connection.connect(address)
        if not same_user(connection):
            raise ConnectionRefusedError(address)
    except OSError:
        connection.close()
        raise
    return connection


def _start_server(address: str) -> None:
    """Bind the address and give it to a new process, which outlives this one: connections wait until it takes them."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(address)
        listening.listen(64)
        subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-m",
                "qcxr.study.forkserver",
                str(listening.fileno()),
                *os.environ[WORKFLOW].split(),
            ],
            pass_fds=[listening.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal's Ctrl-C is for the jobs, which pass it on
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )


def _send_job(connection: socket.socket, modules: tuple[str, ...]) -> None:
    job: dict[str, Any] = {
        "script": os.path.abspath(sys.argv[0]),
        "arguments": sys.argv,
        "path": sys.path,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "modules": modules,
    }
    text = json.dumps(job).encode()
    socket.send_fds(connection, [len(text).to_bytes(8, "big")], [0, 1, 2])
    connection.sendall(text)


def _read_line(connection: socket.socket) -> bytes:
    """What the other end says, up to a line's end; less if it ends."""
    said = b""
    while not said.endswith(b"\n") and (more := connection.recv(1)):
        said += more
    return said


def _follow(connection: socket.socket, blocked: set[int | signal.Signals]) -> NoReturn:
    """Pass signals on to the job until it is over, and end as it ended; blocked: the signals that stay so."""

    def pass_on(number: int, frame: object) -> None:
        with contextlib.suppress(OSError):  # it has ended
            connection.send(bytes([number]))

    connection.settimeout(None)
    for number in PASSED_ON:
        signal.signal(number, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    said = _read_line(connection)
    if not said:
        print("error: the process that ran this job was lost; start the workflow again", file=sys.stderr, flush=True)
    status = int(said or 1)
    if status < 0:  # a signal's
        with contextlib.suppress(OSError):  # SIGKILL has no handler to take away
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)
