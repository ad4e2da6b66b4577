"""AUROC of one label in one group of films, and what means over labels, and their differences of two groups, vary.

What each patient adds comes from `qcxr.analysis.influence`, as in the table of rule `patients`: a group of all films
has the variance and degrees of freedom of that table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int, Real

from qcxr.analysis import influence
from qcxr.analysis.components import Estimate, bounded, estimate
from qcxr.analysis.inference import BOTH, PATIENTS, SEEDS
from qcxr.analysis.influence import Clusters, Influence, Levels
from qcxr.analysis.paired import is_constant
from qcxr.analysis.parts import Intervals, intervals
from qcxr.analysis.sides import Side, variances


@dataclass(frozen=True)
class Cell:
    """One label in one group of films.

    values: AUROC of each run. influence: of each patient on it, in every run. clusters: who stands behind it. Where
    `reason` says why there is none, values are NaN and influence is empty.
    """

    values: Float64[np.ndarray, " runs"]
    influence: Influence
    clusters: Clusters
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
    if reason := _why_none(truth, clusters):
        none = np.zeros((len(scores), 0))
        return Cell(np.full(len(scores), np.nan), Influence(none, none), clusters, reason)
    levels = [Levels(truth, score) for score in scores]
    added = [influence.auroc(ranked, patient, n_patients) for ranked in levels]
    of_runs = Influence(*(np.array([one[kind] for one in added]) for kind in range(2)))
    return Cell(np.array([ranked.values()[0] for ranked in levels]), of_runs, clusters)


def _why_none(truth: Real[np.ndarray, " films"], clusters: Clusters) -> str:
    if not truth.size:
        return "label not covered by this data set, or no film in the group"
    for having, what in ((clusters.positive, "with"), (clusters.negative, "without")):
        if (n := int(having.sum())) < 2:
            return f"{'no' if n == 0 else 'one'} patient {what} the finding"
    return ""


@dataclass(frozen=True)
class Measured:
    """A value over seeds: the interval of seeds alone, those with patients in them, and the patients' part as numbers.

    patients_variance and shared_variance are as in `qcxr.analysis.patients`.
    """

    seeds: Estimate
    over: Intervals
    n_seeds: int
    sd: float
    patients_variance: float
    shared_variance: float
    patients_df: float

    def bounded(self) -> "Measured":
        """The same of a value between 0 and 1, whose intervals do not leave it and whose tests of 0 mean nothing."""
        return replace(self, seeds=bounded(self.seeds), over=self.over.bounded())

    def columns(self, inference: str = "both") -> dict[str, Any]:
        """Columns of `qcxr.analysis.subgroups`; basis and p by `analysis.inference`, as in `qcxr.analysis.verdict`."""
        tests = {BOTH: self.over.total, SEEDS: self.seeds, PATIENTS: self.over.patients}
        allowed = (SEEDS,) if inference == "seeds" else (BOTH, SEEDS, PATIENTS)
        basis = next((name for name in allowed if not np.isnan(tests[name].se)), "")
        found = {"n_seeds": self.n_seeds, "value": self.over.total.value, "sd": self.sd}
        found |= {"ci_low": self.seeds.low, "ci_high": self.seeds.high, "patients_df": self.patients_df}
        return found | self.over.columns() | {"basis": basis, "p": tests[basis].p if basis else np.nan}


class Contrast:
    """The mean over labels in one group of films, or what it exceeds the same labels' mean in another group by."""

    def __init__(self, cells: Sequence[Cell], less: Sequence[Cell] = (), *, here: Bool[np.ndarray, " patients"]):
        """cells, less: of the labels in either group, all with a value. here: who has a film in the groups."""
        self.cells, self.less, self.here = cells, less, here

    @cached_property
    def _covariance(self) -> Float64[np.ndarray, "runs runs"]:
        pairs = ([(one.influence, one.clusters) for one in group] for group in (self.cells, self.less))
        return influence.covariance(*pairs)

    @cached_property
    def _weighted(self) -> list[tuple[float, Cell]]:
        groups = ((1.0, self.cells), (-1.0, self.less))
        return [(sign / len(group), one) for sign, group in groups for one in group]

    def measured(self, side: Side) -> Measured:
        """Its mean over the seeds of a head, or of the difference of two heads, with what seeds and patients vary."""
        by_seed = side.of(np.sum([weight * one.values for weight, one in self._weighted], axis=0))
        value, n = float(by_seed.mean()), len(by_seed)
        variance, shared = variances(side.covariance(self._covariance))
        parts = [
            weight * side.of(one.influence.positive + one.influence.negative).mean(axis=0)[self.here]
            for weight, one in self._weighted
        ]
        df = influence.freedom(parts, [one.clusters.df for _, one in self._weighted])
        of_patients = {"value": value, "patients_variance": variance, "shared_variance": shared, "patients_df": df}
        over = intervals(value, by_seed, of_patients)
        spread = float(by_seed.var(ddof=1)) if n > 1 else np.nan
        varies = n > 1 and not is_constant(by_seed)
        seeds = estimate(value, spread / n, n - 1) if varies else Estimate(value)
        return Measured(seeds, over, n, float(np.sqrt(spread)), variance, shared, df)
