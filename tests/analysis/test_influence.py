"""Patients' influences: Obuchowski's formula in loops, derivatives by small steps, DeLong, and the bootstrap."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from qcxr.analysis import delong, influence, ranking, replicates
from qcxr.analysis.influence import Clusters, Influence, Levels


def films(rng, *, patients=30, decimals=1, runs=2):
    """Truth and scores of patients with 1 to 5 films, alike within a patient, with ties."""
    patient = np.repeat(np.arange(patients), rng.integers(1, 6, patients))
    truth = (rng.standard_normal(patients)[patient] + rng.standard_normal(patient.size) > 0.8).astype(float)
    shift = rng.standard_normal((runs, patients))[:, patient]
    return patient, truth, np.round(truth + shift + rng.standard_normal((runs, patient.size)), decimals)


def influences(of, patient, truth, scores):
    n = int(patient.max()) + 1
    found = [of(Levels(truth, score), patient, n) for score in scores]
    return Influence(*map(np.array, zip(*found, strict=True))), Clusters.of(truth, patient, n)


def obuchowski(patient, truth, first, second):
    """Covariance of two AUROCs as in Obuchowski 1997, equations 3 to 6, pair by pair of films."""
    people = sorted(set(patient))
    of = {i: [[k for k in np.flatnonzero(patient == i) if truth[k] == y] for y in (1, 0)] for i in people}
    m, n = int((truth == 1).sum()), int((truth == 0).sum())

    def psi(score, k, j):
        return float(score[k] > score[j]) + 0.5 * float(score[k] == score[j])

    sums = []
    for score in (first, second):
        v10 = {k: sum(psi(score, k, j) for j in np.flatnonzero(truth == 0)) / n for k in np.flatnonzero(truth == 1)}
        v01 = {j: sum(psi(score, k, j) for k in np.flatnonzero(truth == 1)) / m for j in np.flatnonzero(truth == 0)}
        auc = sum(v10.values()) / m
        by_positive = {i: sum(v10[k] for k in of[i][0]) - len(of[i][0]) * auc for i in people}
        by_negative = {i: sum(v01[j] for j in of[i][1]) - len(of[i][1]) * auc for i in people}
        sums.append((by_positive, by_negative))
    (p1, n1), (p2, n2) = sums
    i10, i01 = sum(bool(of[i][0]) for i in people), sum(bool(of[i][1]) for i in people)
    s10 = i10 / ((i10 - 1) * m) * sum(p1[i] * p2[i] for i in people if of[i][0])
    s01 = i01 / ((i01 - 1) * n) * sum(n1[i] * n2[i] for i in people if of[i][1])
    every = len(people)
    s11 = every / (every - 1) * sum(p1[i] * n2[i] for i in people)
    s11_turned = every / (every - 1) * sum(p2[i] * n1[i] for i in people)
    return s10 / m + s01 / n + (s11 + s11_turned) / (m * n)


@pytest.mark.parametrize("decimals", [0, 1, 7])
def test_covariance_of_aurocs_is_obuchowskis(decimals):
    patient, truth, scores = films(np.random.default_rng(1), decimals=decimals)
    found = influence.covariance([influences(influence.auroc, patient, truth, scores)])
    expected = [[obuchowski(patient, truth, a, b) for b in scores] for a in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-11)
    np.testing.assert_allclose(delong.clustered_covariance(truth, scores, patient), expected, rtol=1e-11)


def test_with_one_film_per_patient_it_is_delongs():
    _, truth, scores = films(np.random.default_rng(2), patients=60, runs=4)
    found = influence.covariance([influences(influence.auroc, np.arange(truth.size), truth, scores)])
    _, v10, v01 = delong.components(truth, scores)
    np.testing.assert_allclose(found, delong.covariance(v10, v01), rtol=1e-11)


@pytest.mark.parametrize("decimals", [0, 1, 7])
def test_derivatives_of_average_precision_are_those_of_small_steps(decimals):
    patient, truth, (score, _) = films(np.random.default_rng(3), decimals=decimals)
    of_positive, of_negative = Levels(truth, score).average_precision()
    found = np.empty(truth.size)
    found[truth == 1], found[truth == 0] = of_positive, of_negative
    step = 1e-5
    for i in range(truth.size):
        up, down = (np.where(np.arange(truth.size) == i, 1 + sign * step, 1.0) for sign in (1, -1))
        ends = [average_precision_score(truth, score, sample_weight=weight) for weight in (up, down)]
        assert found[i] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-9)
    n = int(patient.max()) + 1
    summed = np.bincount(patient, found, n)
    np.testing.assert_allclose(sum(influence.average_precision(Levels(truth, score), patient, n)), summed, atol=1e-14)


def test_values_are_the_metrics_to_the_bit():
    rng = np.random.default_rng(4)
    for decimals in (0, 1, 2, 9):
        _, truth, (score, _) = films(rng, patients=200, decimals=decimals)
        expected = ranking.auroc(truth, score), ranking.average_precision(truth, score)
        assert Levels(truth, score).values() == expected


def test_standard_errors_are_the_bootstraps():
    """Of one run, of a difference, and of means over two labels, with 400 patients and 4,000 replicates (se 1.1 %)."""
    rng = np.random.default_rng(5)
    patient, first, scores = films(rng, patients=400, decimals=2)
    _, second, _ = films(rng, patients=400)
    second = np.where(rng.random(patient.size) < 0.3, first, np.resize(second, patient.size))  # correlated labels
    weights = [*replicates.patient_weights(400, replicates=4000, rng=rng)]
    for k, of in enumerate((influence.auroc, influence.average_precision)):
        given, drawn = [], []
        for truth in (first, second):
            given.append(influences(of, patient, truth, scores))
            ranked = [replicates.RankedLabel(truth, score, patient, 400) for score in scores]
            drawn.append([np.concatenate([label.values(block)[k] for block in weights]) for label in ranked])
        for labels in ([0], [1], [0, 1]):
            found = influence.covariance([given[label] for label in labels])
            resampled = np.cov(np.mean([drawn[label] for label in labels], axis=0))
            for contrast in ([1, 0], [0, 1], [1, -1], [0.5, 0.5]):
                ratio = np.sqrt((contrast @ found @ contrast) / (contrast @ resampled @ contrast))
                assert ratio == pytest.approx(1, abs=0.05), (of.__name__, labels, contrast)


def test_a_single_patient_with_the_finding_says_nothing_of_such_patients():
    rng = np.random.default_rng(6)
    patient, common, scores = films(rng)
    alone = (patient == 3).astype(float)
    given = [influences(influence.auroc, patient, truth, scores) for truth in (alone, common)]
    assert np.isnan(influence.covariance(given[:1])).all()
    assert given[0][1].df == 0 and given[1][1].df > 5
    part = influence.covariance(given)
    assert np.isfinite(part).all() and part[0, 0] > influence.covariance(given[1:])[0, 0] / 4 * 0.5
