"""AUROC of one label in one group of films: its value in every run, and what each patient adds to it.

An estimate is nearly its true value plus a sum over patients of their influences (DeLong, DeLong & Clarke-Pearson 1988,
clustered by patient as in Obuchowski 1997). The influence on a mean or a difference is the mean or difference of the
influences, so that patients with films in two groups, and labels that go together, are accounted for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Real

from qcxr.analysis.components import Estimate, estimate, over_both
from qcxr.analysis.influence import Clusters, Levels, auroc


@dataclass(frozen=True)
class Cell:
    """One label in one group of films.

    values: AUROC of each run. influence: of each patient through films with the finding (0) and without (1); squares
    and products summed over patients give (co)variances. patients: how many stand behind each of the two. Where
    `reason` says why there is none, values are NaN and influence is empty.
    """

    values: Float64[np.ndarray, " runs"]
    influence: Float64[np.ndarray, "runs 2 patients"]
    patients: tuple[int, int]
    n: int
    n_patients: int
    n_positive: int
    reason: str = ""


def cell(
    truth: Real[np.ndarray, " films"],
    scores: Float64[np.ndarray, "runs films"],
    patient: Int[np.ndarray, " films"],
    n_patients: int,
) -> Cell:
    """The cell of a group's films. truth: 0, 1 or NaN. patient: whose film each is, an index below n_patients.

    Fewer than two patients with the finding, or without, have no value: it would be about one person.
    """
    covered = ~np.isnan(truth)
    truth, scores, patient = truth[covered], scores[:, covered], patient[covered]
    clusters = Clusters.of(truth, patient, n_patients)
    counts = (int(clusters.positive.sum()), int(clusters.negative.sum()))
    sizes = (truth.size, int(clusters.covered.sum()), int(truth.sum()))
    if reason := _why_none(truth, counts):
        none = np.full(len(scores), np.nan)
        return Cell(none, np.zeros((len(scores), 2, 0)), counts, *sizes, reason=reason)
    levels = [Levels(truth, score) for score in scores]
    influence = np.array([auroc(ranked, patient, n_patients) for ranked in levels])
    influence *= np.sqrt(clusters.factors)[None, :, None]
    return Cell(np.array([ranked.values()[0] for ranked in levels]), influence, counts, *sizes)


def _why_none(truth: Real[np.ndarray, " films"], patients: tuple[int, int]) -> str:
    if not truth.size:
        return "label not covered by this data set, or no film in the group"
    for n, what in zip(patients, ("with", "without"), strict=True):
        if n < 2:
            return f"{'no' if n == 0 else 'one'} patient {what} the finding"
    return ""


class Measured(NamedTuple):
    """A combination of cells: the interval of seeds and patients together, and patients' part alone."""

    both: Estimate
    patients: Estimate
    seeds: int
    sd: float  # of the seeds' values


def measured(
    combined: Mapping[float, list[Cell]],
    runs: Int[np.ndarray, " seeds"],
    minus: Int[np.ndarray, " seeds"] | None = None,
) -> Measured:
    """A weighted sum of cells, averaged over the seeds of one head (rows `runs`), less that of another (`minus`).

    combined: {weight: its cells}. Patients' degrees of freedom are Satterthwaite's (1946) with the variance through
    positives, and negatives, of each cell as a component of that many patients, less one. With one seed there is
    no `both`.
    """
    values = np.zeros(len(runs))
    influence: Float64[np.ndarray, "seeds patients"] | float = 0.0
    spread = 0.0
    for weight, cells in combined.items():
        for one in cells:
            part = one.influence[runs] - (0.0 if minus is None else one.influence[minus])
            values = values + weight * (one.values[runs] - (0.0 if minus is None else one.values[minus]))
            influence = influence + weight * part.sum(axis=1)
            own = ((weight * part.mean(axis=0)) ** 2).sum(axis=1)
            spread += sum(float(v) ** 2 / (n - 1) for v, n in zip(own, one.patients, strict=True))
    by_seed = np.asarray(influence)
    value, n_seeds = float(values.mean()), len(runs)
    variance = float((by_seed.mean(axis=0) ** 2).sum())
    df = variance**2 / spread if spread > 0 else np.inf
    alone = estimate(value, variance, df)
    if n_seeds < 2:
        return Measured(Estimate(value), alone, n_seeds, np.nan)
    within = float((by_seed**2).sum()) / n_seeds
    shared = (n_seeds * variance - within) / (n_seeds - 1)  # mean covariance between different seeds
    seeds = float(values.var(ddof=1))
    of_patients = {"shared_variance": shared, "patients_variance": variance, "patients_df": df}
    both = over_both(value, seed_variance=seeds, n_seeds=n_seeds, **of_patients)
    return Measured(both, alone, n_seeds, float(np.sqrt(seeds)))
