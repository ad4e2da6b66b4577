"""What lies on the film without being a finding: wires and tubes, and shadows that a reader may take for a sign.

Nipples pass for nodules, a skin fold for a pneumothorax; electrodes are rounder than either.
"""

import numpy as np

from qcxr.phantom.chest import Chest
from qcxr.phantom.grid import Line


def curve(
    rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float], sag: float
) -> list[tuple[float, float]]:
    """A wire from start to end that bows by about `sag`."""
    t = np.linspace(0.0, 1.0, 12)
    bow = np.sin(np.pi * t) * rng.normal(0.0, sag) + np.sin(2 * np.pi * t) * rng.normal(0.0, 0.5 * sag)
    x = start[0] + (end[0] - start[0]) * t + bow
    y = start[1] + (end[1] - start[1]) * t + 0.5 * bow
    return list(zip(x.tolist(), y.tolist(), strict=True))


def draw_devices(chest: Chest, rng: np.random.Generator) -> None:
    """Electrodes with their wires, and perhaps a breathing tube or a central line."""
    grid, reach = chest.grid, chest.anatomy.half_width
    lines: list[Line] = []
    for _ in range(int(rng.integers(2, 5))):
        x, y = rng.uniform(-1.0, 1.0) * reach, rng.uniform(-0.6, 0.5)
        lines.append((curve(rng, (x, y), (rng.uniform(-1.2, 1.2), 1.2), 0.15), 0.010))
        chest.density += np.float32(0.22) * grid.ellipse(x, y, 0.028, 0.028, edge=0.008)
    if rng.random() < 0.4:  # breathing tube, in the windpipe
        lines.append((curve(rng, (0.02, -1.2), (0.0, -0.42), 0.01), 0.022))
    if rng.random() < 0.5:  # central line, from a collar bone to the right atrium's mouth
        side = int(rng.choice([-1, 1]))
        lines.append((curve(rng, (side * 0.5, -0.70), (-0.09, -0.62), 0.03), 0.014))
        lines.append((curve(rng, (-0.09, -0.62), (-0.12, rng.uniform(-0.2, 0.05)), 0.01), 0.014))
    chest.density += np.float32(0.20) * grid.strokes(lines)


def draw_mimics(chest: Chest, rng: np.random.Generator) -> None:
    """Harmless shadows: nipples, a skin fold, an old scar, an uneven haze of clothes and bedding."""
    grid, anatomy = chest.grid, chest.anatomy
    if rng.random() < 0.25:
        for side in (-1, 1):
            x, y = side * anatomy.half_width * rng.uniform(0.52, 0.62), anatomy.dome(side) - rng.uniform(0.06, 0.14)
            chest.density += np.float32(0.14) * grid.ellipse(x, y, 0.032, 0.030, edge=0.014)
    if rng.random() < 0.12:
        side = int(rng.choice([-1, 1]))
        x = side * anatomy.half_width * rng.uniform(0.6, 0.9)
        fold = curve(rng, (x, rng.uniform(-0.5, -0.2)), (x + side * rng.uniform(-0.1, 0.1), 0.4), 0.05)
        chest.density += np.float32(0.10) * grid.strokes([(fold, 0.03)], blur=0.015)
    if rng.random() < 0.20:
        side = int(rng.choice([-1, 1]))
        y = chest.depth(side, rng.uniform(0.3, 0.9))
        start = (side * rng.uniform(0.3, 0.5), y)
        scar = curve(rng, start, (start[0] + rng.uniform(-0.15, 0.15), y + rng.uniform(-0.1, 0.1)), 0.03)
        chest.density += np.float32(0.14) * grid.strokes([(scar, 0.014)], blur=0.004) * chest.lung
    chest.density += np.float32(0.018) * grid.clouds(rng, 5) * chest.body
