"""Signs inside the lungs. Each function draws one finding of the given severity (0 to 1) into a chest.

The signs follow what chest radiology teaches (Goodman, Felson's Principles of Chest Roentgenology): ill-defined patches
for infiltration, a lobe filled up to its fissure for consolidation, perihilar haze and septal lines for edema, ...
"""

from dataclasses import replace

import numpy as np

from qcxr.phantom.anatomy import Anatomy
from qcxr.phantom.chest import Chest, hilum
from qcxr.phantom.grid import Picture, soft

Rng = np.random.Generator
Point = tuple[float, float]


def pick_side(rng: Rng) -> int:
    return -1 if rng.random() < 0.5 else 1


def place(chest: Chest, rng: Rng, side: int, top: float = 0.15, bottom: float = 0.9, rim: float = 0.85) -> Point:
    """A point inside one lung, `top` to `bottom` of the way down and at most `rim` of the way out to the wall."""
    y = chest.depth(side, rng.uniform(top, bottom))
    wall = float(chest.wall(y))
    inner = 0.24 if y < chest.anatomy.dome_left - 0.45 else 0.32
    return side * (inner + (rim * wall - inner) * rng.uniform(0.05, 1.0)), y


def patchy(chest: Chest, rng: Rng, cells: int) -> Picture:
    """Uneven air-space filling: positive noise around 1."""
    return np.maximum(np.float32(1.0) + np.float32(0.40) * chest.grid.clouds(rng, cells), 0.0)


def fill(opacity: Picture) -> Picture:
    """Air spaces fill up and then are full: 1 - exp(-opacity)."""
    return np.float32(1.0) - np.exp(-opacity)


def infiltration(chest: Chest, rng: Rng, severity: float) -> None:
    """Several faint, ill-defined patches, often in both lungs."""
    haze = np.zeros_like(chest.density)
    first = pick_side(rng)
    for k in range(int(rng.integers(3, 6))):
        side = first if k < 2 or rng.random() < 0.4 else -first
        x, y = place(chest, rng, side, 0.25, 0.95)
        haze += chest.grid.blob(x, y, rng.uniform(0.11, 0.20), rng.uniform(0.09, 0.16), rng.uniform(-1, 1))
    haze *= patchy(chest, rng, 24)
    chest.density += np.float32(0.08 + 0.22 * severity) * fill(np.float32(1.3) * haze) * chest.airspace


def pneumonia(chest: Chest, rng: Rng, severity: float) -> None:
    """One confluent, uneven opacity in a middle or lower zone, fading at its border."""
    side = pick_side(rng)
    x, y = place(chest, rng, side, 0.60, 0.90, 0.7)
    size = rng.uniform(0.20, 0.30)
    opacity = chest.grid.blob(x, y, size * 1.15, size, rng.uniform(-0.5, 0.5))
    opacity += np.float32(0.6) * chest.grid.blob(x + side * 0.08, y - 0.12, size * 0.7, size * 0.6)
    opacity *= patchy(chest, rng, 16)
    airspace = chest.lungs[side] * (np.float32(1.0) - np.float32(0.8) * chest.heart)
    chest.density += np.float32(0.10 + 0.32 * severity) * fill(np.float32(1.6) * opacity) * airspace


def consolidation(chest: Chest, rng: Rng, severity: float) -> None:
    """A lobe or segment filled evenly up to a sharp fissure, with dark air bronchograms in it."""
    grid, side = chest.grid, pick_side(rng)
    fissure = chest.depth(side, rng.uniform(0.42, 0.55))
    slope = side * rng.uniform(-0.05, 0.15)
    line = grid.y - fissure - np.float32(slope) * (grid.x - side * 0.3)
    upper = rng.random() < 0.5
    lobe = soft(-line if upper else line, grid.edge(0.01))
    if not upper:
        lobe = lobe * soft(fissure + rng.uniform(0.30, 0.45) - grid.y, 0.10)
    filled = lobe * chest.lungs[side] * (np.float32(1.0) - np.float32(0.8) * chest.heart)
    root = (side * 0.22, hilum(side))
    away = -0.28 if upper else 0.28
    tubes = [
        ([root, (side * reach, fissure + away * rng.uniform(0.3, 1.1))], 0.015) for reach in rng.uniform(0.35, 0.6, 4)
    ]
    filled *= np.float32(1.0) - np.float32(0.30) * grid.strokes(tubes, blur=0.006)
    chest.density += np.float32(0.12 + 0.28 * severity) * filled * patchy(chest, rng, 9) ** np.float32(0.3)


def mass(chest: Chest, rng: Rng, severity: float) -> None:
    """A bright disc wider than 3 cm, its border lobulated."""
    side = pick_side(rng)
    x, y = place(chest, rng, side, 0.2, 0.8, 0.8)
    radius = 0.080 + 0.055 * severity
    disc = chest.grid.ellipse(x, y, radius * rng.uniform(0.9, 1.2), radius, rng.uniform(-1.5, 1.5), 0.022)
    for _ in range(2):
        turn = rng.uniform(0, 2 * np.pi)
        beside, below = x + 0.5 * radius * np.cos(turn), y + 0.5 * radius * np.sin(turn)
        bump = chest.grid.ellipse(beside, below, 0.65 * radius, 0.65 * radius, edge=0.02)
        np.maximum(disc, bump, out=disc)
    chest.density += np.float32(0.24 + 0.18 * severity) * disc * np.maximum(chest.lungs[side], np.float32(0.2))


def nodule(chest: Chest, rng: Rng, severity: float) -> None:
    """A few small round opacities, narrower than 3 cm, their borders sharp."""
    discs = np.zeros_like(chest.density)
    for _ in range(int(rng.integers(2, 4 + round(4 * severity)))):
        x, y = place(chest, rng, pick_side(rng), 0.12, 0.9, 0.92)
        radius = rng.uniform(0.028, 0.045)
        np.maximum(discs, chest.grid.ellipse(x, y, radius, radius * rng.uniform(0.85, 1.15), edge=0.012), out=discs)
    chest.density += np.float32(0.18 + 0.22 * severity) * discs * chest.lung


def atelectasis_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """Lost volume lifts the diaphragm of one side."""
    side = pick_side(rng)
    return anatomy.with_dome(side, anatomy.dome(side) - (0.05 + 0.14 * severity))


def atelectasis(chest: Chest, rng: Rng, severity: float) -> None:
    """Plate-like bands just above the raised diaphragm, and crowded markings."""
    side = pick_side(rng)  # the same first draw as in atelectasis_shape, from the same stream: the same side
    base, width = chest.anatomy.dome(side), chest.anatomy.half_width
    lines = []
    for k in range(int(rng.integers(2, 4))):
        y = base - 0.06 - 0.09 * k - rng.uniform(0.0, 0.03)
        start, end, tilt = rng.uniform(0.22, 0.34), width * rng.uniform(0.70, 0.92), rng.uniform(-0.08, 0.04)
        along = np.linspace(0.0, 1.0, 6)
        xs, ys = side * (start + along * (end - start)), y + tilt * along - 0.02 * np.sin(np.pi * along)
        thick = rng.uniform(0.026, 0.040)
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        lines += [(points, 0.6 * thick), (points[1:-1], thick)]  # tapering at both ends
    bands = chest.grid.strokes(lines, blur=0.007) * chest.lungs[side]
    crowding = chest.airspace * chest.lungs[side] * soft(chest.grid.y - base + 0.22, 0.12)
    chest.density += np.float32(0.12 + 0.22 * severity) * bands
    chest.density += np.float32(0.03 + 0.12 * severity) * crowding * patchy(chest, rng, 20)


def edema(chest: Chest, rng: Rng, severity: float) -> None:
    """Haze around both hila in the shape of a bat's wings, swollen vessels, septal lines at the bases."""
    grid = chest.grid
    wings = sum(grid.blob(side * 0.30, rng.uniform(-0.10, 0.02), 0.30, 0.42, side * -0.25) for side in (-1, 1))
    lines = []
    for side in (-1, 1):
        for y in np.linspace(chest.depth(side, 0.68), chest.depth(side, 0.98), 7):
            wall = float(chest.wall(y))
            lines.append(([(side * (wall - 0.10), y), (side * (wall - 0.01), y + 0.01)], 0.008))
    wings *= np.float32(0.4) + np.float32(0.6) * patchy(chest, rng, 20)
    chest.density += np.float32(0.12 + 0.28 * severity) * fill(np.float32(1.6) * wings) * chest.airspace
    chest.density += np.float32(0.02 + 0.04 * severity) * chest.vessels * chest.airspace
    chest.density += np.float32(0.06 + 0.10 * severity) * grid.strokes(lines) * chest.lung


def fibrosis(chest: Chest, rng: Rng, severity: float) -> None:
    """A net of coarse lines at both bases and along the walls, denser towards the diaphragm."""
    grid = chest.grid
    low = soft(grid.y - chest.depth(1, 0.66), 0.28)
    rim = soft(np.abs(grid.x) - 0.66 * chest.wall(grid.y), 0.18)
    net = np.zeros_like(chest.density)
    for cells in (30, 44):
        ridge = np.abs(grid.clouds(rng, cells))
        net += np.maximum(np.float32(1.0) - np.float32(1.6) * ridge, 0.0)
    where = np.maximum(low * (np.float32(0.4) + np.float32(0.6) * rim), np.float32(0.35) * rim) * chest.airspace
    chest.density += (np.float32(0.08 + 0.16 * severity) * net + np.float32(0.04)) * where


def emphysema_shape(anatomy: Anatomy, rng: Rng, severity: float) -> Anatomy:
    """Trapped air: low, flat diaphragm, wide chest, narrow heart, black lungs with few vessels."""
    drop = 0.05 + 0.14 * severity
    return replace(
        anatomy,
        dome_right=anatomy.dome_right + drop,
        dome_left=anatomy.dome_left + drop,
        arch=anatomy.arch * (0.75 - 0.4 * severity),
        half_width=anatomy.half_width + 0.03 + 0.03 * severity,
        heart=anatomy.heart * (0.92 - 0.12 * severity),
        lung_air=anatomy.lung_air + 0.02 + 0.08 * severity,
        markings=anatomy.markings * (0.8 - 0.35 * severity),
    )


def emphysema(chest: Chest, rng: Rng, severity: float) -> None:
    """Bullae: thin-walled black holes in the upper zones."""
    for _ in range(int(rng.integers(1, 4))):
        x, y = place(chest, rng, pick_side(rng), 0.08, 0.4, 0.85)
        radius = rng.uniform(0.07, 0.12)
        inside = chest.grid.ellipse(x, y, radius, radius * 0.9, edge=0.02)
        outside = chest.grid.ellipse(x, y, radius + 0.012, radius * 0.9 + 0.012, edge=0.02)
        sign = np.float32(0.06) * (outside - inside) - np.float32(0.03 + 0.05 * severity) * inside
        chest.density += sign * chest.lung
