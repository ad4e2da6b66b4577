"""Names set directly at the points of a panel, where they hide neither points nor each other."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from qcxr.analysis.figures import style

DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
DISTANCES = (5, 9, 14, 20, 28, 38)  # points
LINED = 9  # points from which on a thin line leads from the point to its name
RADIUS = 3  # of a marker, points


def name_points(axes: Axes, points: Mapping[str, tuple[float, float]], *, fontsize: float = 6) -> None:
    """Write each name beside its point (data coordinates): the nearest free place, or the one that hides least.

    Call it when all else is drawn and limits are set: it lays the figure out, and names take no part in that.
    """
    figure = axes.get_figure()
    figure.draw_without_rendering()
    per_point = figure.dpi / 72
    panel = axes.get_window_extent()
    at = {name: axes.transData.transform(point) for name, point in points.items()}
    taken = [_around(place, RADIUS * per_point) for place in at.values()]
    for name, place in sorted(at.items(), key=lambda item: tuple(item[1])):
        width, height = _size(axes, name, fontsize)
        best = None
        for cost, distance in enumerate(DISTANCES):
            for direction in DIRECTIONS:
                box = _beside(place, direction, distance * per_point, width, height)
                hidden = sum(_overlap(box, other) for other in taken) + 10 * _outside(box, panel)
                if best is None or hidden + cost * 2 < best[0]:
                    best = (hidden + cost * 2, box, distance)
        assert best is not None
        _, box, distance = best
        taken.append(box)
        offset = ((box.x0 - place[0]) / per_point, (box.y0 - place[1]) / per_point)
        line = {"arrowprops": {"arrowstyle": "-", "color": style.FAINT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}}
        look: style.Keywords = {"textcoords": "offset points", "fontsize": fontsize, "zorder": 6}
        text = axes.annotate(name, points[name], offset, **look, **(line if distance >= LINED else {}))
        text.set_in_layout(False)


def _size(axes: Axes, name: str, fontsize: float) -> tuple[float, float]:
    """Width and height of a name in pixels."""
    text = axes.text(0, 0, name, fontsize=fontsize)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _around(place: np.ndarray, radius: float) -> Bbox:
    return Bbox([place - radius, place + radius])


def _beside(place: np.ndarray, direction: tuple[int, int], distance: float, width: float, height: float) -> Bbox:
    """The box of a name that lies in a direction from a point."""
    x, y = direction
    centre = place + np.array([x * (distance + width / 2), y * (distance + height / 2)])
    centre = centre - np.array([x * abs(y) * width / 4, 0])  # on a diagonal a name may begin above its point
    half = np.array([width, height]) / 2
    return Bbox([centre - half, centre + half])


def _overlap(box: Bbox, other: Bbox) -> float:
    common = Bbox.intersection(box, other)
    return 0.0 if common is None else float(common.width * common.height)


def _outside(box: Bbox, panel: Bbox) -> float:
    inside = Bbox.intersection(box, panel)
    return float(box.width * box.height) - (0.0 if inside is None else float(inside.width * inside.height))
