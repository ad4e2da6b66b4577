"""How far the results of two peers on the same case are from each other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.bench.peers.case import Results

TOLERANCE = 1e-4
# up to here it is still the same computation in float32: at 19 qubits, half a million amplitudes, default.qubit is
# 1.1e-4 from ours, which are 2e-7 from lightning.qubit's float64. Such a peer is timed, and marked
SAME = 1e-3
# of the backbone's kernels: in float32 their gradients in ResNet-50 are 8e-4 (ours) and 9e-4 (torch's) from float64's,
# since a unit next to a ReLU's kink falls on either side
DEEP_TOLERANCE = 1e-2


def read(path: Path) -> Results:
    """The results that a peer has written."""
    with np.load(path) as arrays:
        return dict(arrays)


def differences(theirs: Results, ours: Results, *, relative: bool) -> dict[str, float | None]:
    """The largest difference of values, of gradients (None where there are none), and of those of a backbone apart.

    relative: to the largest element of each array of ours; otherwise to it or to 1, whichever is larger.
    """
    found: dict[str, list[float]] = {"values_differ_by": [], "gradients_differ_by": []}
    for name, array in theirs.items():
        scale = float(np.max(np.abs(ours[name])))
        scale = scale or 1.0 if relative else max(scale, 1.0)
        which = "gradients_differ_by" if name.startswith("by ") else "values_differ_by"
        which = "backbone_differs_by" if name.startswith("by backbone.") else which
        found.setdefault(which, []).append(float(np.max(np.abs(np.asarray(array, float) - ours[name]))) / scale)
    return {which: float(np.max(all_)) if all_ else None for which, all_ in found.items()}


def beyond(found: Mapping[str, Any], allowed: float = SAME) -> list[float]:
    """Those of the differences that are larger than allowed, by default than what float32 explains."""
    bounds = {"values_differ_by": allowed, "gradients_differ_by": allowed, "backbone_differs_by": DEEP_TOLERANCE}
    return [v for key, bound in bounds.items() if (v := found.get(key)) is not None and not v <= bound]  # or NaN
