"""Trainable parameters by part of the model: the paper's Table II."""

from math import prod

from flax import nnx

from qcxr.models import contracts
from qcxr.models.classifier import Classifier

PARTS = ("backbone", *contracts.PARTS)


def count(model: Classifier) -> dict[str, int]:
    """Number of parameters of each part; BatchNorm's running statistics are no parameters."""
    counts = dict.fromkeys(PARTS, 0)
    for path, value in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        counts["backbone" if path[0] == "backbone" else str(path[1])] += prod(value.shape)
    return counts


def table(rows: dict[str, dict[str, int]]) -> str:
    """Counts per model, one line each with its total, as text for a terminal."""
    width = max(map(len, rows), default=0)
    lines = [f"{'':{width}}" + "".join(f"{name:>14}" for name in (*PARTS, "total"))]
    for name, counts in rows.items():
        numbers = [counts[part] for part in PARTS]
        lines.append(f"{name:{width}}" + "".join(f"{n:>14,}" for n in (*numbers, sum(numbers))))
    return "\n".join(lines)
