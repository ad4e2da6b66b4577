"""Who has what: Table I's long tail, co-occurrence, patients."""

import numpy as np
import pytest

from qcxr.errors import InputError
from qcxr.phantom.cohort import LABELS, NO_FINDING, TABLE_1, draw_cohort, prevalence


@pytest.fixture(scope="module")
def nih():
    return draw_cohort(np.random.default_rng(3), films=3000, source="nih")


def share(cohort, label: str, given: str | None = None) -> float:
    chosen = cohort.present[:, LABELS.index(given)] if given else slice(None)
    return float(cohort.present[chosen, LABELS.index(label)].mean())


@pytest.mark.parametrize(("source", "column"), [("nih", 0), ("mimic", 1)])
def test_counts_keep_the_order_of_table_1(source, column):
    cohort = draw_cohort(np.random.default_rng(0), films=3000, source=source)
    counts = cohort.present.sum(0)
    real = np.array([TABLE_1[label][column] for label in LABELS])
    order = np.argsort(-real, kind="stable")
    assert (np.diff(counts[order]) <= 0).all()
    assert counts[order][0] == round(0.22 * 3000) and counts[order][-1] >= 0.02 * 3000


def test_counts_are_exact_in_a_small_split():
    cohort = draw_cohort(np.random.default_rng(1), films=100, source="nih")
    assert cohort.present.sum(0).tolist() == np.maximum(np.round(100 * prevalence("nih")), 2).tolist()


@pytest.mark.parametrize(
    ("label", "given"),
    [
        ("Subcutaneous Emphysema", "Pneumothorax"),
        ("Consolidation", "Pneumonia"),
        ("Effusion", "Edema"),
        ("Cardiomegaly", "Edema"),
        ("Calcification of the Aorta", "Tortuous Aorta"),
        ("Pneumomediastinum", "Subcutaneous Emphysema"),
    ],
)
def test_findings_that_go_together(nih, label, given):
    # more than among all films with any finding, not only more than among all films
    ill = nih.present.any(1)
    assert share(nih, label, given) > 1.5 * nih.present[ill, LABELS.index(label)].mean()


def test_emphysema_and_edema_shun_each_other(nih):
    assert share(nih, "Edema", "Emphysema") < share(nih, "Edema")


def test_many_films_show_nothing(nih):
    assert NO_FINDING <= (~nih.present.any(1)).mean() < 0.7


def test_chronic_findings_stay_with_the_patient(nih):
    column = nih.present[:, LABELS.index("Cardiomegaly")]
    same = nih.patient[1:] == nih.patient[:-1]
    again = column[1:][same & column[:-1]].mean()
    assert again > 2 * column.mean()


def test_patients_have_one_to_nine_films(nih):
    films = np.bincount(nih.patient)
    assert films.min() == 1 and 3 <= films.max() <= 9 and len(films) < 3000
    assert (np.diff(nih.patient) >= 0).all()


def test_too_small_a_split_is_refused():
    with pytest.raises(InputError, match="at least 20 films to hold every label, got 6"):
        draw_cohort(np.random.default_rng(0), films=6, source="nih")
