"""One demo film from its plan: draw the patient, the breath, the findings, expose it, and write the file.

A film depends on nothing but its plan, so it is the same whichever process draws it and in whatever order.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from qcxr.phantom.anatomy import Anatomy, breathe, draw_patient
from qcxr.phantom.devices import draw_devices, draw_mimics
from qcxr.phantom.findings import draw_findings
from qcxr.phantom.grid import Grid
from qcxr.phantom.lateral import draw_lateral
from qcxr.phantom.scanner import draw_scanner, expose

SCANNERS = 6  # per site
# NIH's and MIMIC's labels were mined from reports: now and then one names what the film does not show
HIDDEN = 0.06


@dataclass(frozen=True)
class FilmPlan:
    """All that decides one film. `labels` are the findings to draw; `entropy` is (seed, split, film)."""

    path: str
    site: str  # "nih" or "mimic"
    view: str  # "PA" and "AP" are frontal, all else is lateral
    patient: tuple[int, ...]  # entropy of the patient's build
    entropy: tuple[int, ...]
    labels: tuple[str, ...]
    height: int
    width: int
    rgba: bool = False
    devices: bool = False  # wires and tubes


def draw_severity(rng: np.random.Generator) -> float:
    """How gross a finding is, in [0, 1]: from hardly visible to gross."""
    return float(rng.beta(1.1, 1.7))


def draw_film(plan: FilmPlan, *, strength: float = 1.0) -> Image.Image:
    """The film of a plan; `strength` scales the severity of every finding."""
    film_seed, finding_seed, extra_seed = np.random.SeedSequence(plan.entropy).spawn(3)
    rng = np.random.default_rng(film_seed)
    patient = draw_patient(np.random.default_rng(plan.patient))
    portable = plan.view == "AP"
    anatomy: Anatomy = breathe(patient, rng, portable=portable)
    machine = (plan.entropy[0], int(plan.site == "mimic"), int(rng.integers(SCANNERS)))
    scanner = draw_scanner(np.random.default_rng(machine), portable=plan.site == "mimic")
    grid = Grid(plan.height, plan.width)
    severities = {label: strength * draw_severity(rng) for label in plan.labels}
    severities = {label: severity for label, severity in severities.items() if rng.random() >= HIDDEN}
    if plan.view in ("PA", "AP"):
        chest = draw_findings(anatomy, grid, severities, finding_seed)
        extra = np.random.default_rng(extra_seed)
        draw_mimics(chest, extra)
        if plan.devices:
            draw_devices(chest, extra)
        density = chest.density
    else:
        density = draw_lateral(anatomy, grid)
    return expose(density, grid, scanner, rng)


def write_film(plan: FilmPlan, root: Path) -> None:
    """Draw and encode one film at root / plan.path."""
    film = draw_film(plan)
    path = root / plan.path
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        film.save(path, quality=92)
    else:
        (film.convert("RGBA") if plan.rgba else film).save(path, compress_level=1)
