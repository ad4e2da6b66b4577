"""Decision curves: what acting on a label's probability is worth, by the threshold at which one acts.

Net benefit = true positives / films - false positives / films * t / (1 - t), of acting at a probability >= t. There
t / (1 - t) is what a needless act costs, in missed findings, to whom t is the right threshold (Vickers & Elkin 2006).
Standardised it is divided by the prevalence, so that 1 is the most that there is (Kerr et al. 2016), and thresholds are
given as multiples of the prevalence: findings of one film in two hundred stand beside those of one in four.
"""

import numpy as np
from jaxtyping import Float, Real

MULTIPLES = np.arange(0.05, 4.001, 0.05)  # of the prevalence
HIGHEST = 0.99  # threshold

Thresholds = Float[np.ndarray, " thresholds"]


def thresholds(prevalence: float) -> Thresholds:
    """The thresholds at `MULTIPLES` of a prevalence above 0; NaN beyond `HIGHEST`."""
    at = MULTIPLES * prevalence
    return np.where(at <= HIGHEST, at, np.nan)


def net_benefit(
    truth: Real[np.ndarray, " films"], probability: Real[np.ndarray, " films"], at: Thresholds
) -> Float[np.ndarray, " thresholds"]:
    """Net benefit per film of acting at a probability >= each threshold in (0, 1); NaN where that is NaN."""
    order = np.sort(probability)
    called = truth.size - np.searchsorted(order, at, side="left")
    hits = truth.sum() - np.searchsorted(np.sort(probability[truth == 1]), at, side="left")
    return (hits - (called - hits) * at / (1 - at)) / truth.size


def act_on_all(prevalence: float, at: Thresholds) -> Float[np.ndarray, " thresholds"]:
    """Net benefit of acting on every film; that of acting on none is 0."""
    return prevalence - (1 - prevalence) * at / (1 - at)
