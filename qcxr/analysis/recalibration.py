"""Cox's logistic recalibration: the slope and intercept that would set a label's probabilities right.

logit P(finding) = intercept + slope * logit(probability). A slope below 1 says that probabilities are too extreme,
above 1 too timid; the intercept with the slope held at 1 (calibration in the large) is above 0 where probabilities are
too low as a whole. Cox 1958; Van Calster et al. 2019.

statsmodels judges these in the tests. It is not called here: its import takes a second of a processor in every job that
scores, where the Newton steps below take milliseconds.
"""

import numpy as np
from jaxtyping import Float, Real

Truth = Real[np.ndarray, " films"]  # 0 and 1
Probability = Real[np.ndarray, " films"]
Logit = Float[np.ndarray, " films"]

# Probabilities are cut at this distance from 0 and 1, where they have no logit: a float32 sigmoid reaches 1.
EPSILON = 1e-7
STEPS = 100
CLOSE = 1e-12  # twice the log-likelihood that Newton's next step would gain


def logits(probability: Probability) -> Logit:
    """Return log(p / (1 - p)) of probabilities cut at `EPSILON` from 0 and 1."""
    cut = np.clip(probability, EPSILON, 1 - EPSILON)
    return np.log(cut) - np.log1p(-cut)


def why_no_slope(truth: Truth, probability: Probability) -> str:
    """Return why the slope is undefined, or an empty string; both classes are given.

    Where a threshold parts the classes (ties on it allowed) the likelihood has no largest value.
    """
    logit = logits(probability)
    positive, negative = logit[truth == 1], logit[truth == 0]
    if np.ptp(logit) == 0:
        return "constant predictions: no slope"
    if positive.min() >= negative.max() or positive.max() <= negative.min():
        return "a threshold parts positives from negatives: no finite slope"
    return ""


def intercept(truth: Truth, probability: Probability) -> float:
    """Calibration in the large: the shift of all logits after which they expect as many positives as there are.

    Needs both classes. 0 is perfect.
    """
    logit, positives = logits(probability), float(truth.sum())
    share = np.log(positives / (truth.size - positives))
    low, high = share - logit.max(), share - logit.min()  # too few and too many positives expected, or just as many
    shift = (low + high) / 2
    for _ in range(STEPS):
        expected = 1 / (1 + np.exp(-(logit + shift)))  # of at most 16 + the logit of a prevalence: nothing overflows
        excess, slope = float(expected.sum()) - positives, float((expected * (1 - expected)).sum())
        low, high = (low, shift) if excess > 0 else (shift, high)
        after = shift - excess / slope if slope > 0 else np.inf
        after = (
            after if low <= after <= high else (low + high) / 2
        )  # Newton's step, halving where it leaves the bracket
        done = abs(after - shift) <= 1e-12 * (1 + abs(shift))
        shift = after
        if done:
            break
    return float(shift)


def slope(truth: Truth, probability: Probability) -> float:
    """The slope of the logistic regression of the truth on the logit, with an intercept; 1 is perfect.

    Needs both classes and `why_no_slope` empty.
    """
    logit = logits(probability)
    scale = float(logit.std())
    x = (logit - logit.mean()) / scale
    weights = np.array([np.log(truth.sum() / (truth.size - truth.sum())), 0.0])
    fit, expected = _fitted(truth, x, weights)
    for _ in range(STEPS):
        left, spread = truth - expected, expected * (1 - expected)
        gradient = np.array([left.sum(), (left * x).sum()])  # not BLAS: its threads cost more here, and move last bits
        across = (spread * x).sum()
        curvature = np.array([[spread.sum(), across], [across, (spread * x * x).sum()]])
        step = np.linalg.solve(curvature, gradient)
        if gradient @ step < CLOSE:  # so near, a whole step squares the error that is left
            weights = weights + step
            break
        after, expected = _fitted(truth, x, weights + step)
        while after < fit:
            step = step / 2
            after, expected = _fitted(truth, x, weights + step)
        weights, fit = weights + step, after
    return float(weights[1] / scale)


def _fitted(truth: Truth, x: Logit, weights: Float[np.ndarray, " 2"]) -> tuple[float, Logit]:
    """The log-likelihood at an intercept and a slope, and the probabilities there."""
    eta = weights[0] + weights[1] * x
    small = np.exp(-np.abs(eta))  # of both the sigmoid and the logarithm, and never too large
    likelihood = (truth * eta - np.maximum(eta, 0) - np.log1p(small)).sum()
    return float(likelihood), np.where(eta >= 0, 1.0, small) / (1 + small)
