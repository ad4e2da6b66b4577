"""Signs of the heart, the aorta and the rest of the mediastinum. See `findings_lung` for the source."""

from dataclasses import replace

import numpy as np

from qcxr.data.phantom.anatomy import Anatomy
from qcxr.data.phantom.chest import Chest, aortic_knob
from qcxr.data.phantom.findings_lung import Rng
from qcxr.data.phantom.grid import radius2, soft


def cardiomegaly_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """A cardiothoracic ratio above one half."""
    ratio = max(anatomy.heart, 0.46) + 0.06 + 0.14 * severity
    return replace(anatomy, heart=ratio, heart_height=anatomy.heart_height * (1.05 + 0.15 * severity))


def hernia(chest: Chest, rng: Rng, severity: float) -> None:
    """Stomach behind the heart: a round shadow with air over a level of fluid."""
    grid = chest.grid
    x, y = rng.uniform(0.00, 0.10), chest.anatomy.dome_left - 0.10
    radius = 0.14 + 0.06 * severity
    sac = grid.ellipse(x, y, radius, radius * 0.9, edge=0.015)
    inner = grid.ellipse(x, y, radius - 0.025, radius * 0.9 - 0.025, edge=0.012)
    level = soft(y + rng.uniform(-0.02, 0.03) - grid.y, grid.edge(0.006))
    chest.density += np.float32(0.14 + 0.06 * severity) * sac - np.float32(0.30 + 0.16 * severity) * inner * level


def tortuous_aorta_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """A wide, high aortic arch."""
    return replace(anatomy, uncoiling=0.7 + 0.8 * severity, knob=anatomy.knob * (1.25 + 0.25 * severity))


def tortuous_aorta(chest: Chest, rng: Rng, severity: float) -> None:
    """The descending aorta swings out to the left, the ascending one to the right."""
    grid = chest.grid
    knob = aortic_knob(chest.anatomy)
    down = np.clip((grid.y - knob) / 0.75, 0.0, 1.0)
    swing = np.float32(0.16 + 0.13 * severity) * np.sin(np.pi * down**0.8).astype(np.float32)
    left = soft(0.12 + swing - grid.x, 0.015) * soft(grid.x - 0.02, 0.03) * soft(0.75 - np.abs(down - 0.5) * 1.5, 0.1)
    right = grid.ellipse(-0.10, knob + 0.16, 0.09 + 0.06 * severity, 0.24, edge=0.02)
    shadow = np.maximum(left, right) * chest.lung * (np.float32(1.0) - chest.heart)
    chest.density += np.float32(0.34 + 0.08 * severity) * shadow


def aortic_calcification(chest: Chest, rng: Rng, severity: float) -> None:
    """Bright flecks strung along an arc on the knob's rim."""
    grid, anatomy = chest.grid, chest.anatomy
    x, y = 0.13 + 0.06 * anatomy.uncoiling, aortic_knob(anatomy)
    radius = np.sqrt(radius2(grid.x, grid.y, x, y, anatomy.knob, anatomy.knob * 1.1))
    arc = np.maximum(1.0 - np.abs(radius - 0.92) / 0.20, 0.0)
    turn = np.arctan2(grid.y - np.float32(y), grid.x - np.float32(x))
    stretch = soft(1.4 + 0.6 * severity - np.abs(turn + rng.uniform(0.2, 0.8)), 0.3)
    flecks = np.float32(0.7) + np.float32(0.3) * np.sin(9.0 * turn + rng.uniform(0, 6))
    chest.density += np.float32(0.30 + 0.35 * severity) * arc * stretch * flecks


def pneumomediastinum(chest: Chest, rng: Rng, severity: float) -> None:
    """Black streaks along the heart's left border and up both sides of the upper mediastinum, the pleura lifted off."""
    grid = chest.grid
    lines = []
    for side in (-1, 1):
        for k in range(2):
            x = side * (0.10 + 0.045 * k + rng.uniform(-0.01, 0.01))
            ys = np.linspace(-1.0, -0.15, 7)
            xs = x + side * rng.normal(0.0, 0.010, 7).cumsum() * 0.6
            lines.append((list(zip(xs, ys, strict=True)), rng.uniform(0.020, 0.030)))
    black = grid.strokes(lines)
    rim = np.maximum(1.0 - np.abs(chest.heart - 0.35) * 4.0, 0.0) * soft(grid.x - 0.10, 0.04) * soft(grid.y + 0.15, 0.1)
    chest.density -= np.float32(0.22 + 0.20 * severity) * np.maximum(black, rim * chest.lung * 0.8)
