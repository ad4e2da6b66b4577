"""The nineteen findings: who reshapes the organs before the chest is drawn, and who paints into the drawn chest."""

from collections.abc import Callable, Mapping

import numpy as np

from qcxr.phantom import findings_lung as lung
from qcxr.phantom import findings_mediastinum as mediastinum
from qcxr.phantom import findings_pleura as pleura
from qcxr.phantom.anatomy import Anatomy
from qcxr.phantom.chest import Chest, draw_chest
from qcxr.phantom.grid import Grid

Reshape = Callable[[Anatomy, np.random.Generator, float], Anatomy]
Paint = Callable[[Chest, np.random.Generator, float], None]

# in the order in which they lie over each other: what fills the lungs first, then free air, then chalk
FINDINGS: dict[str, tuple[Reshape | None, Paint | None]] = {
    "Emphysema": (lung.emphysema_shape, lung.emphysema),
    "Cardiomegaly": (mediastinum.cardiomegaly_shape, None),
    "Atelectasis": (lung.atelectasis_shape, lung.atelectasis),
    "Tortuous Aorta": (mediastinum.tortuous_aorta_shape, None),
    "Fibrosis": (None, lung.fibrosis),
    "Edema": (None, lung.edema),
    "Infiltration": (None, lung.infiltration),
    "Pneumonia": (None, lung.pneumonia),
    "Consolidation": (None, lung.consolidation),
    "Mass": (None, lung.mass),
    "Nodule": (None, lung.nodule),
    "Pneumothorax": (None, pleura.pneumothorax),
    "Effusion": (None, pleura.effusion),
    "Pleural Thickening": (None, pleura.pleural_thickening),
    "Hernia": (None, mediastinum.hernia),
    "Pneumoperitoneum": (None, pleura.pneumoperitoneum),
    "Pneumomediastinum": (None, mediastinum.pneumomediastinum),
    "Subcutaneous Emphysema": (None, pleura.subcutaneous_emphysema),
    "Calcification of the Aorta": (None, mediastinum.aortic_calcification),
}
CALCIFIED = {"Calcification of the Aorta"}  # brighter than flesh


def draw_findings(anatomy: Anatomy, grid: Grid, severities: Mapping[str, float], seed: np.random.SeedSequence) -> Chest:
    """Draw the chest of `anatomy` with the findings named in `severities` (label: 0 barely visible ... 1 gross).

    Every finding has its own random stream, so that adding one changes nothing but its own sign.
    """
    streams = dict(zip(FINDINGS, seed.spawn(len(FINDINGS)), strict=True))
    for label, (reshape, _) in FINDINGS.items():
        if label in severities and reshape is not None:
            anatomy = reshape(anatomy, np.random.default_rng(streams[label]), severities[label])
    chest = draw_chest(anatomy, grid)
    for label, (_, paint) in FINDINGS.items():
        if label in severities and paint is not None:
            paint(chest, np.random.default_rng(streams[label]), severities[label])
            if label not in CALCIFIED:
                np.minimum(chest.density, chest.ceiling, out=chest.density)
    return chest
