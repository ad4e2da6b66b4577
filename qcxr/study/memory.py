"""The largest resident memory of this process."""

import resource
import sys
from pathlib import Path


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MB (2^20 bytes).

    Linux: VmHWM, which belongs to the program that runs. `ru_maxrss` would be handed on by the process that started it:
    a small job of a large parent would show the parent's peak (getrusage(2), execve(2)). Elsewhere it is all there is.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kB here
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20
