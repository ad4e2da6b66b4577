"""Metrics of ranking for one label: AUROC, average precision, Youden's threshold, balanced accuracy, exact with ties.

All functions assume at least one positive and one negative (`qcxr.analysis.metrics` checks, and reports the label as
undefined otherwise).

scikit-learn judges these in the tests, and the curves that are drawn of them. It is not called here:
its import alone takes 0.8 s of a processor and 84 MB in every job that scores (19 labels of 21,081 films take less
than 0.1 s), and its sums differ from these in the last bit, which would change every study's tables. Measured with
scikit-learn 1.9, time on one label of 21,081 films, differences over 3,000 random cases with ties:

                       time against these    largest difference    equal to the bit
    roc_auc_score      4 to 58 x             2.2e-16               64 % of cases
    average_precision  1.6 to 2.1 x          3.3e-16               51 %
    balanced_accuracy  115 to 215 x          0                     all
"""

import numpy as np
from jaxtyping import Real

METRICS = ("auroc", "average_precision")  # what heads are compared by
Truth = Real[np.ndarray, " films"]  # 0 and 1
Score = Real[np.ndarray, " films"]


def auroc(truth: Truth, score: Score) -> float:
    """Area under the ROC curve as the Mann-Whitney statistic: P(positive > negative) + P(tie) / 2.

    Counts are summed as integers, so the only rounding is one division. Hanley & McNeil 1982.
    """
    positive = score[truth == 1]
    negative = np.sort(score[truth == 0])
    below = np.searchsorted(negative, positive, side="left")
    not_above = np.searchsorted(negative, positive, side="right")
    return float((below.sum() + not_above.sum()) / (2 * positive.size * negative.size))


def confusion(
    truth: Truth, score: Score
) -> tuple[Real[np.ndarray, " levels"], Real[np.ndarray, " levels"], Real[np.ndarray, " levels"]]:
    """Return (true positives, false positives, threshold) of the rule score >= threshold, at each distinct score.

    Thresholds descend.
    """
    order = np.argsort(-score)  # the order of equal scores does not matter: only the last of them is looked at
    score, truth = score[order], truth[order]
    last = np.append(np.flatnonzero(np.diff(score)), score.size - 1)
    true_positive = np.cumsum(truth)[last]
    return true_positive, last + 1 - true_positive, score[last]


def average_precision(truth: Truth, score: Score) -> float:
    """Step-wise area under the precision-recall curve: sum of (R_k - R_{k-1}) P_k over distinct scores."""
    true_positive, false_positive, _ = confusion(truth, score)
    precision = true_positive / (true_positive + false_positive)
    gained = np.diff(true_positive, prepend=0)
    return float((gained * precision).sum() / true_positive[-1])


def youden_threshold(truth: Truth, score: Score) -> float:
    """Return the threshold of `score >= threshold` with the largest sensitivity + specificity - 1 (Youden 1950).

    Of equal maxima the highest threshold is taken, so that the choice does not depend on row order; they are compared
    as whole numbers, which rates in floating point would not allow.
    """
    true_positive, false_positive, threshold = confusion(truth, score)
    j = true_positive * false_positive[-1] - false_positive * true_positive[-1]
    return float(threshold[np.argmax(j)])


def balanced_accuracy(truth: Truth, score: Score, *, threshold: float) -> float:
    """Mean of sensitivity and specificity of the rule score >= threshold."""
    called = score >= threshold
    return float((called[truth == 1].mean() + (~called[truth == 0]).mean()) / 2)
