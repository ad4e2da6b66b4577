"""Parameters by part of the model: the paper's Table II."""

from math import prod

from flax import nnx

from qcxr.models import contracts
from qcxr.models.classifier import Classifier

PARTS = ("backbone", *contracts.PARTS)
FIXED = "fixed"  # the numbers of a head that never train, beside those of the parts


def count(model: Classifier) -> dict[str, int]:
    """Number of parameters that can train, by part, and of FIXED ones, if the head has any.

    BatchNorm's running statistics are no parameters.
    """
    counts = dict.fromkeys(PARTS, 0) | {"backbone": getattr(model.backbone, "n_parameters", 0)}  # torch's, else arrays
    for path, value in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        counts["backbone" if path[0] == "backbone" else str(path[1])] += prod(value.shape)
    fixed = sum(prod(value.shape) for _, value in nnx.to_flat_state(nnx.state(model, contracts.Fixed)))
    return counts | ({FIXED: fixed} if fixed else {})


def total(counts: dict[str, int]) -> int:
    """Of all parts, without what never trains."""
    return sum(counts[part] for part in PARTS)


def table(rows: dict[str, dict[str, int]]) -> str:
    """Counts per model, one line each with its total, as text for a terminal; FIXED only where a model has some."""
    width = max(map(len, rows), default=0)
    last = [FIXED] if any(FIXED in counts for counts in rows.values()) else []
    lines = [f"{'':{width}}" + "".join(f"{name:>14}" for name in (*PARTS, "total", *last))]
    for name, counts in rows.items():
        numbers = [*(counts[part] for part in PARTS), total(counts), *(counts.get(key, 0) for key in last)]
        lines.append(f"{name:{width}}" + "".join(f"{n:>14,}" for n in numbers))
    return "\n".join(lines)
