"""The plain chest: an attenuation picture of the body, lungs, bones, heart and vessels that `anatomy` describes.

Attenuation adds up along the beam, so every organ is a term of a sum: soft tissue about 1 in the middle of the trunk,
air negative, bone positive. The scanner (`scanner`) turns the sum into gray values.
"""

from dataclasses import dataclass, field

import numpy as np

from qcxr.data.phantom.anatomy import Anatomy
from qcxr.data.phantom.grid import Array, Grid, soft

SIDES = (-1, 1)


@dataclass
class Chest:
    """A chest being drawn. `density` (H, W) is what the findings add to; the rest says where the organs lie."""

    anatomy: Anatomy
    grid: Grid
    density: Array
    lungs: dict[int, Array]  # by side, in [0, 1]
    vessels: Array
    ribs: Array
    body: Array
    heart: Array
    marks: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def lung(self) -> Array:
        """Both lungs, in [0, 1]."""
        return np.maximum(self.lungs[-1], self.lungs[1])

    def wall(self, y: Array | float) -> Array:
        """Distance of the rib cage's inner side from the midline at height y."""
        return rib_cage(self.anatomy, np.asarray(y, np.float32))

    def diaphragm(self, side: int) -> Array:
        """y of one diaphragm over the film's x; (1, W)"""
        return diaphragm(self.anatomy, self.grid, side)

    def depth(self, side: int, y: float) -> float:
        """The height at a share y of the way from the lung's tip to its diaphragm."""
        return self.anatomy.apex + y * (self.anatomy.dome(side) - self.anatomy.apex)


def rib_cage(anatomy: Anatomy, y: Array) -> Array:
    """Half-width of the rib cage's inside at heights y: 0 at the tips, rising fast, widest near the bases."""
    base = 0.45 * anatomy.dome_right + 0.55 * anatomy.dome_left + anatomy.arch
    t = np.clip((y - anatomy.apex) / (base - anatomy.apex), 0.0, 1.2)
    rise = np.maximum(1.0 - np.abs(1.0 - t) ** 4, 0.0)
    return (anatomy.half_width * np.sqrt(rise)).astype(np.float32)


def diaphragm(anatomy: Anatomy, grid: Grid, side: int) -> Array:
    """y of the diaphragm over x: a dome that falls gently to the heart and steeply to the costophrenic angle."""
    middle = 0.50 * anatomy.half_width
    reach = np.abs(grid.x) - middle
    lateral = np.clip(reach / (anatomy.half_width - middle), 0.0, 1.4) ** 2.6
    medial = np.clip(-reach / middle, 0.0, 1.0) ** 2
    return (anatomy.dome(side) + anatomy.arch * lateral + 0.25 * anatomy.arch * medial).astype(np.float32)


def draw_lung(anatomy: Anatomy, grid: Grid, side: int) -> Array:
    """One lung's outline, before heart and mediastinum lie over it."""
    across = side * grid.x
    wall = rib_cage(anatomy, grid.y)
    tip = np.clip((grid.y - anatomy.apex) / 0.3, 0.0, 1.0)
    medial = (0.10 + 0.16 * (1.0 - tip) ** 2).astype(np.float32)
    inside = soft(wall - across, grid.edge(0.018)) * soft(across - medial, 0.02)
    return inside * soft(diaphragm(anatomy, grid, side) - grid.y, grid.edge(0.012))


def draw_body(anatomy: Anatomy, grid: Grid) -> Array:
    """Thickness of the trunk, neck and upper arms; 0 where the beam meets only air."""
    trunk = anatomy.half_width + anatomy.fat
    y = grid.y
    # neck, then the slope of the shoulders, then the trunk's side
    shoulder = 0.22 + (trunk + 0.10) * soft(y + 0.86, 0.24)
    side = trunk + 0.10 * soft(-0.30 - y, 0.35) + 0.05 * soft(y - 0.5, 0.5)
    width = np.minimum(shoulder, side).astype(np.float32)
    ratio = np.abs(grid.x) / width
    body = np.sqrt(np.maximum(1.0 - ratio**4, 0.0)) * soft(1.0 - ratio, 0.02)
    gap = 0.05 + 0.25 * anatomy.arms
    for sign in SIDES:
        angle = 0.15 + 0.35 * anatomy.arms
        arm = grid.dome(sign * (trunk + gap + 0.14), -0.02, 0.15, 0.85, sign * angle)
        body = np.maximum(body, np.float32(0.75) * arm)
    return body


def draw_ribs(anatomy: Anatomy, grid: Grid) -> Array:
    """Posterior ribs, nearly level, crossed by the fainter anterior ones that run down towards the sternum."""
    across, gap = np.abs(grid.x), anatomy.rib_gap
    wall = rib_cage(anatomy, grid.y)
    reach = across / anatomy.half_width
    inside = soft(wall + 0.03 - across, 0.02) * soft(grid.y - anatomy.apex + 0.06, 0.05)
    posterior = grid.y - anatomy.rib_slope * 1.6 * (reach - 0.45) ** 2 + 0.02
    anterior = grid.y + (0.25 + anatomy.rib_slope) * (reach - 1.0) - 0.5 * gap
    return inside * (bars(posterior, gap, 0.42) + np.float32(0.6) * soft(reach - 0.35, 0.25) * bars(anterior, gap, 0.5))


def bars(height: Array, gap: float, share: float) -> Array:
    """Level bars every `gap`, each filling `share` of it, with brighter rims (the cortex of a bone)."""
    phase = np.abs(height / np.float32(gap) - np.round(height / np.float32(gap)))
    inner = soft(share / 2 - phase, 0.06)
    rim = np.maximum(1.0 - np.abs(phase - share / 2 + 0.03) * 14.0, 0.0)
    return np.float32(0.7) * inner + np.float32(0.5) * rim


def draw_bones(anatomy: Anatomy, grid: Grid) -> Array:
    """Collar bones, shoulder blades, the heads of the arm bones, and the spine with its discs."""
    lines = []
    for sign in SIDES:
        reach = anatomy.half_width
        y = anatomy.apex + 0.24
        lines.append(([(sign * 0.08, y), (sign * 0.3 * reach, y - 0.03), (sign * 0.7 * reach, y - 0.14),
                       (sign * 1.2 * reach, y - 0.17)], 0.055))  # fmt: skip
    bones = np.float32(0.16) * grid.strokes(lines)
    for sign in SIDES:
        x = sign * (anatomy.half_width + 0.16)
        bones += np.float32(0.16) * grid.ellipse(x + sign * 0.08, anatomy.apex + 0.17, 0.09, 0.10, edge=0.02)
        bones += np.float32(0.07) * grid.ellipse(x - sign * 0.08, anatomy.apex + 0.42, 0.07, 0.30, sign * 0.35)
    bend = grid.x - anatomy.spine_bend * np.cos(1.5 * grid.y).astype(np.float32)
    column = soft(0.085 - np.abs(bend), 0.015)
    discs = bars(grid.y, 0.155, 0.8)
    return bones + column * (np.float32(0.08) + np.float32(0.04) * discs)


def draw_vessels(anatomy: Anatomy, grid: Grid, lungs: dict[int, Array]) -> Array:
    """Hila and the vessel trees that spread from them, finer outwards; the same in all films of a patient."""
    rng = np.random.default_rng(anatomy.seed)
    lines = []
    for side in SIDES:
        for angle in np.linspace(-1.35, 1.35, 9):
            grow(lines, rng, side * 0.20, -0.10 + 0.04 * side, side, angle + rng.normal(0, 0.1), 0.17, 0.026, 4)
    tree = grid.strokes(lines)
    hila = sum(grid.blob(side * 0.21, -0.10 + 0.04 * side, 0.11, 0.20) for side in SIDES)
    return (tree * np.float32(0.9) + hila * np.float32(1.1)) * np.maximum(lungs[-1], lungs[1])


def grow(lines: list, rng: np.random.Generator, x: float, y: float, side: int, angle: float, length: float,
         width: float, order: int) -> None:  # fmt: skip
    """Add one vessel and its branches to `lines`."""
    bend = angle + rng.normal(0, 0.15)
    middle = (x + side * 0.5 * length * np.cos(angle), y + 0.5 * length * np.sin(angle))
    end = (middle[0] + side * 0.5 * length * np.cos(bend), middle[1] + 0.5 * length * np.sin(bend))
    lines.append(([(x, y), middle, end], width))
    if order > 1:
        for turn in (-0.32, 0.32):
            grow(lines, rng, *end, side, bend + turn + rng.normal(0, 0.12), length * rng.uniform(0.75, 0.95),
                 width * 0.6, order - 1)  # fmt: skip


def draw_heart(anatomy: Anatomy, grid: Grid) -> Array:
    """Heart, great vessels and aorta as one shadow in [0, 1]; `anatomy.heart` is its share of the chest's width."""
    total = 2.0 * anatomy.half_width * anatomy.heart
    base = anatomy.dome_left + 0.02
    left, right = 0.66 * total, 0.34 * total
    middle = base - anatomy.heart_height
    shadow = grid.ellipse((left - right) / 2 + 0.02, middle + 0.06, 0.5 * total, anatomy.heart_height, 0.35, 0.03)
    shadow = np.maximum(shadow, grid.ellipse(-right + 0.16, middle + 0.02, 0.16, 0.26, edge=0.03))
    swing = anatomy.uncoiling
    shadow = np.maximum(shadow, soft(0.13 + 0.03 * swing - np.abs(grid.x - 0.02), 0.03) * soft(grid.y + 0.95, 0.3))
    knob_x, knob_y = 0.13 + 0.06 * swing, aortic_knob(anatomy)
    shadow = np.maximum(shadow, grid.ellipse(knob_x, knob_y, anatomy.knob, anatomy.knob * 1.1, edge=0.015))
    trunk = grid.ellipse(0.12, knob_y + 0.24, 0.10, 0.16, edge=0.03)
    return np.maximum(shadow, np.float32(0.8) * trunk)


def aortic_knob(anatomy: Anatomy) -> float:
    """y of the aortic knob's middle."""
    return anatomy.apex + 0.43 - 0.08 * anatomy.uncoiling


def draw_chest(anatomy: Anatomy, grid: Grid) -> Chest:
    """Put the plain chest together."""
    body = draw_body(anatomy, grid)
    lungs = {side: draw_lung(anatomy, grid, side) for side in SIDES}
    lung = np.maximum(lungs[-1], lungs[1])
    ribs = draw_ribs(anatomy, grid)
    vessels = draw_vessels(anatomy, grid, lungs)
    heart = draw_heart(anatomy, grid)
    wall = rib_cage(anatomy, grid.y)
    # the lung is thinner, so less black, towards its rim
    rim = np.sqrt(np.maximum(1.0 - (np.abs(grid.x) / (wall + 0.05)) ** 4, 0.0)).astype(np.float32)
    density = body * np.float32(0.92 + 0.3 * (anatomy.fat - 0.16))
    density -= np.float32(anatomy.lung_air) * lung * (np.float32(0.35) + np.float32(0.65) * rim)
    density += np.float32(anatomy.rib_strength) * ribs * (np.float32(0.3) + np.float32(0.7) * lung)
    density += np.float32(0.16 * anatomy.markings) * vessels * (np.float32(1.0) - np.float32(0.8) * heart)
    density += heart * (np.float32(0.04) + np.float32(0.38) * lung)
    density += draw_bones(anatomy, grid) * np.minimum(body * 2.0, 1.0)
    windpipe = soft(0.035 - np.abs(grid.x + 0.01), 0.012) * soft(-0.28 - grid.y, 0.06)
    density -= np.float32(0.12) * windpipe
    if anatomy.breasts:
        for side in SIDES:
            size = 0.24 + 0.08 * anatomy.breasts
            breast = grid.dome(side * 0.56 * anatomy.half_width, anatomy.dome(side) - 0.02, size, size * 0.9)
            density += np.float32(0.16 * anatomy.breasts) * breast * np.minimum(body * 2.0, 1.0)
    if anatomy.stomach:
        y = anatomy.dome_left + 0.13
        density -= np.float32(0.18) * grid.ellipse(0.36, y, 0.13 * anatomy.stomach, 0.08 * anatomy.stomach, 0.2, 0.03)
    return Chest(anatomy=anatomy, grid=grid, density=density, lungs=lungs, vessels=vessels, ribs=ribs, body=body,
                 heart=heart)  # fmt: skip
