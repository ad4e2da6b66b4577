"""What a trained circuit reads by weight: how strong Pauli strings of each weight are, and the AUROC that they keep.

The parts come from `qcxr.circuits.spectrum`: part w of an expectation value is what strings that read exactly w encoded
qubits contribute. The layer after the circuit is linear, so a truncated circuit's logits need no other network.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from qcxr.analysis.ranking import auroc

MEAN = "mean"
DIGITS = 12  # of a logit; what is below is the Fourier transform's rounding, and would rank films that are equal


def strengths(parts: Float[np.ndarray, "films weights qubits"], labels: Sequence[str]) -> pd.DataFrame:
    """A row per weight and qubit: `rms` of its part over films, and `std`, of which alone a ranking can be made.

    A qubit is named by the label in whose place it stands.
    """
    rms, std = np.sqrt(np.square(parts).mean(0)), parts.std(0)
    return pd.DataFrame(
        [
            (weight, label, rms[weight, k], std[weight, k])
            for weight in range(parts.shape[1])
            for k, label in enumerate(labels)
        ],
        columns=["weight", "qubit", "rms", "std"],
    )


def kept(
    parts: Float[np.ndarray, "films weights qubits"],
    kernel: Float[np.ndarray, "qubits labels"],
    bias: Float[np.ndarray, " labels"],
    targets: Float[np.ndarray, "films labels"],
    covered: Bool[np.ndarray, "films labels"],
    labels: Sequence[str],
) -> pd.DataFrame:
    """A row per largest weight and label: AUROC of the logits from strings of at most that weight, then their mean.

    Columns: weight, label, n (films that cover the label), n_positive, auroc. AUROC is empty, and left out of the mean,
    for a label of which the films show only one kind.
    """
    logits = (np.cumsum(parts, 1) @ kernel + bias).round(DIGITS)
    rows = []
    for weight in range(parts.shape[1]):
        values = []
        for k, label in enumerate(labels):
            known = covered[:, k]
            truth = targets[known, k]
            defined = 0 < truth.sum() < len(truth)
            values.append(auroc(truth, logits[known, weight, k]) if defined else np.nan)
            rows.append((weight, label, int(known.sum()), int(truth.sum()), values[-1]))
        mean = np.nan if np.isnan(values).all() else float(np.nanmean(values))
        rows.append((weight, MEAN, len(parts), int((targets * covered).any(1).sum()), mean))
    return pd.DataFrame(rows, columns=["weight", "label", "n", "n_positive", "auroc"])
