"""Whether a film is like the films that a network was trained on: size, colour, and statistics of its gray levels.

`Seen` gathers what a packed split's films are like, into the split's JSON and from there into each run's `run.json`;
`unlike` compares a film with it. A film that differs may still be read well, and one that does not may be nonsense:
it is a warning about the input, not about the result.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8

from qcxr.data.film import Facts

# Of the training films one in a thousand lies below, and one above.
LOW, HIGH = 0.001, 0.999
STATISTICS = {
    "mean": "mean gray level",
    "sd": "standard deviation of the gray levels",
    "black": "share of black pixels",
    "white": "share of white pixels",
}
UNKNOWN = "unknown"


def statistics(film: UInt8[np.ndarray, "crop crop"]) -> dict[str, float]:
    """`STATISTICS` of a preprocessed film: levels in [0, 255], shares in [0, 1]."""
    counts = np.bincount(film.ravel(), minlength=256) / film.size
    mean = float(counts @ np.arange(256))
    sd = float(np.sqrt(counts @ (np.arange(256) - mean) ** 2))
    return {"mean": mean, "sd": sd, "black": float(counts[0]), "white": float(counts[255])}


class Seen:
    """What films are like, film by film."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._coloured = 0

    def add(self, film: UInt8[np.ndarray, "crop crop"], facts: Facts) -> None:
        """One film more, as the network sees it, with the facts of its file."""
        shortest = float(min(facts.width, facts.height))
        self._rows.append((*statistics(film).values(), shortest, facts.aspect))
        self._coloured += facts.colour

    def told(self) -> dict[str, Any]:
        """As JSON: how many, how many coloured, and the lowest and highest usual value of each statistic."""
        values = np.asarray(self._rows, np.float64)
        low, high = np.quantile(values, (LOW, HIGH), axis=0)
        usual = {
            name: [round(float(low[i]), 6), round(float(high[i]), 6)]
            for i, name in enumerate((*STATISTICS, "shortest", "aspect"))
        }
        return {"n": len(values), "coloured": self._coloured, **usual}


def unlike(film: UInt8[np.ndarray, "crop crop"], facts: Facts, seen: Mapping[str, Any] | None) -> str:
    """What of a film is not as in training, in words, joined by "; "; "" if all is, `UNKNOWN` where `seen` is not."""
    if not seen:
        return UNKNOWN
    found = []
    if min(facts.width, facts.height) < seen["shortest"][0]:
        found.append(f"{facts.width} x {facts.height} pixels (training: shortest side from {seen['shortest'][0]:.0f})")
    if round(facts.aspect, 6) > seen["aspect"][1]:
        found.append(f"sides 1:{facts.aspect:.2f} (training: to 1:{seen['aspect'][1]:.2f})")
    if facts.colour and not seen["coloured"]:
        found.append("coloured (training: gray)")
    for name, value in statistics(film).items():
        low, high = seen[name]
        if not low <= round(value, 6) <= high:
            found.append(f"{STATISTICS[name]} {value:.3g} (training: {low:.3g} to {high:.3g})")
    return "; ".join(found)
