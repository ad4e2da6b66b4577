"""Memory in pages of 2 MB: what a program's environment must say as it starts.

A training step takes gigabytes of memory and gives them back, thousands of times, and Linux hands new memory out in
pages of 4 kB, each of them zeroed and looked up on its own: a quarter of a step of ResNet-50 on a CPU. glibc asks for
large pages where its tunable `glibc.malloc.hugetlb` is 1 (from 2.35 on; the GNU C Library's manual, "Memory Allocation
Tunables"), and the system grants them to those who ask (`madvise`, the usual setting; with `always` nobody needs to).
It is read when a process starts, and inherited. No result depends on it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

TUNABLES, HUGE = "GLIBC_TUNABLES", "glibc.malloc.hugetlb"
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def environment(inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables for programs that start from here; none where the user has set the tunable, or it would do nothing."""
    given = inherited.get(TUNABLES, "")
    if HUGE in given or not _asked():
        return {}
    return {TUNABLES: ":".join(filter(None, [given, f"{HUGE}=1"]))}


def restart() -> None:
    """Start this program again, as it was started, if it began without large pages; it must not have done anything."""
    if wanted := environment():
        os.environ.update(wanted)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _asked() -> bool:
    """Whether the system grants large pages to those who ask, and to no others."""
    try:
        return "[madvise]" in SETTING.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):  # another system than Linux, or a kernel without them
        return False
