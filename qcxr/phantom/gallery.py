"""A figure for people: one plain chest, and the same patient on the same day with each of the nineteen findings."""

import io
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from qcxr.phantom.anatomy import breathe, draw_patient
from qcxr.phantom.cohort import LABELS
from qcxr.phantom.findings import draw_findings
from qcxr.phantom.grid import Grid
from qcxr.phantom.scanner import draw_scanner, expose

COLUMNS, PIXELS, GRAYS = 5, 192, 48


def draw_gallery(out: Path | str, *, seed: int, severity: float = 0.75) -> None:
    """Write the figure as a PNG to `out`. severity: 0 hardly visible ... 1 gross."""
    rng = np.random.default_rng(seed)
    anatomy = breathe(draw_patient(rng), rng)
    grid = Grid(PIXELS, PIXELS)
    scanner = replace(draw_scanner(rng, portable=False), noise=0.004, sharpen=0.3, collimation=0.0)
    panels = ["No Finding", *LABELS]
    figure, axes = plt.subplots(
        -(-len(panels) // COLUMNS), COLUMNS, figsize=(8.0, 7.0), facecolor="white", layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, label in zip(axes.flat, panels, strict=False):
        severities = {label: severity} if label in LABELS else {}
        chest = draw_findings(anatomy, grid, severities, np.random.SeedSequence(seed))
        axis.imshow(expose(chest.density, grid, scanner, np.random.default_rng(seed)), cmap="gray", vmin=0, vmax=255)
        axis.set_title(label, fontsize=8, pad=3)
    figure.suptitle("Generated demo films: one patient, every finding (drawings, not radiographs)", fontsize=9)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150)
    plt.close(figure)
    # few gray levels keep the file small enough for a README
    small = Image.open(buffer).convert("L").quantize(GRAYS)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    small.save(out, optimize=True)
