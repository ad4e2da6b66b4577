"""The patients' influences of many runs on one test set, gathered from one prediction table after the other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

from qcxr.analysis import influence
from qcxr.analysis.influence import Clusters, Influence, Levels
from qcxr.analysis.metrics import Frequencies, why_undefined
from qcxr.analysis.predictions import Predictions, same_films
from qcxr.analysis.ranking import METRICS
from qcxr.errors import InputError

Run = tuple[str, int]  # head, seed
Runs = Mapping[Run, Predictions] | Iterable[tuple[Run, Predictions]]


class Column(NamedTuple):
    """A label or a mean over labels: which labels (by index) it is the mean of, and what must be said of it.

    positive_patients of a mean are those with any of its findings.
    """

    name: str
    labels: list[int]
    n_patients: int
    positive_patients: int
    reason: str = ""


class Gathered:
    """Values and influences of runs; all must hold the same films and truth.

    Of an influence only patients who can have one are kept: those with the finding, and those whose films cover the
    label.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.clusters: dict[int, Clusters] = {}  # of the labels where both classes occur
        self._values: list[Float64[np.ndarray, "metrics labels"]] = []
        self._influences: dict[tuple[str, int], list[Influence]] = {}

    def add(self, head: str, seed: int, table: Predictions) -> None:
        """Take up one run; InputError if it was given before, or its films or truth are not the others'."""
        if (head, seed) in self.runs:
            raise InputError(f"{head}/seed{seed} is given twice; give each run once")
        if not self.runs:
            self._begin(table)
        else:
            (first, first_seed), *_ = self.runs
            same_films({f"{first}/seed{first_seed}": self.first, f"{head}/seed{seed}": table})
        self.runs.append((head, seed))
        values = np.full((len(METRICS), len(table.labels)), np.nan)
        for j, clusters in self.clusters.items():
            covered = ~np.isnan(table.truth[:, j])
            levels = Levels(table.truth[covered, j], table.probability[covered, j])
            values[:, j] = levels.values()
            for metric, of in zip(METRICS, (influence.auroc, influence.average_precision), strict=True):
                positive, negative = of(levels, self._patient[covered], self._n_patients)
                kept = Influence(positive[clusters.positive], negative[clusters.covered])
                self._influences.setdefault((metric, j), []).append(kept)
        self._values.append(values)

    def _begin(self, table: Predictions) -> None:
        self.first = table
        patients, self._patient = np.unique(table.patient_id.astype(str), return_inverse=True)
        self._n_patients = patients.size
        self._undefined = [why_undefined(table.of(label)[0]) for label in table.labels]
        for j, undefined in enumerate(self._undefined):
            if not undefined:
                self.clusters[j] = Clusters.of(table.truth[:, j], self._patient, self._n_patients)

    def columns(self, frequencies: Frequencies | None = None) -> Iterator[Column]:
        """Every label, and the means over those where the metrics are defined."""
        labels = self.first.labels
        for j, name in enumerate(labels):
            truth = self.first.truth[:, j]
            n = np.unique(self._patient[~np.isnan(truth)]).size
            positive = np.unique(self._patient[truth == 1]).size
            reason = self._undefined[j] or self._single(j)
            yield Column(name, [j] if j in self.clusters else [], n, positive, reason)
        groups = {"mean": list(labels)} | ({} if frequencies is None else frequencies.groups(labels))
        for name, members in groups.items():
            inside = [labels.index(label) for label in members]
            defined = [j for j in inside if j in self.clusters]
            found = (self.first.truth[:, inside] == 1).any(axis=1)
            positive = np.unique(self._patient[found]).size
            yield Column(name, defined, self._n_patients, positive, self._of_mean(inside, defined))

    def values(self, metric: str) -> Float64[np.ndarray, "runs labels"]:
        """One metric of every run and label, NaN where it is undefined."""
        return np.array(self._values)[:, METRICS.index(metric)]

    def covariance(self, metric: str, column: Column) -> Float64[np.ndarray, "runs runs"]:
        """The patients' covariance between runs of one metric's column."""
        return influence.covariance([(self._influence(metric, j), self.clusters[j]) for j in column.labels])

    def total(self, metric: str, label: int) -> Float64[np.ndarray, "runs patients"]:
        """Each patient's whole influence on one metric of one label in every run."""
        positive, negative = self._influence(metric, label)
        return positive + negative

    def _influence(self, metric: str, label: int) -> Influence:
        kept, clusters = self._influences[metric, label], self.clusters[label]
        full = Influence(*(np.zeros((len(kept), self._n_patients)) for _ in range(2)))
        full.positive[:, clusters.positive] = [one.positive for one in kept]
        full.negative[:, clusters.covered] = [one.negative for one in kept]
        return full

    def _single(self, label: int) -> str:
        clusters = self.clusters[label]
        alone = [what for what in ("positive", "negative") if getattr(clusters, what).sum() == 1]
        return f"one {alone[0]} patient: how patients vary is unknown" if alone else ""

    def _of_mean(self, inside: list[int], defined: list[int]) -> str:
        if not inside:
            return "no label in this group"
        if not defined:
            return f"undefined for all {len(inside)} labels"
        names = self.first.labels
        lost = ", ".join(names[j] for j in inside if j not in defined)
        alone = ", ".join(names[j] for j in defined if self._single(j))
        left_out = f"over {len(defined)} of {len(inside)} labels; undefined: {lost}" if lost else ""
        unknown = f"what patients vary of {alone} is not counted: it rests on one of them" if alone else ""
        return "; ".join(filter(None, (left_out, unknown)))
