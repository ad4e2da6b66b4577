"""A lateral-like film: MIMIC holds them, and a reader of frontal films must leave them out by ViewPosition."""

import numpy as np

from qcxr.phantom.anatomy import Anatomy
from qcxr.phantom.chest import bars
from qcxr.phantom.grid import Grid, Picture, radius2, soft


def draw_lateral(anatomy: Anatomy, grid: Grid) -> Picture:
    """Attenuation of the same patient seen from the side, facing left: spine behind, heart in front."""
    y, rng = grid.y, np.random.default_rng(anatomy.seed)
    depth = 0.62 + 0.6 * anatomy.fat
    front = -depth * (0.55 + 0.45 * soft(y + 0.55, 0.35))
    back = depth * (0.70 + 0.30 * soft(y + 0.75, 0.35))
    middle, half = (front + back) / 2, (back - front) / 2
    body = np.sqrt(np.maximum(1.0 - ((grid.x - middle) / half) ** 4, 0.0)).astype(np.float32)
    diaphragm = (
        anatomy.dome_left + 0.30 * np.clip(grid.x + 0.25, 0.0, None) ** 1.5 + 0.10 * np.clip(-grid.x - 0.25, 0.0, None)
    )
    lung = soft(half - 0.13 - np.abs(grid.x - middle), 0.03) * soft(diaphragm - y, 0.015)
    lung = lung * soft(1.0 - np.sqrt(radius2(grid.x, grid.y, 0.02, 0.15, 0.72, 0.98)), 0.04)
    spine_x = 0.42 * depth + 0.10 * np.cos(1.6 * y).astype(np.float32)
    spine = soft(0.10 - np.abs(grid.x - spine_x), 0.02) * (np.float32(0.16) + np.float32(0.12) * bars(y, 0.16, 0.8))
    heart = grid.ellipse(-0.20, anatomy.dome_left - 0.14, 0.34 * anatomy.heart / 0.45, 0.26, -0.7, 0.08)
    hila = np.float32(0.16) * (grid.blob(0.06, -0.12, 0.14, 0.18) + grid.clouds(rng, 16) * np.float32(0.15)) * lung
    arms = grid.ellipse(-0.15, -0.95, 0.5, 0.28, edge=0.10)
    ribs = bars(y + 0.35 * grid.x, anatomy.rib_gap, 0.35) * soft(half - 0.05 - np.abs(grid.x - middle), 0.03)
    density = body * np.float32(1.02) - np.float32(0.60) * lung + spine + np.float32(0.30) * heart * lung + hila
    return (density + np.float32(0.15) * arms * body + np.float32(0.06) * ribs).astype(np.float32)
