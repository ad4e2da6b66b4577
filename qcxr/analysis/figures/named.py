"""Names written at the points of a scatter, none over another: the nearest free place, in a fixed order of trying."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from qcxr.analysis.figures import style

AROUND = np.deg2rad([0, 180, 90, 270, 35, 145, 215, 325, 60, 120, 240, 300])
STEPS = (5, 8, 12, 17, 23, 30, 38, 47, 57, 68, 80, 95)  # points (1/72 inch) between a point and its name's nearest edge
NEAR = 12  # up to here a name is seen to be its point's without a line
RADIUS = 2.7  # of a marker
GAP = 1.0  # points left free around a name: letters are not as wide in a PDF as on a screen
Boxes = Float[np.ndarray, "boxes 4"]  # x0, y0, x1, y1


def name_points(
    axes: Axes,
    points: Float[np.ndarray, "points 2"],
    names: Sequence[str],
    *,
    others: Float[np.ndarray, "others 2"],
    size: float,
) -> list[Annotation]:
    """Write each name beside its point (in data coordinates), the earlier ones nearer; return the texts written.

    No name lies over another, over any point (others: those without a name), or beyond the panel; a thin line leads to
    one further away. A name without such a place is left out. The figure must be laid out before
    (`draw_without_rendering`); names have no part in its layout.
    """
    figure = axes.get_figure(root=True)
    dots = 72 / figure.dpi if figure else 1.0
    at = axes.transData.transform(points) * dots
    every = axes.transData.transform(np.vstack([points, others])) * dots
    taken = np.column_stack([every - RADIUS, every + RADIUS])
    panel = np.array(axes.get_window_extent().extents) * dots
    written = []
    for name, place, point in zip(names, at, points, strict=True):
        text = axes.annotate(name, tuple(point), (0, 0), textcoords="offset points", fontsize=size, zorder=6)
        text.set(in_layout=False, ha="center", va="center")
        extent = text.get_window_extent()
        half = np.array([extent.width, extent.height]) * dots / 2 + GAP
        free = _free(half, place, taken, panel)
        if free is None:
            text.remove()
            continue
        offset, led = free
        text.set_position(tuple(offset))
        if led:
            line: style.Keywords = {"color": style.FAINT, "linewidth": 0.5, "linestyle": (0, (2, 1)), "zorder": 2}
            edge = offset * (1 - float((half / np.maximum(np.abs(offset), 1e-9)).min()))
            axes.plot(*axes.transData.inverted().transform(np.array([place, place + edge]) / dots).T, **line)
        taken = np.vstack([taken, [*(place + offset - half), *(place + offset + half)]])
        written.append(text)
    return written


def _free(
    half: Float[np.ndarray, " 2"],
    at: Float[np.ndarray, " 2"],
    taken: Boxes,
    panel: Float[np.ndarray, " 4"],
) -> tuple[Float[np.ndarray, " 2"], bool] | None:
    """The first free offset for a name of half a size around a point, and whether it needs a line to lead to it."""
    for step in STEPS:
        for angle in AROUND:
            way = np.array([np.cos(angle), np.sin(angle)])
            offset = (
                way * (half + step).max() if step > STEPS[2] else np.sign(way.round(6)) * (half + step * np.abs(way))
            )
            low, high = at + offset - half, at + offset + half
            inside = (low >= panel[:2]).all() and (high <= panel[2:]).all()
            if inside and not _overlaps(low, high, taken):
                return offset, step > NEAR
    return None


def _overlaps(low: Float[np.ndarray, " 2"], high: Float[np.ndarray, " 2"], taken: Boxes) -> bool:
    return bool(((low < taken[:, 2:]) & (high > taken[:, :2])).all(axis=1).any())
