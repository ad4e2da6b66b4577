"""Signs in the pleural space, under the diaphragm and in the chest wall. See `findings_lung` for the source."""

import numpy as np

from qcxr.data.phantom.chest import Chest
from qcxr.data.phantom.findings_lung import Rng, pick_side
from qcxr.data.phantom.grid import soft


def effusion(chest: Chest, rng: Rng, severity: float) -> None:
    """Fluid blunts the costophrenic angle; its upper border climbs the wall as a meniscus."""
    grid, anatomy = chest.grid, chest.anatomy
    sides = (-1, 1) if rng.random() < 0.4 else (pick_side(rng),)
    for side in sides:
        amount = severity * rng.uniform(0.7, 1.0)
        level = anatomy.dome(side) + 0.10 - 0.42 * amount
        across = np.clip(side * grid.x / anatomy.half_width, 0.0, 1.1)
        meniscus = np.float32(level) - np.float32(0.10 + 0.16 * amount) * (across - 0.35).clip(0.0) ** 3 / 0.27
        fluid = soft(grid.y - meniscus, 0.025) * chest.lungs[side]
        chest.density += np.float32(0.42 + 0.12 * amount) * fluid


def pneumothorax(chest: Chest, rng: Rng, severity: float) -> None:
    """Black air without vessels over a collapsed lung whose edge shows as a thin bright line."""
    grid, side = chest.grid, pick_side(rng)
    anatomy = chest.anatomy
    gap = 0.07 + 0.17 * severity
    wall = chest.wall(grid.y)
    top = anatomy.apex + 0.10 + 0.30 * severity
    edge = np.minimum(
        wall - np.float32(gap) * (1.15 - 0.5 * soft(grid.y, 0.7)), 0.95 * chest.wall(grid.y - (top - anatomy.apex))
    )
    across = side * grid.x
    air = soft(across - edge, grid.edge(0.010)) * chest.lungs[side]
    line = np.maximum(1.0 - np.abs(across - edge) / max(0.012, 1.2 * grid.pixel), 0.0) * chest.lungs[side]
    marks = np.float32(0.16 * anatomy.markings) * chest.vessels + np.float32(0.16 + 0.08 * severity)
    chest.density += np.float32(0.20) * line - air * marks
    chest.density += np.float32(0.06 + 0.10 * severity) * (chest.lungs[side] - air).clip(0.0)


def pleural_thickening(chest: Chest, rng: Rng, severity: float) -> None:
    """A bright, uneven rind along the wall and over the tip."""
    grid = chest.grid
    for side in (-1, 1) if rng.random() < 0.4 else (pick_side(rng),):
        wall = chest.wall(grid.y)
        rough = np.interp(grid.y[:, 0], np.linspace(-1.2, 1.2, 14), rng.uniform(0.4, 1.2, 14)).astype(np.float32)
        thick = np.float32(0.045 + 0.055 * severity) * rough[:, None]
        rind = soft(side * grid.x - wall + thick, grid.edge(0.012)) * chest.lungs[side]
        cap = chest.lungs[side] * soft(chest.anatomy.apex + 0.08 + 0.07 * severity - grid.y, 0.02)
        chest.density += np.float32(0.26 + 0.16 * severity) * np.maximum(rind, np.float32(0.8) * cap)


def pneumoperitoneum(chest: Chest, rng: Rng, severity: float) -> None:
    """A black crescent of free air between the diaphragm, now a thin line, and the liver."""
    grid = chest.grid
    for side in (-1, 1) if rng.random() < 0.5 else (-1,):
        dome = chest.diaphragm(side)
        middle = side * 0.52 * chest.anatomy.half_width
        height = np.float32(0.07 + 0.07 * severity) * np.maximum(1.0 - ((grid.x - middle) / 0.30) ** 2, 0.0)
        below = grid.y - dome - np.float32(0.018)
        crescent = soft(below, grid.edge(0.008)) * soft(height - below, grid.edge(0.01)) * (height > 0.01)
        chest.density -= np.float32(0.36 + 0.12 * severity) * crescent.astype(np.float32)


def subcutaneous_emphysema(chest: Chest, rng: Rng, severity: float) -> None:
    """Dark streaks that comb the soft tissue of chest wall and neck."""
    grid, anatomy = chest.grid, chest.anatomy
    lines = []
    for side in (-1, 1) if rng.random() < 0.5 else (pick_side(rng),):
        for _ in range(int(14 + 14 * severity)):
            y = rng.uniform(-0.75, 0.45)
            out = float(chest.wall(y)) + rng.uniform(0.03, max(0.12, anatomy.fat + 0.06))
            length = rng.uniform(0.08, 0.20)
            bend = rng.uniform(-0.02, 0.02)
            lines.append(([(side * out, y), (side * (out + bend), y + length / 2), (side * (out + 0.02), y + length)],
                          rng.uniform(0.012, 0.024)))  # fmt: skip
        for _ in range(int(5 + 5 * severity)):
            x, y = side * rng.uniform(0.12, 0.5), rng.uniform(-1.0, -0.82)
            lines.append(([(x, y), (x + side * 0.10, y + rng.uniform(0.0, 0.06))], rng.uniform(0.012, 0.022)))
    streaks = grid.strokes(lines) * (1.0 - chest.lung)
    chest.density -= np.float32(0.22 + 0.20 * severity) * streaks
