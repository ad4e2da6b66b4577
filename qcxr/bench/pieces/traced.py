"""A trace of some steps by `jax.profiler`, summed up: how long the device was busy, with which kernels."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
from jax.profiler import ProfileData, ProfileOptions

from qcxr.bench.pieces.turns import Once, Row, reason, value

KINDS = {  # of a kernel, by the first of these words in its name
    "copies": ("memcpy", "memset", "copy"),
    "convolutions": ("conv", "wgrad", "dgrad", "fprop", "winograd", "implicit", "cudnn"),
    "matrix products": ("gemm", "nvjet", "cutlass", "dot", "cublas"),
    "sums": ("reduce",),
    "fused elementwise": ("fusion", "wrapped", "loop"),
}
LARGEST = 8


class Event(NamedTuple):
    """A kernel on the device; nanoseconds."""

    name: str
    start: float
    duration: float


def summary(once: Once, *, steps: int) -> Iterator[Row]:
    """Rows of the device's share, per step; `once` takes so many steps."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            options = ProfileOptions()
            options.python_tracer_level = 0
            with jax.profiler.trace(folder, profiler_options=options):
                jax.block_until_ready(once())
            (file,) = Path(folder).glob("**/*.xplane.pb")
            where, events = read(file)
        yield from told(where, events, steps)
    except Exception as error:  # a machine may forbid to trace its card
        yield reason("trace of the device", error)


def read(file: Path) -> tuple[str, list[Event]]:
    """The first card's name and kernels; of a machine without one, what XLA's threads of the CPU did."""
    planes = list(ProfileData.from_file(str(file)).planes)
    for prefix, lines in (("/device:GPU", ("Stream",)), ("/host:CPU", ("tf_XLA",))):
        for plane in planes:
            if plane.name.startswith(prefix):
                found = [line for line in plane.lines if line.name.startswith(lines)] or list(plane.lines)
                events = [
                    Event(e.name, e.start_ns, e.duration_ns) for line in found for e in line.events if e.duration_ns
                ]
                if events:
                    return plane.name, events
    raise ValueError(f"the trace has no kernels; its planes: {', '.join(plane.name for plane in planes)}")


def told(where: str, events: list[Event], steps: int) -> Iterator[Row]:
    """Busy time, gaps, kinds of kernels and the largest ones."""
    first, last = min(e.start for e in events), max(e.start + e.duration for e in events)
    busy = union(events)
    yield value(f"trace of {where}: from the first kernel to the last, a step", (last - first) / steps / 1e6, "ms")
    yield value("trace: gaps between kernels", 100 * (1 - busy / (last - first)), "%")
    yield value("trace: kernels of a step", len(events) / steps, "")
    total = sum(e.duration for e in events)
    kinds: Counter[str] = Counter()
    for event in events:
        kinds[kind(event.name)] += event.duration  # type: ignore[assignment]
    for name, duration in kinds.most_common():
        yield value(f"trace: {name}, of all kernels' time", 100 * duration / total, "%")
    each: Counter[str] = Counter()
    for event in events:
        each[event.name[:80]] += event.duration  # type: ignore[assignment]
    for name, duration in each.most_common(LARGEST):
        yield value(f"trace: kernel {name}, a step", duration / steps / 1e6, "ms")


def kind(name: str) -> str:
    """A key of `KINDS`, or `others`."""
    small = name.lower()
    return next((kind for kind, words in KINDS.items() if any(word in small for word in words)), "others")


def union(events: Iterable[Event]) -> float:
    """Nanoseconds in which at least one event was going on."""
    busy, until = 0.0, float("-inf")
    for event in sorted(events, key=lambda e: e.start):
        ends = event.start + event.duration
        busy += max(0.0, ends - max(event.start, until))
        until = max(until, ends)
    return busy
