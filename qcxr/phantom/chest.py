"""The plain chest: an attenuation picture of the body, lungs, bones, heart and vessels that `anatomy` describes.

Attenuation adds up along the beam, so every organ is a term of a sum: soft tissue about 1 in the middle of the trunk,
air negative, bone positive. The scanner (`scanner`) turns the sum into gray values.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from qcxr.phantom.anatomy import Anatomy
from qcxr.phantom.grid import Grid, Line, Picture, soft

SIDES = (-1, 1)
TRUNKS = 7  # vessels that leave each hilum


@dataclass
class Chest:
    """A chest being drawn. `density` is what the findings add to; the rest says where the organs lie."""

    anatomy: Anatomy
    grid: Grid
    density: Picture
    lungs: dict[int, Picture]  # by side, in [0, 1]
    lung: Picture  # both
    body: Picture
    vessels: Picture
    heart: Picture
    ceiling: Picture  # the density of a chest whose lungs hold no air: no opacity is brighter

    @property
    def airspace(self) -> Picture:
        """The lungs that are not hidden by the heart, in [0, 1]."""
        return self.lung * (np.float32(1.0) - np.float32(0.8) * self.heart)

    def wall(self, y: Float[np.ndarray, "*shape"] | float) -> Float32[np.ndarray, "*shape"] | np.float32:
        """Distance of the rib cage's inner side from the midline at the heights y; of one height a scalar."""
        return rib_cage(self.anatomy, np.asarray(y, np.float32))

    def diaphragm(self, side: int) -> Float32[np.ndarray, "1 width"]:
        """y of one diaphragm over the film's x."""
        return diaphragm(self.anatomy, self.grid, side)

    def depth(self, side: int, y: float) -> float:
        """The height at a share y of the way from the lung's tip to its diaphragm."""
        return self.anatomy.apex + y * (self.anatomy.dome(side) - self.anatomy.apex)


def rib_cage(anatomy: Anatomy, y: Float32[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"] | np.float32:
    """Half-width of the rib cage's inside at heights y: 0 at the tips, rising fast, widest near the bases."""
    base = 0.45 * anatomy.dome_right + 0.55 * anatomy.dome_left + anatomy.arch
    t = np.clip((y - anatomy.apex) / (base - anatomy.apex), 0.0, 1.2)
    rise = np.maximum(1.0 - np.abs(1.0 - t) ** 4, 0.0)
    return (anatomy.half_width * np.sqrt(rise)).astype(np.float32)


def diaphragm(anatomy: Anatomy, grid: Grid, side: int) -> Float32[np.ndarray, "1 width"]:
    """y of the diaphragm over x: a dome that falls gently to the heart and steeply to the costophrenic angle."""
    middle = 0.50 * anatomy.half_width
    reach = np.abs(grid.x) - middle
    lateral = np.clip(reach / (anatomy.half_width - middle), 0.0, 1.4) ** 2.6
    medial = np.clip(-reach / middle, 0.0, 1.0) ** 2
    return (anatomy.dome(side) + anatomy.arch * lateral + 0.25 * anatomy.arch * medial).astype(np.float32)


def draw_lung(anatomy: Anatomy, grid: Grid, side: int) -> Picture:
    """One lung's outline, before heart and mediastinum lie over it."""
    across = side * grid.x
    wall = rib_cage(anatomy, grid.y)
    tip = np.clip((grid.y - anatomy.apex) / 0.3, 0.0, 1.0)
    medial = (0.10 + 0.16 * (1.0 - tip) ** 2).astype(np.float32)
    inside = soft(wall - across, grid.edge(0.018)) * soft(across - medial, 0.02)
    return inside * soft(diaphragm(anatomy, grid, side) - grid.y, grid.edge(0.012))


def draw_body(anatomy: Anatomy, grid: Grid) -> Picture:
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


def draw_ribs(anatomy: Anatomy, grid: Grid) -> Picture:
    """Posterior ribs, nearly level, crossed by the fainter anterior ones that run down towards the sternum."""
    across, gap = np.abs(grid.x), anatomy.rib_gap
    wall = rib_cage(anatomy, grid.y)
    reach = across / anatomy.half_width
    inside = soft(wall + 0.03 - across, 0.02) * soft(grid.y - anatomy.apex + 0.06, 0.05)
    posterior = grid.y - (0.1 + anatomy.rib_slope * 1.8) * (reach - 0.40) ** 2
    anterior = grid.y + (0.25 + anatomy.rib_slope) * (reach - 1.0) - 0.5 * gap
    ribs = bars(posterior, gap, 0.42)
    ribs += np.float32(0.55) * soft(reach - 0.35, 0.25) * bars(anterior, gap, 0.5)
    ribs *= inside
    return ribs


def bars(height: Float32[np.ndarray, "*shape"], gap: float, share: float) -> Float32[np.ndarray, "*shape"]:
    """Level bars every `gap`, each filling `share` of it, with brighter rims (the cortex of a bone)."""
    phase = height * np.float32(1.0 / gap)
    phase -= np.rint(phase)
    np.abs(phase, out=phase)
    rim = phase - np.float32(share / 2 - 0.03)
    np.abs(rim, out=rim)
    rim *= np.float32(-7.0)
    rim += np.float32(0.5)
    np.maximum(rim, np.float32(0.0), out=rim)
    rim += np.float32(0.7) * soft(np.float32(share / 2) - phase, 0.06)
    return rim


def draw_bones(anatomy: Anatomy, grid: Grid) -> Picture:
    """Collar bones, shoulder blades, the heads of the arm bones, and the spine with its discs."""
    lines = []
    reach, y = anatomy.half_width, anatomy.apex + 0.25
    along = np.linspace(0.0, 1.0, 9)
    for sign in SIDES:
        out = sign * (0.07 + along * (1.15 * reach - 0.07))
        rise = y - 0.16 * along**0.8 - 0.03 * np.sin(2 * np.pi * along)
        lines.append((list(zip(out.tolist(), rise.tolist(), strict=True)), 0.05))
    bones = np.float32(0.11) * grid.strokes(lines)
    for sign in SIDES:
        x = sign * (reach + 0.20)
        bones += np.float32(0.12) * grid.ellipse(x + sign * 0.06, anatomy.apex + 0.19, 0.09, 0.10, edge=0.025)
        bones += np.float32(0.05) * grid.ellipse(x - sign * 0.10, anatomy.apex + 0.44, 0.07, 0.28, sign * 0.35, 0.03)
    rows, columns = grid.window(0.0, 0.0, 0.2)[1], slice(None)
    bend = np.abs(grid.x[:, rows] - np.float32(anatomy.spine_bend) * np.cos(1.5 * grid.y))
    discs = bars(grid.y, 0.155, 0.8)
    bones[columns, rows] += soft(0.085 - bend, 0.03) * (np.float32(0.05) + np.float32(0.04) * discs)
    return bones


def draw_vessels(anatomy: Anatomy, grid: Grid, lung: Picture) -> Picture:
    """Hila and the vessel trees that spread from them, finer outwards; the same in all films of a patient."""
    rng = np.random.default_rng(anatomy.seed)
    lines: list[Line] = []
    for side in SIDES:
        trunks = np.linspace(-1.35, 1.35, TRUNKS) + rng.normal(0.0, 0.12, TRUNKS)
        x, y, angle = np.full(TRUNKS, side * 0.20), np.full(TRUNKS, hilum(side)), trunks
        length, width = rng.uniform(0.12, 0.20, TRUNKS), 0.026
        for _ in range(4):
            bend = angle + rng.normal(0.0, 0.18, angle.size)
            half = side * 0.5 * length
            xs = (x, x + half * np.cos(angle), x + half * (np.cos(angle) + np.cos(bend)))
            ys = (y, y + np.abs(half) * np.sin(angle), y + np.abs(half) * (np.sin(angle) + np.sin(bend)))
            points = np.stack([np.stack(xs, 1), np.stack(ys, 1)], 2).tolist()
            lines += [(line, width) for line in points]
            # every vessel forks in two
            turn = np.repeat([[-0.35, 0.35]], angle.size, 0).ravel() + rng.normal(0.0, 0.15, 2 * angle.size)
            x, y, angle = np.repeat(xs[2], 2), np.repeat(ys[2], 2), np.repeat(bend, 2) + turn
            length, width = np.repeat(length, 2) * rng.uniform(0.7, 0.95, angle.size), width * 0.58
    tree = grid.strokes(lines)
    for side in SIDES:
        tree += np.float32(0.8) * grid.blob(side * 0.20, hilum(side), 0.09, 0.17)
        for _ in range(3):
            tree += np.float32(0.5) * grid.blob(
                side * rng.uniform(0.16, 0.26), hilum(side) + rng.normal(0, 0.07), 0.05, 0.06
            )
    return tree * lung


def hilum(side: int) -> float:
    """y of a lung's root; the left one sits higher."""
    return -0.12 - 0.025 * side


def draw_heart(anatomy: Anatomy, grid: Grid) -> Picture:
    """Heart, great vessels and aorta as one shadow in [0, 1]; `anatomy.heart` is its share of the chest's width."""
    total = 2.0 * anatomy.half_width * anatomy.heart
    base = anatomy.dome_left + 0.04
    left, right = 0.67 * total, 0.33 * total
    middle = base - anatomy.heart_height
    shadow = grid.ellipse(
        (left - right) / 2 + 0.02, middle + 0.08, 0.51 * total, 0.92 * anatomy.heart_height, 0.40, 0.03
    )
    np.maximum(shadow, grid.ellipse(-right + 0.16, middle + 0.02, 0.16, 0.27, edge=0.03), out=shadow)
    swing, (knob_x, knob_y) = np.float32(anatomy.uncoiling), aortic_knob(anatomy)
    # the upper mediastinum's band; in a tortuous aorta its descending part bows left, its ascending part right
    down = np.clip((grid.y - knob_y) / np.float32(0.80), 0.0, 1.0)
    bow = swing * np.float32(0.15) * np.sin(np.pi * down**0.7)
    rise = swing * np.float32(0.06) * np.maximum(1.0 - ((grid.y - knob_y - 0.20) / 0.30) ** 2, 0.0)
    band = soft(0.135 + bow - grid.x, 0.02) * soft(grid.x + 0.125 + rise, 0.03) * soft(grid.y + 0.95, 0.3)
    np.maximum(shadow, band, out=shadow)
    np.maximum(shadow, grid.ellipse(knob_x, knob_y, anatomy.knob, anatomy.knob * 1.1, edge=0.015), out=shadow)
    trunk = grid.ellipse(0.12, knob_y + 0.24, 0.10, 0.16, edge=0.03)
    np.maximum(shadow, np.float32(0.8) * trunk, out=shadow)
    return shadow


def aortic_knob(anatomy: Anatomy) -> tuple[float, float]:
    """The middle of the aortic knob."""
    return 0.12 + 0.05 * anatomy.uncoiling, anatomy.apex + 0.43 - 0.07 * anatomy.uncoiling


def draw_chest(anatomy: Anatomy, grid: Grid) -> Chest:
    """Put the plain chest together."""
    body = draw_body(anatomy, grid)
    lungs = {side: draw_lung(anatomy, grid, side) for side in SIDES}
    lung = np.maximum(lungs[-1], lungs[1])
    vessels = draw_vessels(anatomy, grid, lung)
    heart = draw_heart(anatomy, grid)
    density = body * np.float32(0.86 + 0.3 * (anatomy.fat - 0.16))
    # below the diaphragm there is nothing but flesh; a broad, soft gain, since the dome is round from front to back too
    density += body * (np.float32(0.10) * soft(grid.y - anatomy.dome_left - 0.05, 0.25))
    # the lung is thinner, so less black, towards its rim
    rim = np.sqrt(np.maximum(1.0 - (np.abs(grid.x) / (rib_cage(anatomy, grid.y) + 0.05)) ** 4, 0.0))
    rim *= np.float32(-0.65 * anatomy.lung_air)
    rim -= np.float32(0.35 * anatomy.lung_air)
    rim *= lung
    density += rim
    density += draw_ribs(anatomy, grid) * (
        np.float32(0.3 * anatomy.rib_strength) + np.float32(0.7 * anatomy.rib_strength) * lung
    )
    shown = np.float32(1.0) - np.float32(0.85) * heart
    density += np.float32(0.14 * anatomy.markings) * vessels * shown
    density += heart * (np.float32(0.06) + np.float32(0.40) * lung)
    density += draw_bones(anatomy, grid) * np.minimum(body * np.float32(2.0), 1.0)
    windpipe = soft(0.035 - np.abs(grid.x + 0.01), 0.015) * soft(hilum(-1) - 0.14 - grid.y, 0.06)
    density -= np.float32(0.13) * windpipe
    if anatomy.breasts:
        for side in SIDES:
            size = 0.24 + 0.08 * anatomy.breasts
            breast = grid.dome(side * 0.58 * anatomy.half_width, anatomy.dome(side) - 0.04, size, size * 0.9)
            density += np.float32(0.15 * anatomy.breasts) * breast * np.minimum(body * np.float32(2.0), 1.0)
    if anatomy.stomach:
        size = anatomy.stomach
        density -= np.float32(0.15) * grid.ellipse(0.36, anatomy.dome_left + 0.14, 0.13 * size, 0.08 * size, 0.2, 0.03)
    ceiling = density - rim
    ceiling += np.float32(0.06)
    return Chest(
        anatomy=anatomy,
        grid=grid,
        density=density,
        lungs=lungs,
        lung=lung,
        body=body,
        vessels=vessels,
        heart=heart,
        ceiling=ceiling,
    )
