"""Metrics of ranking for one label: AUROC, average precision, and the curves behind them, exact with ties.

All functions take truth (n,) of 0 and 1 and score (n,); they assume at least one positive and one negative
(`qcxr.analysis.metrics` checks, and reports the label as undefined otherwise).
"""

import numpy as np


def auroc(truth: np.ndarray, score: np.ndarray) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic: P(positive > negative) + P(tie) / 2.

    Counts are summed as integers, so the only rounding is one division. Hanley & McNeil 1982.
    """
    positive = score[truth == 1]
    negative = np.sort(score[truth == 0])
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below.sum() + not_above.sum()) / (2 * positive.size * negative.size))


def confusion(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (true positives, false positives, threshold) of the rule score >= threshold, at each distinct score.

    Each is (k,), thresholds descending.
    """
    order = np.argsort(-score, kind="stable")
    score, truth = score[order], truth[order]
    last = np.append(np.flatnonzero(np.diff(score)), score.size - 1)
    true_positive = np.cumsum(truth)[last]
    return true_positive, last + 1 - true_positive, score[last]


def average_precision(truth: np.ndarray, score: np.ndarray) -> float:
    """Step-wise area under the precision-recall curve: sum of (R_k - R_{k-1}) P_k over distinct scores."""
    true_positive, false_positive, _ = confusion(truth, score)
    precision = true_positive / (true_positive + false_positive)
    gained = np.diff(true_positive, prepend=0)
    return float((gained * precision).sum() / true_positive[-1])


def roc(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ROC curve (false-positive rate, true-positive rate), each (k + 1,), from (0, 0) to (1, 1)."""
    true_positive, false_positive, _ = confusion(truth, score)
    return np.insert(false_positive / false_positive[-1], 0, 0.0), np.insert(true_positive / true_positive[-1], 0, 0.0)


def precision_recall(truth: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (recall, precision), each (k,), at each distinct score from the highest."""
    true_positive, false_positive, _ = confusion(truth, score)
    return true_positive / true_positive[-1], true_positive / (true_positive + false_positive)


def youden_threshold(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the threshold of `score >= threshold` with the largest sensitivity + specificity - 1 (Youden 1950).

    Of equal maxima the highest threshold is taken, so that the choice does not depend on row order.
    """
    true_positive, false_positive, threshold = confusion(truth, score)
    j = true_positive * false_positive[-1] - false_positive * true_positive[-1]
    return float(threshold[np.argmax(j)])


def balanced_accuracy(truth: np.ndarray, score: np.ndarray, *, threshold: float) -> float:
    """Mean of sensitivity and specificity of the rule score >= threshold."""
    called = score >= threshold
    return float((called[truth == 1].mean() + (~called[truth == 0]).mean()) / 2)
