"""AUROC and average precision of many bootstrap replicates at once, patients resampled with all their films; with ties.

A replicate gives every patient a weight (how often it was drawn); AUROC is then a weighted Mann-Whitney statistic, and
average precision a sum over the same levels. For one score, films are sorted once into the gaps between the distinct
scores of the positives. Summing weights per gap is one product of a sparse 0/1 matrix with the weights of many
replicates, so no replicate is sorted or ranked again.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int, Real
from scipy import sparse

from qcxr.analysis import ranking
from qcxr.analysis.metrics import why_undefined
from qcxr.analysis.predictions import Predictions, same_films
from qcxr.analysis.ranking import METRICS
from qcxr.errors import InputError

BLOCK = 64  # replicates per product: with 256-byte rows the running sums stay in a core's cache
STEP = 16  # rows summed at a time


def patient_weights(
    n_patients: int, *, replicates: int, rng: np.random.Generator
) -> Iterator[Float32[np.ndarray, "patients replicates"]]:
    """Yield weights of up to BLOCK replicates at a time: how often each patient is drawn in each.

    Each replicate draws n_patients patients with replacement.
    """
    for start in range(0, replicates, BLOCK):
        size = min(BLOCK, replicates - start)
        draws = rng.integers(0, n_patients, size=(size, n_patients))
        flat = draws + n_patients * np.arange(size)[:, None]
        counts = np.bincount(flat.ravel(), minlength=size * n_patients).reshape(size, n_patients)
        yield np.ascontiguousarray(counts.T, dtype=np.float32)


class RankedLabel:
    """One score of one label, ranked once: `values(weights)` gives both metrics of every replicate.

    Truth is 0, 1 or NaN (not covered); `patient` is the index of each film's patient.
    """

    def __init__(
        self,
        truth: Real[np.ndarray, " films"],
        score: Real[np.ndarray, " films"],
        patient: Int[np.ndarray, " films"],
        n_patients: int,
    ):
        positive, negative = truth == 1, truth == 0
        levels, level = np.unique(score[positive], return_inverse=True)
        below = np.searchsorted(levels, score[negative], side="left")
        tied = below < levels.size
        tied[tied] = levels[below[tied]] == score[negative][tied]
        k = levels.size
        self.positives = _sums(level, patient[positive], (k, n_patients))
        # Row i: negatives below level i that are not below level i - 1; one as high as a level is below the next. The
        # last row, not below any positive, counts in the total.
        self.gaps = _sums(below + tied, patient[negative], (k + 1, n_patients))
        self.tied, row = np.unique(below[tied], return_inverse=True)  # levels that negatives share
        self.ties = _sums(row, patient[negative][tied], (self.tied.size, n_patients))

    def values(self, weights: Float32[np.ndarray, "patients replicates"]) -> Float64[np.ndarray, "2 replicates"]:
        """Return each replicate's AUROC and average precision, NaN where it has but one class.

        Numbers of films are whole and below 2**24, so exact in float32; precisions are rounded to it (1e-7).
        """
        positives, gaps = self.positives @ weights, self.gaps @ weights
        below = running_sums(gaps)  # negatives under each level
        negatives = below[-1].copy()
        below = below[:-1]
        wins = np.einsum("kb,kb->b", positives, below, dtype=np.float64)
        if self.tied.size:
            wins += np.einsum("kb,kb->b", positives[self.tied], self.ties @ weights, dtype=np.float64) / 2
        true = running_sums(positives[::-1])[::-1]  # from the top down to each level
        called = np.subtract(negatives, below, out=below)
        called += true
        precision = np.divide(true, np.maximum(called, 1, out=called), out=called)
        precise = np.einsum("kb,kb->b", positives, precision, dtype=np.float64)
        n = true[0].astype(np.float64)
        sums, over = np.stack([wins, precise]), np.stack([n * negatives, n])
        return np.divide(sums, over, out=np.full(over.shape, np.nan), where=(n * negatives) > 0)


def _sums(
    row: Int[np.ndarray, " films"], patient: Int[np.ndarray, " films"], shape: tuple[int, int]
) -> sparse.csr_array:
    """Sparse matrix that sums patients' weights by row; a patient with two films in one row counts twice."""
    ones = np.ones(row.size, dtype=np.float32)
    return sparse.csr_array((ones, (row.astype(np.int32), patient.astype(np.int32))), shape=shape)


def running_sums(numbers: Float32[np.ndarray, "rows replicates"]) -> Float32[np.ndarray, "rows replicates"]:
    """Cumulated sums down the rows, of whole numbers with sums below 2**24: exact, in a fraction of np.cumsum's time.

    np.cumsum goes down one column after the other, through all of memory for each; here STEP rows at a time are summed
    by a product with a triangle of ones.
    """
    rows, columns = numbers.shape
    blocks = -(-rows // STEP)
    padded = np.zeros((blocks, STEP, columns), dtype=np.float32)
    padded.reshape(-1, columns)[:rows] = numbers
    sums = np.matmul(np.tri(STEP, dtype=np.float32), padded)
    sums[1:] += np.cumsum(sums[:-1, -1], axis=0)[:, None]
    return sums.reshape(-1, columns)[:rows]


Tables = Mapping[tuple[str, int], Predictions]  # (head, seed) -> predictions of one task on one test set


@dataclass(frozen=True)
class Resampling:
    """How patients are drawn: how often, from which random seed, and the level of the intervals.

    The number of threads does not change the result.
    """

    replicates: int = 2000
    seed: int = 0
    level: float = 0.95
    threads: int = 2

    def __post_init__(self) -> None:
        if self.replicates < 100:
            raise InputError(
                f"bootstrap must be >= 100 replicates, got {self.replicates}; set analysis.bootstrap in the config"
            )
        if not 0 < self.level < 1:
            raise InputError(f"level must be in (0, 1), got {self.level}; 0.95 is usual")


@dataclass(frozen=True)
class Replicated:
    """Metrics of runs as observed and in every replicate; the last column is the mean over labels, NaN is undefined.

    patient: whose film each is, as an index.
    """

    tables: Tables
    patient: Int[np.ndarray, " films"]
    observed: Float64[np.ndarray, "runs metrics columns"]
    drawn: Float64[np.ndarray, "runs metrics columns replicates"]

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns hold."""
        return (*next(iter(self.tables.values())).labels, "mean")

    def seeds(self, head: str) -> list[int]:
        """The seeds of a head's runs."""
        return [seed for name, seed in self.tables if name == head]

    def of(
        self, head: str, metric: str, column: int
    ) -> tuple[Float64[np.ndarray, " seeds"], Float64[np.ndarray, "seeds replicates"]]:
        """Return (observed, drawn) values of a head's runs, by seed."""
        rows = [i for i, (name, _) in enumerate(self.tables) if name == head]
        k = METRICS.index(metric)
        return self.observed[rows, k, column], self.drawn[rows, k, column]

    def why_undefined(self, column: int) -> str:
        """Return why a column has no value."""
        first = next(iter(self.tables.values()))
        if column == len(first.labels):
            return "undefined for all labels"
        return why_undefined(first.of(first.labels[column])[0])


def replicate(tables: Tables, resampling: Resampling) -> Replicated:
    """Rank every run's films once per label and draw the replicates, the same ones for all runs."""
    same_films({f"{head}/seed{run}": table for (head, run), table in tables.items()})
    first = next(iter(tables.values()))
    patients, patient = np.unique(first.patient_id.astype(str), return_inverse=True)
    ranked = {}
    observed = np.full((len(tables), len(METRICS), len(first.labels) + 1), np.nan)
    for i, table in enumerate(tables.values()):
        for j, label in enumerate(table.labels):
            truth, score = table.of(label)
            if not why_undefined(truth):
                observed[i, :, j] = ranking.auroc(truth, score), ranking.average_precision(truth, score)
                ranked[i, j] = RankedLabel(table.truth[:, j], table.probability[:, j], patient, len(patients))

    def block(
        weights: Float32[np.ndarray, "patients replicates"],
    ) -> Float64[np.ndarray, "runs metrics columns replicates"]:
        result = np.full((*observed.shape, weights.shape[1]), np.nan)
        for (i, j), label in ranked.items():
            result[i, :, j] = label.values(weights)
        return result

    rng = np.random.default_rng(resampling.seed)
    draws = patient_weights(len(patients), replicates=resampling.replicates, rng=rng)
    with ThreadPoolExecutor(resampling.threads) as pool:
        drawn = np.concatenate(list(pool.map(block, draws)), axis=-1)
    observed[..., -1] = _mean(observed[..., :-1])
    drawn[:, :, -1] = _mean(drawn[:, :, :-1])
    return Replicated(tables, patient, observed, drawn)


def _mean(values: Float64[np.ndarray, "runs metrics labels ..."]) -> Float64[np.ndarray, "runs metrics ..."]:
    """Mean over the labels where it is defined, NaN where none is."""
    defined = ~np.isnan(values)
    n = defined.sum(axis=2)
    return np.divide(np.where(defined, values, 0).sum(axis=2), n, out=np.full(n.shape, np.nan), where=n > 0)
