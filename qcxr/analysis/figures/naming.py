"""Names set directly at the points of a panel, where they hide neither points nor lines nor each other."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from qcxr.analysis.figures import style

DIRECTIONS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)], dtype=float)
DISTANCES = (5, 9, 14, 20, 28, 38)  # points
LINED = 9  # points from which on a thin line leads from the point to its name
RADIUS = 3  # of a marker, points
STEP = 4  # between the places of a line that a name may hide, points
FARTHER = 8  # square points that a name may hide before it goes one distance farther

Point = tuple[float, float]
Boxes = Float[np.ndarray, "boxes 4"]  # left, bottom, right, top in points


def name_points(
    axes: Axes, points: Mapping[str, Point], *, lines: Sequence[tuple[Point, Point]] = (), fontsize: float = 6
) -> None:
    """Write each name beside its point (data coordinates): the nearest free place, or the one that hides least.

    lines: ends of what else is drawn, in data coordinates. Call it when all else is drawn and limits are set: it lays
    the figure out, and names take no part in that.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    unit = figure.dpi / 72
    panel = np.array(axes.get_window_extent().extents) / unit
    at = {name: axes.transData.transform(point) / unit for name, point in points.items()}
    taken = [_around(place, RADIUS) for place in at.values()]
    for ends in lines:
        first, last = axes.transData.transform(ends) / unit
        steps = int(np.abs(last - first).max() / STEP) + 1
        taken += [_around(first + (last - first) * k / steps, 1) for k in range(steps + 1)]
    for name, place in sorted(at.items(), key=lambda item: tuple(item[1])):
        boxes = _places(place, _size(axes, name, fontsize, unit))
        far = np.repeat(np.arange(len(DISTANCES)), len(DIRECTIONS))
        hidden = _overlaps(boxes, np.array(taken)).sum(axis=1) + FARTHER * far
        beyond = _areas(boxes) - _overlaps(boxes, panel[None])[:, 0]
        best = int(np.argmin(hidden + 10 * beyond))
        taken.append(boxes[best])
        look: style.Keywords = {"textcoords": "offset points", "fontsize": fontsize, "zorder": 6}
        if DISTANCES[far[best]] >= LINED:
            line = {"arrowstyle": "-", "color": style.FAINT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
            look["arrowprops"] = line
        text = axes.annotate(name, points[name], tuple(boxes[best, :2] - place), **look)
        text.set_path_effects([withStroke(linewidth=1.5, foreground="white", alpha=0.8)])
        text.set_in_layout(False)


def _size(axes: Axes, name: str, fontsize: float, unit: float) -> Float[np.ndarray, " 2"]:
    """Width and height of a name in points."""
    text = axes.text(0, 0, name, fontsize=fontsize)
    box = text.get_window_extent()
    text.remove()
    return np.array([box.width, box.height]) / unit


def _around(place: Float[np.ndarray, " 2"], radius: float) -> Float[np.ndarray, " 4"]:
    return np.concatenate([place - radius, place + radius])


def _places(place: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 2"]) -> Boxes:
    """Where a name of that size may stand beside a point, near places first."""
    found = []
    for distance, direction in product(DISTANCES, DIRECTIONS):
        centre = place + direction * (distance + size / 2)
        if direction.all():  # on a diagonal a name begins above or below its point
            centre[0] -= direction[0] * (distance + size[0] / 4)
        found.append(np.concatenate([centre - size / 2, centre + size / 2]))
    return np.array(found)


def _overlaps(boxes: Boxes, others: Float[np.ndarray, "others 4"]) -> Float[np.ndarray, "boxes others"]:
    """The area that each pair of boxes has in common."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)


def _areas(boxes: Boxes) -> Float[np.ndarray, " boxes"]:
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
