"""DeLong's test for two correlated AUROCs on the same films, per seed, with films clustered by patient or not.

DeLong, DeLong & Clarke-Pearson 1988, by midranks as in Sun & Xu 2014. It treats films as independent; where patients
have several films, as alike as films of one patient are, its standard error is too small. Obuchowski's clustered
covariance (`qcxr.analysis.influence`) is the same where every patient has one.
"""

from typing import Any

import numpy as np
from jaxtyping import Float, Int, Real
from scipy.stats import norm, rankdata

from qcxr.analysis import influence
from qcxr.analysis.influence import Clusters, Influence, Levels

Truth = Real[np.ndarray, " films"]  # 0 and 1


def components(
    truth: Truth, scores: Real[np.ndarray, "runs films"]
) -> tuple[Float[np.ndarray, " runs"], Float[np.ndarray, "runs positives"], Float[np.ndarray, "runs negatives"]]:
    """Return AUROCs and structural components V10 and V01; both classes must occur.

    V10[:, i] is the share of negatives below positive i (ties half), V01[:, j] the share of positives above negative j.
    """
    positive, negative = scores[:, truth == 1], scores[:, truth == 0]
    m, n = positive.shape[1], negative.shape[1]
    among_all = rankdata(np.concatenate([positive, negative], axis=1), axis=1)
    v10 = (among_all[:, :m] - rankdata(positive, axis=1)) / n
    v01 = 1.0 - (among_all[:, m:] - rankdata(negative, axis=1)) / m
    return v10.mean(axis=1), v10, v01


def covariance(
    v10: Float[np.ndarray, "runs positives"], v01: Float[np.ndarray, "runs negatives"]
) -> Float[np.ndarray, "runs runs"]:
    """Return the covariance of the AUROCs; NaN with fewer than two positives or negatives."""
    m, n = v10.shape[1], v01.shape[1]
    if m < 2 or n < 2:
        return np.full((len(v10), len(v10)), np.nan)
    return np.atleast_2d(np.cov(v10)) / m + np.atleast_2d(np.cov(v01)) / n


def clustered_covariance(
    truth: Truth, scores: Real[np.ndarray, "runs films"], patient: Int[np.ndarray, " films"]
) -> Float[np.ndarray, "runs runs"]:
    """Return the covariance of the AUROCs over patients, each with all films (Obuchowski 1997).

    patient: whose film each is, as an index. NaN with fewer than two patients with a positive, or with a negative film.
    """
    n_patients = int(patient.max()) + 1
    runs = [influence.auroc(Levels(truth, score), patient, n_patients) for score in scores]
    stacked = Influence(*(np.stack(part) for part in zip(*runs, strict=True)))
    return influence.covariance([(stacked, Clusters.of(truth, patient, n_patients))])


def delong_test(
    truth: Truth,
    first: Real[np.ndarray, " films"],
    second: Real[np.ndarray, " films"],
    patient: Int[np.ndarray, " films"] | None = None,
) -> dict[str, Any]:
    """Compare two scores of the same films: difference, its standard error, z, p, and a reason if undefined.

    patient: whose film each is, as an index; without it films are taken as independent. plain_p: p as if they were.
    """
    scores = np.stack([first, second])
    auroc, v10, v01 = components(truth, scores)
    difference = float(auroc[0] - auroc[1])
    plain = _normal(difference, covariance(v10, v01), "positives and two negatives")
    if patient is None:
        return plain | {"plain_p": plain["p"]}
    clustered = clustered_covariance(truth, scores, patient)
    tested = _normal(difference, clustered, "patients with positives and two with negatives")
    return tested | {"plain_p": plain["p"]}


def _normal(difference: float, covered: Float[np.ndarray, "2 2"], least: str) -> dict[str, Any]:
    result: dict[str, Any] = {"difference": difference, "se": np.nan, "z": np.nan, "p": np.nan}
    variance = float(covered[0, 0] + covered[1, 1] - 2 * covered[0, 1])
    if np.isnan(variance):
        return result | {"reason": f"DeLong's test needs two {least}"}
    if variance <= 1e-18:
        return result | {"reason": "both heads rank the films alike: DeLong's test is undefined"}
    z = difference / np.sqrt(variance)
    return result | {"se": float(np.sqrt(variance)), "z": float(z), "p": float(2 * norm.sf(abs(z))), "reason": ""}
