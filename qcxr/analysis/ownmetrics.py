"""Metrics of the user's own, from the plug-ins in force: one number for a label from its truth and probabilities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Real

from qcxr.errors import InputError
from qcxr.study import execution, plugged
from qcxr.study.pluginfile import Registered

Films = Real[np.ndarray, " films"]


class OwnMetric(NamedTuple):
    """One of them: where it is written, its function, and whether that takes the threshold chosen on validation."""

    written: Registered
    function: Callable[..., Any]

    @property
    def thresholded(self) -> bool:
        """Whether it is given a threshold."""
        return "threshold" in self.written.takes.by_name

    def of(self, truth: Films, probability: Films, threshold: float) -> float:
        """Its value, NaN where it says that there is none. Raises `InputError` if it raises, or gives no number."""
        more = {"threshold": threshold} if self.thresholded else {}
        with execution.saying(self.written):
            value = self.function(truth.copy(), probability.copy(), **more)
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.inf
            if math.isinf(number):
                raise InputError(
                    f"metric {self.written.name} must give a finite number or NaN, got {value!r}; correct it"
                )
            return number


def own_metrics(names: Iterable[str]) -> dict[str, OwnMetric]:
    """The metrics of these names; each is tried on four films. Raises `InputError`."""
    found = {}
    for name in names:
        written = plugged.get("metric", name)
        found[name] = OwnMetric(written, execution.load(written))
        found[name].of(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.2, 0.4, 0.9, 0.4], np.float32), 0.4)
    return found
