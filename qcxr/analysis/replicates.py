"""AUROC of many bootstrap replicates at once, patients resampled with all their films; exact, ties included.

A replicate gives every patient a weight (how often it was drawn); AUROC is then a weighted Mann-Whitney statistic. For
one score, films are sorted once into the gaps between the distinct scores of the positives. Summing weights per gap is
one product of a sparse 0/1 matrix with the weights of many replicates, so no replicate is sorted or ranked again.
"""

from collections.abc import Iterator

import numpy as np
from scipy import sparse

BLOCK = 64  # replicates per product: with 256-byte rows the running sums stay in a core's cache


def patient_weights(n_patients: int, *, replicates: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield blocks (n_patients, up to BLOCK) of float32 weights: how often each patient is drawn in each replicate.

    Each replicate draws n_patients patients with replacement.
    """
    for start in range(0, replicates, BLOCK):
        size = min(BLOCK, replicates - start)
        draws = rng.integers(0, n_patients, size=(size, n_patients))
        flat = draws + n_patients * np.arange(size)[:, None]
        counts = np.bincount(flat.ravel(), minlength=size * n_patients).reshape(size, n_patients)
        yield np.ascontiguousarray(counts.T, dtype=np.float32)


class RankedLabel:
    """One score of one label, ranked once: `auroc(weights)` gives the AUROC of every replicate.

    truth (n,) of 0, 1 and NaN (not covered), score (n,), patient (n,) index of each film's patient.
    """

    def __init__(self, truth: np.ndarray, score: np.ndarray, patient: np.ndarray, n_patients: int):
        positive, negative = truth == 1, truth == 0
        levels, level = np.unique(score[positive], return_inverse=True)
        below = np.searchsorted(levels, score[negative], side="left")
        tied = below < levels.size
        tied[tied] = levels[below[tied]] == score[negative][tied]
        k = levels.size
        self.positives = _sums(level, patient[positive], (k, n_patients))
        # Row i: negatives above level i - 1 and below level i. The last row, above all positives, counts in the total.
        self.gaps = _sums(below[~tied], patient[negative][~tied], (k + 1, n_patients))
        self.ties = _sums(below[tied], patient[negative][tied], (k, n_patients)) if tied.any() else None

    def auroc(self, weights: np.ndarray) -> np.ndarray:
        """Return AUROC (b,) in float64 for weights (n_patients, b); NaN where a replicate has but one class."""
        positives, gaps = self.positives @ weights, self.gaps @ weights
        below = np.cumsum(gaps, axis=0)  # whole numbers below 2**24: exact in float32
        negatives = below[-1].astype(np.float64)
        below = below[:-1]
        if self.ties is not None:
            ties = self.ties @ weights
            negatives += ties.sum(axis=0, dtype=np.float64)
            below += np.cumsum(ties, axis=0)
            below -= ties / 2
        wins = np.einsum("kb,kb->b", positives, below, dtype=np.float64)
        pairs = positives.sum(axis=0, dtype=np.float64) * negatives
        return np.divide(wins, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def _sums(row: np.ndarray, patient: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    """Sparse matrix that sums patients' weights by row; a patient with two films in one row counts twice."""
    ones = np.ones(row.size, dtype=np.float32)
    return sparse.csr_array((ones, (row, patient)), shape=shape)
