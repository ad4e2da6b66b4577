"""Who has what: patients, their films, and a table of labels with a long tail, co-occurrence and fixed counts.

Counts per label follow the paper's Table I, tempered: a share p of the real set becomes about p ** 0.4, scaled so that
the commonest label has 22 % and the rarest about 3 % of the films. The order of the labels is Table I's; the tail is
shorter than the real one (145 : 1), because a thousand films cannot hold it.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from qcxr.errors import InputError

# Table I of the paper (Effusion: the sum of its splits; its printed total is MIMIC's): films per label in NIH-CXR-LT
# (train + val + test) and in MIMIC-CXR-LT's test set
TABLE_1: dict[str, tuple[int, int]] = {
    "Infiltration": (19894, 1781),
    "Effusion": (13317, 14586),
    "Atelectasis": (11559, 14014),
    "Nodule": (6331, 1309),
    "Mass": (5782, 1006),
    "Pneumothorax": (5302, 3282),
    "Consolidation": (4667, 3232),
    "Pleural Thickening": (3385, 590),
    "Cardiomegaly": (2776, 14703),
    "Emphysema": (2516, 649),
    "Edema": (2303, 8444),
    "Subcutaneous Emphysema": (1991, 572),
    "Fibrosis": (1686, 271),
    "Pneumonia": (1431, 8242),
    "Tortuous Aorta": (742, 547),
    "Calcification of the Aorta": (455, 704),
    "Pneumoperitoneum": (316, 136),
    "Pneumomediastinum": (253, 176),
    "Hernia": (227, 739),
}
LABELS = tuple(TABLE_1)
COMMONEST, TEMPER = 0.22, 0.4
NO_FINDING = 0.40  # at least this share of the films shows nothing
LEAST_FILMS = 20
LEAST_POSITIVES = 2  # of every label in every split, so that its AUROC is defined

# log-odds that a film that shows the one also shows the other
TOGETHER: dict[frozenset[str], float] = {
    frozenset(pair): weight
    for *pair, weight in (
        ("Effusion", "Atelectasis", 1.2),
        ("Effusion", "Cardiomegaly", 1.2),
        ("Effusion", "Edema", 1.6),
        ("Effusion", "Pleural Thickening", 0.8),
        ("Effusion", "Consolidation", 0.8),
        ("Cardiomegaly", "Edema", 2.2),
        ("Infiltration", "Edema", 0.8),
        ("Infiltration", "Pneumonia", 1.5),
        ("Infiltration", "Atelectasis", 0.6),
        ("Consolidation", "Pneumonia", 2.2),
        ("Mass", "Nodule", 1.2),
        ("Pneumothorax", "Subcutaneous Emphysema", 3.0),
        ("Pneumothorax", "Emphysema", 1.5),
        ("Pneumothorax", "Pneumomediastinum", 1.5),
        ("Subcutaneous Emphysema", "Pneumomediastinum", 3.0),
        ("Fibrosis", "Pleural Thickening", 1.2),
        ("Fibrosis", "Emphysema", 0.8),
        ("Tortuous Aorta", "Calcification of the Aorta", 2.2),
        ("Cardiomegaly", "Tortuous Aorta", 0.8),
        # lungs cannot be blown up and collapsed or drowned at once
        ("Emphysema", "Edema", -2.0),
        ("Emphysema", "Atelectasis", -1.0),
        ("Emphysema", "Cardiomegaly", -1.5),
    )
}
CHRONIC = {"Cardiomegaly", "Emphysema", "Fibrosis", "Hernia", "Pleural Thickening", "Tortuous Aorta",
           "Calcification of the Aorta"}  # fmt: skip


@dataclass(frozen=True)
class Cohort:
    """`patient`: index of each film's patient, ascending; `present`: its labels in the order of LABELS."""

    patient: Int64[np.ndarray, " films"]
    present: Bool[np.ndarray, "films labels"]


def prevalence(source: str) -> Float64[np.ndarray, " labels"]:
    """Tempered share of films per label, in the order of LABELS; `source` is "nih" or "mimic"."""
    counts = np.array([TABLE_1[label][source == "mimic"] for label in LABELS], float)
    return COMMONEST * (counts / counts.max()) ** TEMPER


def draw_cohort(rng: np.random.Generator, *, films: int, source: str) -> Cohort:
    """A split of `films` films: patients with one to nine films each, and how each film is labelled.

    Every label has exactly round(films * prevalence) positives, and never fewer than LEAST_POSITIVES. Raises InputError
    for a split too small for that.
    """
    if films < LEAST_FILMS:
        raise InputError(
            f"a demo split needs at least {LEAST_FILMS} films to hold every label, got {films}; "
            "set generate.train, val, test and mimic in the config"
        )
    quota = np.maximum(np.round(films * prevalence(source)).astype(int), LEAST_POSITIVES)
    well = int(films * NO_FINDING)
    patient = draw_patients(rng, films)
    present = np.zeros((films, len(LABELS)), bool)
    ill = np.full(films, -np.inf)
    ill[rng.permutation(films)[well:]] = 0.0
    for column in np.argsort(-quota, kind="stable"):
        label = LABELS[column]
        odds = ill.copy()
        for other, name in enumerate(LABELS):
            odds += TOGETHER.get(frozenset((label, name)), 0.0) * present[:, other]
        # what is chronic stays with the patient: one draw for all films of a patient, and a little for each
        chance = rng.gumbel(size=patient[-1] + 1)[patient] if label in CHRONIC else 0.0
        chance = chance + rng.gumbel(size=films) * (0.3 if label in CHRONIC else 1.0)
        # the largest of log-odds plus Gumbel noise are a weighted draw without replacement
        present[np.argsort(-(odds + chance), kind="stable")[: quota[column]], column] = True
    return Cohort(patient=patient, present=present)


def draw_patients(rng: np.random.Generator, films: int) -> Int64[np.ndarray, " films"]:
    """Patient indices: most have one film, a few have many."""
    patient: list[int] = []
    while len(patient) < films:
        patient += [patient[-1] + 1 if patient else 0] * min(int(rng.geometric(0.55)), 9)
    return np.array(patient[:films], np.int64)
