"""The signal of a run's circuit over films, and its gradients' variance, with its first weights and its best ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from tqdm import tqdm

from qcxr.circuits.signal import Shapes, gradient_variance_over_films, signal
from qcxr.training.dressed import Dressed

COLUMNS = ("weights", "quantity", "layer", "qubit", "value")


def table(seen: Dressed) -> pd.DataFrame:
    """Rows of COLUMNS, of the weights `first` (as drawn) and `best` (the run's: of its checkpoints it keeps no others).

    quantity `std`: standard deviation of <Z_qubit> over films, without a layer. `gradient_variance`: of the weight of a
    layer and qubit, the variance over films of d<Z_k>/dw, mean over k. Layers and qubits are numbered from 0; where
    weights have another shape, they are its first axis and all others as one.
    """
    shapes = Shapes(seen.weights.shape, seen.angles.shape[1])
    states = {"first": (seen.first, seen.first_angles), "best": (seen.weights, seen.angles)}
    rows = []
    for name, (weights, angles) in tqdm(states.items(), desc="signal", disable=None, leave=False):
        spread = signal(seen.circuit, weights, angles, shapes=shapes)
        slopes = gradient_variance_over_films(seen.circuit, weights, angles, shapes=shapes)
        rows += [(name, "std", None, qubit, value) for qubit, value in enumerate(spread)]
        slopes = slopes.reshape(len(slopes) if slopes.ndim > 1 else 1, -1)
        rows += [(name, "gradient_variance", *place, value) for place, value in np.ndenumerate(slopes)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": "Int64"})
