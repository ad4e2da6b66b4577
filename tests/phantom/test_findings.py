"""Each finding's sign: where it changes the plain chest of the same patient, in which direction, and how it grows."""

import numpy as np
import pytest

from qcxr.phantom.anatomy import draw_patient
from qcxr.phantom.chest import Chest, aortic_knob
from qcxr.phantom.findings import FINDINGS, draw_findings
from qcxr.phantom.grid import Grid
from qcxr.study.labels import CXR19

GRID = Grid(128, 128)
PATIENTS = range(4)


def drawn(patient: int, severity: float = 0.7, *labels: str) -> Chest:
    anatomy = draw_patient(np.random.default_rng(patient))
    return draw_findings(anatomy, GRID, dict.fromkeys(labels, severity), np.random.SeedSequence((patient, 1)))


def change(label: str, patient: int, severity: float = 0.7) -> tuple[Chest, np.ndarray]:
    plain = drawn(patient)
    return plain, drawn(patient, severity, label).density - plain.density


def lung(chest: Chest) -> np.ndarray:
    return chest.lung > 0.01


def outside_lung(chest: Chest) -> np.ndarray:
    return chest.lung < 0.99


def lower(chest: Chest) -> np.ndarray:
    return lung(chest) & (GRID.y > chest.depth(1, 0.35))


def rim(chest: Chest) -> np.ndarray:
    near_wall = np.abs(GRID.x) > chest.wall(GRID.y) - 0.15
    return lung(chest) & (near_wall | (GRID.y < chest.anatomy.apex + 0.20))


def midline(chest: Chest) -> np.ndarray:
    return (np.abs(GRID.x) < 0.35) & (GRID.y > -0.1)


def mediastinum(chest: Chest) -> np.ndarray:
    return (np.abs(GRID.x) < 0.25) | (np.abs(chest.heart - 0.3) < 0.31)


def knob(chest: Chest) -> np.ndarray:
    x, y = aortic_knob(chest.anatomy)
    return np.hypot(GRID.x - x, GRID.y - y) < 0.18


def under_diaphragm(chest: Chest) -> np.ndarray:
    return GRID.y > np.minimum(chest.diaphragm(-1), chest.diaphragm(1)) - 0.02


# finding: where at least 90 % of the change lies, and its direction there (+1 brighter, -1 darker, 0 both)
PAINTED = {
    "Infiltration": (lung, 1),
    "Effusion": (lower, 1),
    "Nodule": (lung, 1),
    "Mass": (lambda chest: lung(chest) | (chest.body > 0), 1),
    "Pneumothorax": (lung, 0),
    "Consolidation": (lung, 1),
    "Pleural Thickening": (rim, 1),
    "Edema": (lung, 1),
    "Subcutaneous Emphysema": (outside_lung, -1),
    "Fibrosis": (lung, 1),
    "Pneumonia": (lower, 1),
    "Calcification of the Aorta": (knob, 1),
    "Pneumoperitoneum": (under_diaphragm, -1),
    "Pneumomediastinum": (mediastinum, -1),
    "Hernia": (midline, 0),
}
MOVED = {"Cardiomegaly", "Emphysema", "Atelectasis", "Tortuous Aorta"}


def test_every_label_of_the_study_has_a_sign():
    assert set(FINDINGS) == set(CXR19) == set(PAINTED) | MOVED


@pytest.mark.parametrize("label", PAINTED)
@pytest.mark.parametrize("patient", PATIENTS)
def test_a_sign_lies_where_it_belongs(label, patient):
    region, direction = PAINTED[label]
    chest, difference = change(label, patient)
    where = region(chest)
    size = np.abs(difference)
    assert size.max() > 0.05
    assert size[where].sum() > 0.9 * size.sum()
    if direction:
        assert direction * difference[where].sum() > 0.2 * size.sum()
    assert (size > 0.02).mean() < 0.45  # a sign is not a change of the whole film


@pytest.mark.parametrize("label", PAINTED)
def test_a_grosser_finding_changes_more(label):
    mild, gross = (
        np.mean([np.abs(change(label, patient, severity)[1]).sum() for patient in PATIENTS]) for severity in (0.1, 0.9)
    )
    assert gross > 1.2 * mild > 0


@pytest.mark.parametrize("patient", PATIENTS)
def test_pneumothorax_is_black_air_without_vessels_beside_a_denser_lung(patient):
    chest, difference = change("Pneumothorax", patient)
    side = max((-1, 1), key=lambda side: np.abs(difference * chest.lungs[side]).sum())
    one = (chest.lungs[side] > 0.99) & (GRID.y < chest.anatomy.dome(side) - 0.1)
    air = one & (side * GRID.x > chest.wall(GRID.y) - 0.09)
    hilar = one & (side * GRID.x < 0.35) & (np.abs(GRID.y) < 0.15)
    assert np.median(difference[air]) < -0.08 and np.median(difference[hilar]) > 0.03
    vessels = chest.vessels[air]
    correlated = np.corrcoef(vessels, (chest.density + difference)[air])[0, 1]
    assert correlated < np.corrcoef(vessels, chest.density[air])[0, 1]


@pytest.mark.parametrize("patient", PATIENTS)
def test_hernia_holds_air_over_a_level_of_fluid(patient):
    _, difference = change("Hernia", patient)
    rows = difference.min(1)
    assert rows.min() < -0.15
    level = int(np.flatnonzero(rows < -0.15).max())  # the lowest row of air
    assert difference[level + 3 : level + 6].min() > -0.02  # fluid below it
    assert (difference[level - 2] < -0.1).sum() > 8  # the level is a line, not a point


def cardiothoracic_ratio(chest: Chest) -> float:
    """As read on a film: the heart's greatest width over the rib cage's greatest inner width."""
    below = (GRID.y > 0.0) & (GRID.y < chest.anatomy.dome_left)
    heart = ((chest.heart > 0.5) & below).any(0)
    thorax = (chest.lung > 0.5).any(0)
    return float(np.ptp(np.flatnonzero(heart)) / np.ptp(np.flatnonzero(thorax)))


@pytest.mark.parametrize("patient", PATIENTS)
def test_cardiomegaly_widens_the_heart_beyond_half_the_chest(patient):
    plain, large = drawn(patient), drawn(patient, 0.7, "Cardiomegaly")
    assert cardiothoracic_ratio(plain) < 0.52
    assert cardiothoracic_ratio(large) > max(0.54, cardiothoracic_ratio(plain) + 0.05)


@pytest.mark.parametrize("patient", PATIENTS)
def test_emphysema_blackens_the_lungs_and_flattens_the_diaphragm(patient):
    plain, ill = drawn(patient), drawn(patient, 0.7, "Emphysema")
    assert ill.density[ill.lung > 0.9].mean() < plain.density[plain.lung > 0.9].mean() - 0.04
    assert ill.lung.sum() > 1.05 * plain.lung.sum()
    for side in (-1, 1):
        assert ill.diaphragm(side).min() > plain.diaphragm(side).min() + 0.05
        assert np.ptp(ill.diaphragm(side)) < 0.8 * np.ptp(plain.diaphragm(side))


@pytest.mark.parametrize("patient", PATIENTS)
def test_atelectasis_shrinks_one_lung_and_brightens_its_base(patient):
    plain, ill = drawn(patient), drawn(patient, 0.7, "Atelectasis")
    lost = {side: plain.lungs[side].sum() / ill.lungs[side].sum() for side in (-1, 1)}
    side = max(lost, key=lost.get)
    assert lost[side] > 1.08 and lost[-side] < 1.02
    base = (ill.lungs[side] > 0.9) & (GRID.y > ill.anatomy.dome(side) - 0.3)
    assert (ill.density - plain.density)[base].mean() > 0.02


@pytest.mark.parametrize("patient", PATIENTS)
def test_a_tortuous_aorta_widens_the_upper_mediastinum(patient):
    plain, ill = drawn(patient), drawn(patient, 0.7, "Tortuous Aorta")
    upper = (GRID.y > -0.5) & (GRID.y < 0.0)
    widths = [((chest.heart > 0.5) & upper).sum() for chest in (plain, ill)]
    assert widths[1] > 1.2 * widths[0]


def test_findings_do_not_disturb_each_other():
    """Each has its own stream: with the chalk added, the nodules stay where they were."""
    alone, both = drawn(1, 0.7, "Nodule"), drawn(1, 0.7, "Nodule", "Calcification of the Aorta")
    away = ~knob(alone)
    np.testing.assert_array_equal(alone.density[away], both.density[away])
    assert np.abs(alone.density - both.density).max() > 0.1


def test_effusion_blunts_the_costophrenic_angle_first():
    """At the lowest severity only the angle is filled, at the highest the dome is covered."""
    changed = {severity: np.zeros((128, 128)) for severity in (0.05, 1.0)}
    for severity in changed:
        for patient in PATIENTS:
            changed[severity] += np.abs(change("Effusion", patient, severity)[1]) > 0.05
    lateral = np.abs(GRID.x) > 0.4
    outside = {severity: (count * lateral).sum() / count.sum() for severity, count in changed.items()}
    assert outside[0.05] > 0.9 > outside[1.0]
    assert changed[1.0].sum() > 5 * changed[0.05].sum()


def test_opacities_are_never_brighter_than_an_airless_lung():
    chest = drawn(2, 1.0, "Pneumonia", "Consolidation", "Effusion", "Edema", "Infiltration", "Mass")
    assert (chest.density <= chest.ceiling + 1e-6).all()
