"""PennyLane's measurements as expectation values of Pauli words, which is all that a tape gives.

A variance is <O^2> - <O>^2. Probabilities of k wires are the Walsh-Hadamard transform of the 2^k products of Z on them,
so the chain gives those of a few wires at any width.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pennylane as qml
from pennylane.exceptions import DeviceError
from pennylane.measurements import ExpectationMP, ProbabilityMP, VarianceMP

from qcxr.circuits.tapes.scripts import sentence

_MOST_WIRES = 8  # of probabilities: 256 words
Finish = Callable[[Sequence[Any]], Any]


class Parts(NamedTuple):
    """A measurement as operators whose expectation values are taken, and what is made of these."""

    operators: list[Any]
    finish: Finish


@qml.transform
def as_expectations(script: Any, device: str = "") -> tuple[tuple[Any], Callable[[Any], Any]]:
    """A circuit that returns expectation values only, and the way back to its own measurements.

    Raises DeviceError for a measurement that is no expectation value, variance, or probabilities of a few wires.
    """
    parts = [_parts(measurement, device) for measurement in script.measurements]
    measured = [qml.expval(operator) for part in parts for operator in part.operators]

    def finish(results: Any) -> Any:
        values = iter(results[0] if len(measured) > 1 else results)
        out = tuple(part.finish([next(values) for _ in part.operators]) for part in parts)
        return out[0] if len(out) == 1 else out

    return (script.copy(measurements=measured),), finish


def _parts(measurement: Any, device: str) -> Parts:
    observable = measurement.obs
    if isinstance(measurement, ExpectationMP) and observable is not None:
        return Parts([observable], lambda values: values[0])
    if isinstance(measurement, VarianceMP) and observable is not None:
        found = sentence(observable)
        both = [s.operation(wire_order=observable.wires) for s in (found, found @ found)]
        return Parts(both, lambda values: values[1] - values[0] ** 2)
    if isinstance(measurement, ProbabilityMP) and len(measurement.wires) <= _MOST_WIRES:
        paulis = _basis(measurement)
        if paulis is not None:
            return _probabilities(list(measurement.wires), paulis)
    raise DeviceError(
        f"{measurement} is not supported by {device}, which gives expectation values, variances, and probabilities of "
        f"at most {_MOST_WIRES} wires; use another device"
    )


def _basis(measurement: Any) -> str | None:
    """The Pauli in which each wire is measured, None if the observable is no Pauli word."""
    if measurement.mv is not None:
        return None
    if measurement.obs is None:
        return "Z" * len(measurement.wires)
    words = list(sentence(measurement.obs))
    if len(words) != 1 or set(words[0]) != set(measurement.wires):
        return None
    return "".join(words[0][wire] for wire in measurement.wires)


def _probabilities(wires: list[Any], paulis: str) -> Parts:
    """The first wire is the slowest, as in PennyLane."""
    subsets = list(itertools.product((0, 1), repeat=len(wires)))
    signs = np.array([[(-1) ** int(np.dot(bits, subset)) for subset in subsets] for bits in subsets])
    words = []
    for subset in subsets[1:]:
        named = zip(wires, paulis, subset, strict=True)
        words.append(qml.prod(*(getattr(qml, p)(wire) for wire, p, taken in named if taken)))

    def finish(values: Sequence[Any]) -> Any:
        stacked = qml.math.stack([qml.math.ones_like(values[0]), *values], axis=-1)
        terms = stacked[..., None, :] * qml.math.cast_like(signs / len(subsets), stacked)
        return qml.math.sum(terms, -1)  # not by a dot, which GPUs may round to ten bits

    return Parts(words, finish)
