"""Calls that take turns within one process, and rows that say what was found."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

Row = dict[str, Any]
Once = Callable[[], Any]  # does the work and returns arrays, which are waited for
SAME = 0.02  # of the largest element: two forms of the same product in TF32 or bfloat16 are not farther apart


class Spread(NamedTuple):
    """Seconds of the timed calls of one, after its first, and how far its result is from the first one's."""

    median: float
    p10: float
    p90: float
    first: float
    timed: int
    differs: float | None = None

    def row(self, what: str, *, scale: float = 1e3, unit: str = "ms", asked: str = "", **more: Any) -> Row:
        """A row whose value is the median times `scale`."""
        told = {"p10_s": self.p10, "p90_s": self.p90, "first_s": self.first, "timed": self.timed}
        differs = {} if self.differs is None else {"differs_by": self.differs}
        return {"what": what, "value": scale * self.median, "unit": unit, "asked": asked, **more, **told, **differs}


def value(what: str, number: float, unit: str, asked: str = "", **more: Any) -> Row:
    """A row."""
    return {"what": what, "value": float(number), "unit": unit, "asked": asked, **more}


def reason(what: str, said: str | Exception, **more: Any) -> Row:
    """A row of what could not be measured."""
    if isinstance(said, Exception):
        lines = [line.strip() for line in str(said).splitlines() if line.strip()]
        said = f"{type(said).__name__}: {lines[0]}" if lines else type(said).__name__
    return {"what": what, "reason": said[:200], **more}


def rotate(
    makers: Mapping[str, Callable[[], Once]], *, repeats: int, seconds: float, compared: bool = False
) -> dict[str, Spread | Exception]:
    """Build each, call each once, then call them in turns: what was found of each, or what it raised.

    seconds: at most, of one's timed calls in all. compared: results must be those of the first to `SAME`.
    """
    found: dict[str, Spread | Exception] = {}
    calls: dict[str, Once] = {}
    firsts: dict[str, float] = {}
    differs: dict[str, float | None] = {}
    reference: Any = None
    for name, make in makers.items():
        try:
            started = time.perf_counter()
            once = make()
            result = jax.block_until_ready(once())
            firsts[name] = time.perf_counter() - started
            if compared:
                reference = result if reference is None else reference
                differs[name] = distance(result, reference)
                if not differs[name] <= SAME:  # type: ignore[operator]
                    raise ValueError(f"its result differs from the first one's by {differs[name]:.0e}")
            calls[name] = once
        except Exception as error:  # whatever it is, it is that one's row and no other's
            found[name] = error
        gc.collect()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats + 1):  # the first turn warms up
        for name in [*calls]:
            if sum(taken[name]) < seconds or len(taken[name]) < 2:
                try:
                    taken[name].append(_timed(calls[name]))
                except Exception as error:
                    found[name] = error
                    del calls[name]
    for name in calls:
        times = taken[name][1:] or taken[name]
        p10, p90 = np.quantile(times, [0.1, 0.9])
        median = statistics.median(times)
        found[name] = Spread(median, float(p10), float(p90), firsts[name], len(times), differs.get(name))
    return {name: found[name] for name in makers}


def _timed(once: Once) -> float:
    started = time.perf_counter()
    jax.block_until_ready(once())
    return time.perf_counter() - started


def distance(theirs: Any, ours: Any) -> float:
    """The largest difference of two trees' arrays, relative to each one's largest element; inf if shapes differ."""
    pairs = list(zip(jax.tree.leaves(theirs), jax.tree.leaves(ours), strict=True))
    worst = 0.0
    for a, b in pairs:
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        if a.shape != b.shape:
            return math.inf
        worst = max(worst, float(np.max(np.abs(a - b)) / (np.max(np.abs(b)) or 1.0)))
    return worst


def rows(found: Mapping[str, Spread | Exception], title: str, *, per: int = 1, **more: Any) -> Iterator[Row]:
    """A row for each; per: calls that one timed call holds."""
    for name, spread in found.items():
        what = f"{title}: {name}"
        if isinstance(spread, Exception):
            yield reason(what, spread, **more)
        else:
            yield spread.row(what, scale=1e3 / per, **more)


def ratio(found: Mapping[str, Spread | Exception], over: str, under: str) -> float | None:
    """The first one's median over the second one's, where both have one."""
    a, b = found[over], found[under]
    return a.median / b.median if isinstance(a, Spread) and isinstance(b, Spread) else None
