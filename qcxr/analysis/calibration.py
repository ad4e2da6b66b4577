"""Calibration of one label's probabilities: Brier score and skill, calibration error, slope and intercept, bins.

scikit-learn and statsmodels judge these in the tests and are not called where runs are scored: `brier_score_loss` takes
60 times as long on 21,081 films (0.7 ms, after an import of 0.8 s of a processor in every job that scores) and differs
in the last bit in 2 % of cases (1.1e-16); `calibration_curve` gives the same bits, but not the films of a bin, by which
the calibration error weighs. For slope and intercept see `qcxr.analysis.recalibration`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Real

Truth = Real[np.ndarray, " films"]  # 0 and 1
Probability = Real[np.ndarray, " films"]


def brier(truth: Truth, probability: Probability) -> float:
    """Mean squared error of the probability (Brier 1950)."""
    return float(np.mean((probability - truth) ** 2))


def brier_skill(truth: Truth, probability: Probability) -> float:
    """1 - Brier / Brier of the prevalence on these films: 1 is perfect, 0 what the prevalence alone is worth.

    Needs both classes. A rare finding has a small Brier score whoever predicts it; this takes the rarity out.
    """
    prevalence = float(np.mean(truth))
    return 1 - brier(truth, probability) / (prevalence * (1 - prevalence))


def reliability(
    truth: Truth, probability: Probability, *, bins: int = 15
) -> tuple[Float[np.ndarray, " {bins}"], Float[np.ndarray, " {bins}"], Int[np.ndarray, " {bins}"]]:
    """Return (mean probability, observed frequency, films) of each of `bins` equal-width bins.

    An empty bin has NaN means and 0 films. A bin is (low, high], the first also holds 0.
    """
    films, sums, seen = _counted(truth, probability, bins)
    some = np.where(films > 0, films, np.nan)
    return sums / some, seen / some, films


def _counted(
    truth: Truth, probability: Probability, bins: int
) -> tuple[Int[np.ndarray, " {bins}"], Real[np.ndarray, " {bins}"], Real[np.ndarray, " {bins}"]]:
    """Films, sum of their probabilities and positives of every equal-width bin."""
    which = np.clip(np.ceil(probability * bins).astype(int) - 1, 0, bins - 1)
    films = np.bincount(which, minlength=bins)
    sums = np.bincount(which, weights=probability, minlength=bins)
    return films, sums, np.bincount(which, weights=truth, minlength=bins)


def expected_calibration_error(truth: Truth, probability: Probability, *, bins: int = 15) -> float:
    """Film-weighted mean of |observed frequency - mean probability| over equal-width bins (Naeini et al. 2015)."""
    mean, observed, films = reliability(truth, probability, bins=bins)
    return float(np.nansum(np.abs(observed - mean) * films) / films.sum())


@dataclass(frozen=True)
class Bins:
    """What a reliability diagram shows of each bin: mean probability, observed frequency with its 95 % interval, films.

    Probabilities ascend. Without films there are no bins.
    """

    mean: Float[np.ndarray, " bins"]
    observed: Float[np.ndarray, " bins"]
    low: Float[np.ndarray, " bins"]
    high: Float[np.ndarray, " bins"]
    films: Int[np.ndarray, " bins"]


def bins(truth: Truth, probability: Probability, bins: int = 15, least: int = 10) -> Bins:
    """Return the bins of one run's films: equal-width ones, those of few films joined until each has `least`.

    From the lowest probability up a bin takes in the next until it has `least` films; what is left at the top joins the
    bin below it, so that every film is in one bin (of fewer than `least` films in all there is one bin). `low` and
    `high` are Wilson's interval (1927) for films as if each were of another patient: give the films of one run, because
    those of several are the same films again.
    """
    # A second of import that jobs which score, and draw nothing, do not need
    from statsmodels.stats.proportion import proportion_confint

    counted = _counted(truth, probability, bins)
    filled = [column[counted[0] > 0] for column in counted]
    if not filled[0].size:
        none = np.empty(0)
        return Bins(none, none, none, none, np.empty(0, dtype=int))
    starts = _joined(filled[0], least)
    films, sums, seen = (np.add.reduceat(column, starts) for column in filled)
    low, high = proportion_confint(seen, films, alpha=0.05, method="wilson")
    return Bins(sums / films, seen / films, np.asarray(low), np.asarray(high), films)


def _joined(films: Int[np.ndarray, " bins"], least: int) -> Int[np.ndarray, " joined"]:
    """The first of the bins (none empty) that each joined bin begins with."""
    starts, held = [0], 0
    for k, n in enumerate(films.tolist()):
        if held >= least:
            starts.append(k)
            held = 0
        held += n
    return np.array(starts[:-1] if held < least and len(starts) > 1 else starts, dtype=int)
