"""A patient's build: the numbers from which the plain chest is drawn. One per patient; a film only adds the breath.

Lengths are in film units (see `grid`); side -1 is the patient's right lung, on the left of the picture.
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Anatomy:
    """Where things are in an upright, centred chest; every finding that moves an organ returns a changed copy."""

    age: int  # years
    half_width: float  # of the rib cage at its widest
    apex: float  # y of the lung tips
    dome_right: float  # y of the diaphragm's top, right
    dome_left: float
    arch: float  # how far the diaphragm falls from its top to the costophrenic angle
    heart: float  # cardiothoracic ratio
    heart_height: float
    knob: float  # radius of the aortic knob
    uncoiling: float  # how far the aorta swings out: 0 straight
    rib_gap: float
    rib_slope: float
    rib_strength: float
    fat: float  # soft tissue beside the rib cage, and overall thickness
    breasts: float  # 0 for none
    arms: float  # how far the upper arms are lifted off the trunk
    spine_bend: float
    stomach: float  # size of the gas bubble under the left diaphragm; 0 for none
    lung_air: float  # how black the lungs are
    markings: float  # strength of the vessels
    seed: int  # of the vessel tree

    def dome(self, side: int) -> float:
        return self.dome_right if side < 0 else self.dome_left

    def with_dome(self, side: int, y: float) -> "Anatomy":
        return replace(self, dome_right=y) if side < 0 else replace(self, dome_left=y)


def draw_patient(rng: np.random.Generator) -> Anatomy:
    """A healthy adult chest at random."""
    woman = rng.random() < 0.45
    dome = rng.normal(0.40, 0.05)
    return Anatomy(
        age=int(np.clip(rng.normal(55, 15), 18, 94)),
        half_width=rng.normal(0.68 if woman else 0.72, 0.03),
        apex=rng.normal(-0.80, 0.03),
        dome_right=dome,
        dome_left=dome + rng.uniform(0.02, 0.08),
        arch=rng.uniform(0.22, 0.32),
        heart=float(np.clip(rng.normal(0.45, 0.025), 0.38, 0.495)),
        heart_height=rng.uniform(0.27, 0.32),
        knob=rng.uniform(0.075, 0.105),
        uncoiling=rng.uniform(0.0, 0.25),
        rib_gap=rng.uniform(0.135, 0.160),
        rib_slope=rng.uniform(0.10, 0.30),
        rib_strength=rng.uniform(0.08, 0.16),
        fat=float(np.clip(rng.normal(0.16, 0.06), 0.06, 0.32)),
        breasts=rng.uniform(0.3, 1.0) if woman else 0.0,
        arms=rng.uniform(0.0, 1.0),
        spine_bend=rng.normal(0.0, 0.02),
        stomach=rng.uniform(0.5, 1.0) if rng.random() < 0.6 else 0.0,
        lung_air=rng.uniform(0.56, 0.66),
        markings=rng.uniform(0.7, 1.2),
        seed=int(rng.integers(2**31)),
    )


def breathe(anatomy: Anatomy, rng: np.random.Generator, *, portable: bool = False) -> Anatomy:
    """The same patient on another day: a deeper or shallower breath; portable films (AP) show a larger heart."""
    lift = rng.normal(-0.10 if portable else 0.0, 0.035)
    return replace(
        anatomy,
        dome_right=anatomy.dome_right + lift,
        dome_left=anatomy.dome_left + lift + rng.normal(0.0, 0.015),
        heart=anatomy.heart * (rng.normal(1.06, 0.02) if portable else rng.normal(1.0, 0.015)),
        arms=float(np.clip(anatomy.arms + rng.normal(0.0, 0.2), 0.0, 1.0)),
    )
