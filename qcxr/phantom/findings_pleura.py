"""Signs in the pleural space, under the diaphragm and in the chest wall. See `findings_lung` for the source."""

import numpy as np

from qcxr.phantom.chest import Chest
from qcxr.phantom.findings_lung import Rng, pick_side
from qcxr.phantom.grid import soft


def both_or_one(rng: Rng, both: float) -> tuple[int, ...]:
    """Both sides with probability `both`, else one of them."""
    return (-1, 1) if rng.random() < both else (pick_side(rng),)


def effusion(chest: Chest, rng: Rng, severity: float) -> None:
    """Fluid blunts the costophrenic angle; its upper border climbs the wall as a meniscus."""
    grid, anatomy = chest.grid, chest.anatomy
    for side in both_or_one(rng, 0.4):
        amount = severity * rng.uniform(0.5, 1.0)
        level = anatomy.dome(side) + 0.19 - 0.48 * amount
        across = np.clip(side * grid.x / anatomy.half_width, 0.0, 1.1)
        climb = np.float32(0.12 + 0.16 * amount) * np.maximum(across - 0.35, 0.0) ** 3 / np.float32(0.27)
        fluid = soft(grid.y - (np.float32(level) - climb), 0.03) * chest.lungs[side]
        fluid *= np.float32(1.0) - np.float32(0.85) * chest.heart
        chest.density += np.float32(0.40 + 0.10 * amount) * fluid


def pneumothorax(chest: Chest, rng: Rng, severity: float) -> None:
    """Black air without vessels over a collapsed lung whose edge shows as a thin bright line."""
    grid, side = chest.grid, pick_side(rng)
    anatomy = chest.anatomy
    gap = np.float32(0.02 + 0.18 * severity)
    drop = 0.08 + 0.26 * severity  # of the lung's tip
    edge = chest.wall(grid.y) - gap * (np.float32(1.15) - np.float32(0.6) * soft(grid.y, 0.7))
    edge = np.minimum(edge, np.float32(0.95) * chest.wall(grid.y - drop))
    across = side * grid.x
    air = soft(across - edge, grid.edge(0.010)) * chest.lungs[side]
    line = np.maximum(1.0 - np.abs(across - edge) / max(0.012, 1.2 * grid.pixel), 0.0) * chest.lungs[side]
    marks = np.float32(0.14 * anatomy.markings) * chest.vessels + np.float32(0.03 + 0.11 * severity)
    chest.density += np.float32(0.12) * line - air * marks
    chest.density += np.float32(0.03 + 0.08 * severity) * np.maximum(chest.lungs[side] - air, 0.0)


def pleural_thickening(chest: Chest, rng: Rng, severity: float) -> None:
    """A bright, uneven rind along the wall and over the tip."""
    grid = chest.grid
    for side in both_or_one(rng, 0.4):
        rough = np.interp(grid.y[:, 0], np.linspace(-1.2, 1.2, 12), rng.uniform(0.3, 1.2, 12)).astype(np.float32)
        thick = np.float32(0.04 + 0.055 * severity) * rough[:, None]
        rind = soft(side * grid.x - chest.wall(grid.y) + thick, grid.edge(0.016)) * chest.lungs[side]
        cap = chest.lungs[side] * soft(chest.anatomy.apex + 0.07 + 0.07 * severity - grid.y, 0.03)
        chest.density += np.float32(0.20 + 0.16 * severity) * np.maximum(rind, np.float32(0.8) * cap)


def pneumoperitoneum(chest: Chest, rng: Rng, severity: float) -> None:
    """A black crescent of free air between the diaphragm, now a thin line, and the liver."""
    grid = chest.grid
    for side in (-1, 1) if rng.random() < 0.5 else (-1,):
        middle = side * 0.52 * chest.anatomy.half_width
        height = np.float32(0.05 + 0.08 * severity) * np.maximum(1.0 - ((grid.x - middle) / 0.30) ** 2, 0.0)
        below = grid.y - chest.diaphragm(side) - np.float32(0.020)
        crescent = soft(below, grid.edge(0.008)) * soft(height - below, grid.edge(0.01))
        crescent *= soft(height - np.float32(0.01), 0.01)
        chest.density -= np.float32(0.30 + 0.16 * severity) * crescent


def subcutaneous_emphysema(chest: Chest, rng: Rng, severity: float) -> None:
    """Dark streaks that comb the soft tissue of chest wall and neck along the muscle fibres."""
    grid, fat = chest.grid, chest.anatomy.fat
    lines = []
    for side in both_or_one(rng, 0.5):
        for _ in range(int(16 + 20 * severity)):
            y = rng.uniform(-0.80, 0.50)
            out = float(chest.wall(y)) + rng.uniform(0.02, max(0.12, fat + 0.06))
            length, lean = rng.uniform(0.10, 0.26), rng.uniform(-0.05, 0.05)
            arc = [(side * (out + lean * t + 0.015 * np.sin(3 * t + y)), y + length * t) for t in np.linspace(0, 1, 5)]
            lines.append((arc, rng.uniform(0.008, 0.018)))
        for _ in range(int(6 + 8 * severity)):
            x, y, length = side * rng.uniform(0.12, 0.6), rng.uniform(-1.0, -0.82), rng.uniform(0.08, 0.2)
            lines.append(([(x, y), (x + side * length, y + length * rng.uniform(0.1, 0.5))], rng.uniform(0.008, 0.018)))
    streaks = grid.strokes(lines, blur=0.004) * (np.float32(1.0) - chest.lung) * chest.body
    chest.density -= np.float32(0.22 + 0.22 * severity) * streaks
