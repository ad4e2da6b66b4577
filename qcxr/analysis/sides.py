"""What a row over patients is of: one head's runs, or two heads' runs less one another; and its variances."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64

NOTHING = 1e-18  # a variance below it is rounding


class Side(NamedTuple):
    """What a row is of: a head's runs, or a reference's runs less another head's, seed by seed."""

    head: str
    runs: list[int]
    other: str = ""
    less: Sequence[int] = ()

    @property
    def keys(self) -> dict[str, Any]:
        """The columns that name it."""
        kind = "difference" if self.other else "head"
        return {"kind": kind, "head": self.head, "head_b": self.other, "n_seeds": len(self.runs)}

    def of(self, values: Float64[np.ndarray, "runs ..."]) -> Float64[np.ndarray, "seeds ..."]:
        """The values of its seeds, from those of all runs."""
        return values[self.runs] - values[self.less] if self.other else values[self.runs]

    def covariance(self, runs: Float64[np.ndarray, "runs runs"]) -> Float64[np.ndarray, "seeds seeds"]:
        """The covariance between its seeds, from that between all runs."""
        return self.of(self.of(runs).T)


def variances(seeds: Float64[np.ndarray, "seeds seeds"]) -> tuple[float, float]:
    """Variance of the mean over seeds, and mean covariance of two different ones; of one seed both are the same."""
    n = len(seeds)
    variance = float(seeds.mean())
    shared = float(seeds.sum() - np.trace(seeds)) / (n * (n - 1)) if n > 1 else variance
    return (variance, shared) if not variance <= NOTHING else (0.0, 0.0)
