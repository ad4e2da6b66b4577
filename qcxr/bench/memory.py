"""Memory of a process and of all that it starts (Linux)."""

import os
import subprocess
import threading
from pathlib import Path


def watch(child: subprocess.Popen) -> int:
    """The largest sum of resident memory of a process and its descendants, in bytes (Linux; shared pages twice)."""
    peak, done = 0, threading.Event()

    def wait() -> None:
        child.wait()
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    while not done.wait(0.05):
        peak = max(peak, sum(_resident(pid) for pid in process_tree(child.pid)))
    return peak


def process_tree(pid: int) -> list[int]:
    """The process and its descendants (Linux)."""
    try:  # a child is its parent's thread's
        found = [one.read_text().split() for one in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        found = []
    return [pid, *(below for children in found for child in children for below in process_tree(int(child)))]


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
