"""Signs of the heart, the aorta and the rest of the mediastinum. See `findings_lung` for the source."""

from dataclasses import replace

import numpy as np

from qcxr.phantom.anatomy import Anatomy
from qcxr.phantom.chest import Chest, aortic_knob
from qcxr.phantom.findings_lung import Rng
from qcxr.phantom.grid import soft


def cardiomegaly_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """A cardiothoracic ratio above one half."""
    ratio = max(anatomy.heart, 0.45) + 0.02 + 0.15 * severity
    return replace(anatomy, heart=ratio, heart_height=anatomy.heart_height * (1.05 + 0.15 * severity))


def hernia(chest: Chest, rng: Rng, severity: float) -> None:
    """Stomach behind the heart: a round shadow with air over a level of fluid."""
    grid = chest.grid
    x, y = rng.uniform(0.00, 0.12), chest.anatomy.dome_left - 0.10
    radius = 0.14 + 0.06 * severity
    sac = grid.ellipse(x, y, radius, radius * 0.9, edge=0.02)
    air = grid.ellipse(x, y, radius - 0.025, radius * 0.9 - 0.025, edge=0.015)
    air *= soft(y + rng.uniform(-0.02, 0.03) - grid.y, grid.edge(0.006))
    chest.density += np.float32(0.06 + 0.05 * severity) * sac - np.float32(0.24 + 0.16 * severity) * air


def tortuous_aorta_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """A wide, high aortic knob; the descending aorta swings out to the left, the ascending one to the right."""
    return replace(anatomy, uncoiling=0.45 + 1.0 * severity, knob=anatomy.knob * (1.08 + 0.35 * severity))


def aortic_calcification(chest: Chest, rng: Rng, severity: float) -> None:
    """Bright flecks strung along the rim of the aortic knob."""
    anatomy = chest.anatomy
    (x, y), radius = aortic_knob(anatomy), anatomy.knob * 0.93
    middle, half = rng.uniform(-0.9, -0.2), 0.9 + 0.5 * severity  # angle 0 points to the patient's left
    turn = np.linspace(middle - half, middle + half, 16)
    points = list(zip((x + radius * np.cos(turn)).tolist(), (y + 1.1 * radius * np.sin(turn)).tolist(), strict=True))
    flecks = [(points[start : start + 2], rng.uniform(0.016, 0.032)) for start in range(0, 15, 2)]
    chest.density += np.float32(0.26 + 0.34 * severity) * chest.grid.strokes(flecks, blur=0.003)


def pneumomediastinum(chest: Chest, rng: Rng, severity: float) -> None:
    """Black streaks up both sides of the upper mediastinum and around the heart, lifted pleura beside them."""
    grid = chest.grid
    black, white = [], []
    ys = np.linspace(-1.0, -0.05, 8)
    for side in (-1, 1):
        for k in range(2):
            xs = side * (0.105 + 0.040 * k) + rng.normal(0.0, 0.007, 8).cumsum()
            black.append((list(zip(xs.tolist(), ys.tolist(), strict=True)), rng.uniform(0.010, 0.018)))
        white.append((list(zip((xs + side * 0.022).tolist(), ys.tolist(), strict=True)), 0.010))
    halo = np.maximum(1.0 - np.abs(chest.heart - np.float32(0.30)) * 4.0, 0.0) * soft(grid.x - 0.12, 0.04)
    halo *= soft(grid.y + 0.15, 0.1) * chest.lung
    streaks = grid.strokes(black, blur=0.005) * (np.float32(1.0) - np.float32(0.6) * chest.lung)
    air = np.maximum(streaks, np.float32(0.75) * halo)
    chest.density -= np.float32(0.16 + 0.20 * severity) * air
    chest.density += np.float32(0.10) * grid.strokes(white, blur=0.003)
