"""Snakemake's lock on the folder that it works in, when the Snakemake that took it was killed (SIGKILL, a power cut).

Snakemake then says that another one may be running, and cannot know: its lock names nobody. The processes of this
machine do.
"""

from __future__ import annotations

import os
from pathlib import Path

PROCESSES = Path("/proc")  # Linux: without it nobody knows who lives


def said(folder: Path) -> str | None:
    """One line where `folder` is locked: by a Snakemake that lives here, or by one that does not; else None."""
    if not any((folder / ".snakemake/locks").glob("*.lock")):
        return None
    if not PROCESSES.is_dir():
        return "note: this folder has Snakemake's lock; `snakemake --unlock` is safe if no Snakemake works in it"
    living = [pid for pid, words in processes(folder) if _is_snakemake(words)]
    if living:
        return f"note: Snakemake (process {living[0]}) is at work in this folder; wait for it where files are the same"
    jobs = [pid for pid, words in processes(folder) if any("/.snakemake/scripts/" in word for word in words)]
    orphans = f" (its job {', '.join(map(str, jobs))} goes on to its end, and is waited for)" if jobs else ""
    return (
        "note: a Snakemake that was killed left its lock on this folder, and none lives in it on this machine"
        f"{orphans}: `snakemake --unlock` is safe, and needed if this one cannot lock; then the same command again"
    )


def processes(folder: Path) -> list[tuple[int, list[str]]]:
    """This user's processes that were started in `folder`, but for this one and those that it comes from."""
    own, found = _line(os.getpid()), []
    for pid in (int(name) for name in os.listdir(PROCESSES) if name.isdigit()):
        try:
            if pid not in own and os.path.samefile(PROCESSES / str(pid) / "cwd", folder):
                words = (PROCESSES / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
                found.append((pid, words))
        except OSError:  # ended, or another user's
            continue
    return sorted(found)


def _is_snakemake(words: list[str]) -> bool:
    """Whether a command line is Snakemake's: `snakemake ...`, or by way of Python."""
    return any(os.path.basename(word) == "snakemake" for word in words[:4])


def _line(pid: int) -> set[int]:
    """A process and all that it descends from."""
    found = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        try:
            pid = int((PROCESSES / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            break
    return found
