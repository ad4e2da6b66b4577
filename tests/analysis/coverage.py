"""Simulated studies whose truth is known, to count how often intervals hold it.

Patients have 1 to 10 films, alike within a patient in findings and in scores. A training run is a score of its own: its
separation of a label varies with the seed, part of it alike for both heads and for all labels, and so does part of what
it makes of each film. Given the finding the scores are normal, so the mean AUROC over trainings and patients has a
closed form, and average precision an integral.

The long version: python -m tests.analysis.coverage 1500
"""

import dataclasses
import functools
import sys
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats

from qcxr.analysis import ranking
from qcxr.analysis.components import bounded, estimate, over_both
from qcxr.analysis.patients import patients
from qcxr.analysis.predictions import Predictions

LABELS = ("common", "middle", "rare")
METRICS = ("auroc", "average_precision")


@dataclasses.dataclass(frozen=True)
class Design:
    """separation: of positives from negatives in sd of a score, by label; gap: what head b has less of it.

    trained: sd of the separation over trainings. rare: about ten patients with 300 patients.
    """

    n_seeds: int
    n_patients: int = 300
    prevalence: tuple[float, ...] = (0.25, 0.06, 0.008)
    separation: tuple[float, ...] = (1.1, 1.3, 1.2)
    gap: float = 0.0
    trained: float = 0.15
    alike: float = 0.5  # correlation of a patient's films, in findings and in scores


@functools.cache
def truth(design, metric, head):
    """The mean of a metric over trainings and patients, by label and then of their mean."""
    found = []
    for separation, prevalence in zip(design.separation, design.prevalence, strict=True):
        middle = separation - design.gap * (head == "b")
        if metric == "auroc":
            found.append(stats.norm.cdf(middle / np.sqrt(2 + design.trained**2)))
        else:
            nodes, weights = np.polynomial.hermite_e.hermegauss(15)
            values = [average_precision(middle + design.trained * x, prevalence) for x in nodes]
            found.append(np.dot(weights, values) / weights.sum())
    return dict(zip((*LABELS, "mean"), (*found, np.mean(found)), strict=True))


def average_precision(separation, prevalence):
    """Of positives N(separation, 1) among negatives N(0, 1), with very many films."""
    at = np.linspace(-8, 12, 8001)
    true, false = prevalence * stats.norm.sf(at - separation), (1 - prevalence) * stats.norm.sf(at)
    return np.trapezoid(true / (true + false) * stats.norm.pdf(at - separation), at)


def films(design, rng):
    """A test set: whose film each is, and the findings; drawn again until two patients have each of them."""
    shape = (design.n_patients, len(design.prevalence))
    while True:
        patient = np.repeat(np.arange(design.n_patients), rng.integers(1, 11, design.n_patients))
        found = noise(design, rng, patient, shape) > stats.norm.isf(design.prevalence)
        if all(np.unique(patient[column]).size >= 2 for column in found.T):
            return patient, found.astype(float)


def noise(design, rng, patient, shape):
    """Standard normal by film and label, alike within a patient."""
    own = rng.standard_normal((patient.size, shape[1]))
    return np.sqrt(design.alike) * rng.standard_normal(shape)[patient] + np.sqrt(1 - design.alike) * own


def runs(design, rng, heads="ab"):
    """Yield ((head, seed), predictions) of one simulated study."""
    patient, found = films(design, rng)
    shape = (design.n_patients, len(design.prevalence))
    of_all = noise(design, rng, patient, shape)
    of_seed = rng.standard_normal(design.n_seeds)  # alike for both heads
    for head in heads:
        of_head = noise(design, rng, patient, shape)
        for seed in range(design.n_seeds):
            draws = np.sqrt(0.3) * (of_seed[seed] + rng.standard_normal()) + np.sqrt(0.4) * rng.standard_normal(
                shape[1]
            )
            separation = np.array(design.separation) - design.gap * (head == "b") + design.trained * draws
            parts = np.sqrt(0.6) * of_all + np.sqrt(0.2) * of_head + np.sqrt(0.2) * noise(design, rng, patient, shape)
            ids = np.arange(patient.size)
            yield (head, seed), Predictions(ids, patient, LABELS, separation * found + parts, found)


def intervals(design, rng):
    """One simulated study: whether each interval of each value holds the truth, and p of the whole.

    seeds: the t-interval over seeds. patients: the t-interval of these runs. normal: with the patients' df infinite.
    """
    given = dict(runs(design, rng))
    table = patients(given, task="t", dataset="d", heads=["a", "b"])
    scored = _by_seed(given)
    truths = {(metric, head): truth(design, metric, head) for metric in METRICS for head in "ab"}
    rows = []
    for row in table.to_dict("records"):
        metric, label, gap = row["metric"], row["label"], row["kind"] == "difference"
        first = scored[metric, label, row["head"]]
        values = first - scored[metric, label, "b"] if gap else first
        true = truths[metric, row["head"]][label] - (truths[metric, "b"][label] if gap else 0.0)
        known = {key: row[key] for key in ("shared_variance", "patients_df", "patients_variance")}
        over = {"seed_variance": values.var(ddof=1), "n_seeds": design.n_seeds}
        whole = over_both(row["value"], **over, **known)
        found = {
            "seeds": estimate(row["value"], values.var(ddof=1) / design.n_seeds, design.n_seeds - 1),
            "patients": estimate(row["value"], row["patients_variance"], row["patients_df"]),
            "normal": over_both(row["value"], **over, shared_variance=row["shared_variance"]),
            "total": whole,
        } | ({} if gap else {"logit": bounded(whole)})
        kept = {key: row[key] for key in ("metric", "kind", "label", "head", "positive_patients", "patients_df")}
        holds = {name: one.low <= true <= one.high for name, one in found.items()}
        rows.append(kept | holds | {"claims": whole.p < 0.05, "error": row["value"] - true, "se": whole.se})
    return rows


def _by_seed(given):
    """(metric, label, head) -> values by seed."""
    found = {}
    for (head, _), table in given.items():
        for metric, of in (("auroc", ranking.auroc), ("average_precision", ranking.average_precision)):
            scores = [of(*table.of(label)) for label in LABELS]
            for label, value in zip((*LABELS, "mean"), (*scores, np.mean(scores)), strict=True):
                found.setdefault((metric, label, head), []).append(value)
    return {key: np.array(values) for key, values in found.items()}


def coverage(design, *, studies, seed):
    """Shares of simulated studies in which each interval holds the truth, by metric, kind and label, in %."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame([row for _ in range(studies) for row in intervals(design, rng)])
    rows = rows[(rows["kind"] == "difference") | (rows["head"] == "a")].drop(columns="head")
    groups = rows.groupby(["metric", "kind", "label"], sort=False)
    shares = groups[["seeds", "patients", "normal", "total", "logit", "claims"]].agg(lambda x: 100 * x.mean())
    ratio = groups["se"].agg(lambda x: np.sqrt((x**2).mean())) / groups["error"].std()
    bias = groups["error"].mean() / groups["error"].std()
    people = groups[["positive_patients", "patients_df"]].median()
    return shares.assign(se_ratio=ratio, bias=bias, **{name: people[name] for name in people})


def false_changes(design, *, studies, seed):
    """Share of studies in % where the test over seeds claims that a setting moves two heads apart, though none does.

    Four networks of equal truth: two heads at one value of a key (a, b) and at another (c, d). Each has its own share
    of what patients' films add to its scores, as the networks of different settings have, so that the patients who
    happen to be in the test set give the change of the difference a part that is the same in every seed.
    """
    rng = np.random.default_rng(seed)
    claims = []
    for _ in range(studies):
        scored = _by_seed(dict(runs(design, rng, heads="abcd")))
        a, b, c, d = (scored["auroc", "mean", head] for head in "abcd")
        claims.append(stats.ttest_1samp((a - b) - (c - d), 0.0).pvalue < 0.05)
    return 100 * float(np.mean(claims))


if __name__ == "__main__":
    pd.set_option("display.width", 200)
    seeds = [int(text) for text in sys.argv[2:]] or [3, 5, 20]
    for n_seeds, (trained, gap) in product(seeds, ((0.15, 0.0), (0.5, 0.2))):
        made = Design(n_seeds, trained=trained, gap=gap)
        print(f"\n{made}")
        print(coverage(made, studies=int(sys.argv[1]), seed=n_seeds).astype(float).round(2).to_string(), flush=True)
    for n_seeds in seeds:
        share = false_changes(Design(n_seeds), studies=int(sys.argv[1]), seed=n_seeds)
        print(f"changes claimed over {n_seeds} seeds, where there is none: {share:.1f} %", flush=True)
