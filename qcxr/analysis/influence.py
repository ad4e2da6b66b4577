"""What each patient adds to an AUROC and to an average precision: the patients' variance without a single replicate.

An estimate is nearly its true value plus a sum over patients, each with all films, of that patient's influence; so the
covariance of two estimates on the same patients is a sum of products. The influence on a mean over labels is the mean
of the influences, which is how labels' covariances come in.

AUROC: the clustered (co)variance of Obuchowski 1997 (Nonparametric analysis of clustered ROC curve data, Biometrics 53:
567-578), which is that of DeLong, DeLong & Clarke-Pearson 1988 where every patient has one film. Average precision: its
derivative by a film's weight (the infinitesimal jackknife, Jaeckel 1972), with the same factors for few patients.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int, Real

Truth = Real[np.ndarray, " films"]  # 0 and 1
Score = Real[np.ndarray, " films"]


class Influence(NamedTuple):
    """What patients add to a value through films with the finding and through the others; each sums to 0."""

    positive: Float64[np.ndarray, "*runs patients"]
    negative: Float64[np.ndarray, "*runs patients"]


@dataclass(frozen=True)
class Clusters:
    """The patients behind one label's films: who has a film with the finding, and who one without."""

    positive: Bool[np.ndarray, " patients"]
    negative: Bool[np.ndarray, " patients"]

    @classmethod
    def of(cls, truth: Truth, patient: Int[np.ndarray, " films"], n_patients: int) -> "Clusters":
        """patient: whose film each is, as an index below n_patients."""
        having = [np.bincount(patient[truth == y], minlength=n_patients) > 0 for y in (1, 0)]
        return cls(*having)

    @property
    def covered(self) -> Bool[np.ndarray, " patients"]:
        """Who has a film that covers the label."""
        return self.positive | self.negative

    @property
    def factors(self) -> tuple[float, float]:
        """I/(I - 1) of the patients with a positive film and of those with a negative one; NaN for a single one."""
        counts = [int(having.sum()) for having in (self.positive, self.negative)]
        of_positive, of_negative = (n / (n - 1) if n > 1 else np.nan for n in counts)
        return of_positive, of_negative

    @property
    def df(self) -> int:
        """Degrees of freedom of a variance over these patients: those of the rarer class, less one."""
        return int(min(self.positive.sum(), self.negative.sum())) - 1


class Levels:
    """Films of one label sorted once by score: positives and negatives at each distinct score, from the highest down.

    Both classes must occur.
    """

    def __init__(self, truth: Truth, score: Score):
        order = np.argsort(-score)
        falls = np.diff(score[order]) != 0
        self.positive = truth == 1
        self.level = np.empty(score.size, np.intp)
        self.level[order] = np.concatenate([[0], np.cumsum(falls)])
        n = int(self.level[order[-1]]) + 1
        self.positives = np.bincount(self.level[self.positive], minlength=n).astype(np.float64)
        self.negatives = np.bincount(self.level[~self.positive], minlength=n).astype(np.float64)

    def values(self) -> tuple[float, float]:
        """Return AUROC and average precision, to the bit as `qcxr.analysis.ranking` has them."""
        true, false = np.cumsum(self.positives), np.cumsum(self.negatives)
        wins = _dot(self.positives, 2 * (false[-1] - false) + self.negatives)  # whole numbers below 2**53
        average = float((self.positives * (true / (true + false))).sum() / true[-1])
        return wins / (2 * true[-1] * false[-1]), average

    def auroc(self) -> tuple[Float64[np.ndarray, " positives"], Float64[np.ndarray, " negatives"]]:
        """Return each positive's V10 and each negative's V01, less the AUROC, over the number of such films.

        V10 is the share of negatives below a positive, V01 that of positives above a negative, ties half.
        """
        m, n = self.positives.sum(), self.negatives.sum()
        below = (n - np.cumsum(self.negatives) + self.negatives / 2) / n
        above = (np.cumsum(self.positives) - self.positives / 2) / m
        auroc = _dot(self.positives, below) / m
        return (below[self.level[self.positive]] - auroc) / m, (above[self.level[~self.positive]] - auroc) / n

    def average_precision(self) -> tuple[Float64[np.ndarray, " positives"], Float64[np.ndarray, " negatives"]]:
        """Return the derivative of average precision by the weight of each positive and of each negative film.

        With t_k positives at level k, T_k and F_k true and false positives from the top down to it, AP is
        sum of t_k T_k / (T_k + F_k) over all positives. A film at level j counts in every T_k or F_k from there on.
        """
        true, false = np.cumsum(self.positives), np.cumsum(self.negatives)
        called, m = true + false, true[-1]
        precision = true / called
        gained = _from_here(self.positives * false / called**2)
        lost = _from_here(self.positives * true / called**2)
        average = _dot(self.positives, precision) / m
        of_positive = (precision + gained - average) / m
        return of_positive[self.level[self.positive]], -lost[self.level[~self.positive]] / m


def auroc(levels: Levels, patient: Int[np.ndarray, " films"], n_patients: int) -> Influence:
    """Each patient's influence on the AUROC."""
    parts = zip(levels.auroc(), (levels.positive, ~levels.positive), strict=True)
    return Influence(*(np.bincount(patient[those], part, n_patients) for part, those in parts))


def average_precision(levels: Levels, patient: Int[np.ndarray, " films"], n_patients: int) -> Influence:
    """Each patient's influence on the average precision.

    How many positives there are moves it too, which it does not an AUROC: that part is counted with the negatives, so
    that the positives' part is, as an AUROC's, about which positives they are.
    """
    of_positive, of_negative = levels.average_precision()
    mean = of_positive.mean()
    positive = np.bincount(patient[levels.positive], of_positive - mean, n_patients)
    number = mean * np.bincount(patient[levels.positive], minlength=n_patients)
    return Influence(positive, number + np.bincount(patient[~levels.positive], of_negative, n_patients))


def covariance(
    labels: Iterable[tuple[Influence, Clusters]], less: Iterable[tuple[Influence, Clusters]] = ()
) -> Float64[np.ndarray, "runs runs"]:
    """Return the patients' covariance between runs of their mean over labels (one label is its own mean).

    less: labels of another group of films, whose mean is taken off; a patient with films in both groups counts in both.

    The influences are those of the runs, one below the other. A single patient with a positive (or a negative) film
    says nothing of how such patients vary: NaN for a label alone, and in a mean over several that part is left out.
    """
    own, mixed = _scaled(list(labels))
    if taken_off := list(less):
        pairs = zip((own, mixed), _scaled(taken_off), strict=True)
        own, mixed = (Influence(*(a - b for a, b in zip(first, other, strict=True))) for first, other in pairs)
    crossed = mixed.positive @ mixed.negative.T
    return own.positive @ own.positive.T + own.negative @ own.negative.T + crossed + crossed.T


def freedom(parts: Sequence[Float64[np.ndarray, " patients"]], of_parts: Sequence[int]) -> float:
    """Degrees of freedom of the variance of a sum of parts: the smaller of two answers, at least 1.

    parts: each patient's influence through one label (of one group), weighted as in the sum; of_parts: degrees of
    freedom of each one's own variance.

    By Satterthwaite from those of its parts, where a part adds its covariance with the sum, so that what they add
    sums to the whole. And from the influences themselves: a variance's degrees of freedom are twice its square over its
    own variance, which is that of a sum of squares; with a few patients of many films it is far below their number.
    """
    whole = np.sum(parts, axis=0)
    squares = whole**2
    if not squares.sum() > 0:
        return float(min(of_parts))
    added = np.array([part @ whole for part in parts])
    by_parts = added.sum() ** 2 / np.sum(added**2 / np.array(of_parts))
    spread = np.sum(squares**2) / squares.sum() ** 2 - 1 / squares.size
    return float(max(1.0, min(by_parts, 2 / spread if spread > 0 else np.inf)))


def _scaled(labels: Sequence[tuple[Influence, Clusters]]) -> tuple[Influence, Influence]:
    """A mean's influences times the roots of the factors for few patients, whose products are its covariance.

    First for products of positives, and of negatives, with themselves: the factors of the patients who have such a
    film. Then for those of positives with negatives: N/(N - 1) of all N patients with a film.
    """
    shape = labels[0][0].positive.shape
    plain, own = (Influence(np.zeros(shape), np.zeros(shape)) for _ in range(2))
    for influence, clusters in labels:
        for kind, factor in enumerate(clusters.factors):
            plain[kind][:] += influence[kind] / len(labels)
            if np.isfinite(factor) or len(labels) == 1:
                own[kind][:] += np.sqrt(factor) * influence[kind] / len(labels)
    n = int(np.any([clusters.covered for _, clusters in labels], axis=0).sum())
    root = np.sqrt(n / max(n - 1, 1))
    return own, Influence(root * plain.positive, root * plain.negative)


def _from_here(values: Float64[np.ndarray, " levels"]) -> Float64[np.ndarray, " levels"]:
    """The sum of each value and all after it."""
    return np.cumsum(values[::-1])[::-1]


def _dot(a: Float64[np.ndarray, " levels"], b: Float64[np.ndarray, " levels"]) -> float:
    """The sum of products; `@` starts threads at this length, which cost more than the sum and change its last bit."""
    return float((a * b).sum())
