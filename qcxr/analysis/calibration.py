"""Calibration of one label's probabilities: Brier score, expected calibration error, reliability bins."""

import numpy as np


def brier(truth: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared error of the probability (Brier 1950); truth and probability (n,)."""
    return float(np.mean((probability - truth) ** 2))


def reliability(truth: np.ndarray, probability: np.ndarray, *, bins: int = 15) -> tuple[np.ndarray, ...]:
    """Return (mean probability, observed frequency, films) of each of `bins` equal-width bins, each (bins,).

    An empty bin has NaN means and 0 films. A bin is (low, high], the first also holds 0.
    """
    which = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    films = np.bincount(which, minlength=bins)
    sums = np.bincount(which, weights=probability, minlength=bins)
    seen = np.bincount(which, weights=truth, minlength=bins)
    some = np.where(films > 0, films, np.nan)
    return sums / some, seen / some, films


def expected_calibration_error(truth: np.ndarray, probability: np.ndarray, *, bins: int = 15) -> float:
    """Film-weighted mean of |observed frequency - mean probability| over equal-width bins (Naeini et al. 2015)."""
    mean, observed, films = reliability(truth, probability, bins=bins)
    return float(np.nansum(np.abs(observed - mean) * films) / films.sum())
