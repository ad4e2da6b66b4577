"""From values to places on paper, and round numbers for an axis."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scale:
    """A linear axis: values low..high lie at start..end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies; values outside lie at the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return float(self.start + share * (self.end - self.start))

    def ticks(self, count: int = 5) -> list[float]:
        """Round values, about `count` of them, none outside."""
        step = _round_up((self.high - self.low) / count)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]


def reach(points: Iterable[float], ends: Iterable[float], *, least: float) -> float:
    """How far to both sides of 0 an axis of differences goes: all points, and most ends of their intervals.

    The widest intervals are those of the rarest labels; let them decide, and all others would shrink to dots.
    """
    values = np.abs([value for value in points if np.isfinite(value)] or [0.0])
    wide = np.abs([value for value in ends if np.isfinite(value)] or [0.0])
    return float(max(1.15 * values.max(), 1.05 * np.quantile(wide, 0.85), 2 * least))


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign (a true minus); 0 has none."""
    shown = f"{value:+.{digits}f}"
    return shown[1:] if float(shown) == 0 else shown.replace("-", "−")


def tick(value: float) -> str:
    """A number at an axis, without needless zeros."""
    shown = f"{value:+.3f}".rstrip("0").rstrip(".")
    return "0" if float(shown) == 0 else shown.replace("-", "−")


def _round_up(step: float) -> float:
    """The next of 1, 2, 5, 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9)) * power
