"""Volcano plot: evidence against difference, a named point per label."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from qcxr.analysis.charts import scale, svg

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 400, 290, 34, 392, 10, 244
LETTER, LINE = 6.6, 12.0  # width of a letter and height of a line, on average, of a point's name
LEAST_P = 1e-6  # the axis ends there: beyond it p depends on nothing that could be known
Box = tuple[float, float, float, float]
Place = tuple[float, float, str]  # of a text: x, y, and what of it lies at x


@dataclass(frozen=True)
class Point:
    """A label: its difference, the p that words follow, and all its numbers in words."""

    name: str
    difference: float
    p: float
    sure: bool
    said: str


def height(points: Sequence[Point], *, alpha: float) -> float:
    """The largest -log10 p that an axis must hold, for the panels that share it."""
    return max([-math.log10(alpha) * 1.5, *(1.08 * _evidence(point.p) for point in points if not math.isnan(point.p))])


def volcano(
    points: Sequence[Point], *, name: str, title: str, sides: tuple[str, str], alpha: float, reach: float, high: float
) -> str:
    """Draw the points as SVG; those without a p are left out. reach: of the axis of differences, high: of -log10 p."""
    across, up = scale.Scale(-reach, reach, LEFT, RIGHT), scale.Scale(0.0, high, BOTTOM - 8, TOP)
    shown = [point for point in points if not math.isnan(point.p)]
    desc = f"{len(shown)} labels; {sum(point.sure for point in shown)} lie above the line of p = {alpha:g}."
    root = svg.drawing(WIDTH, HEIGHT, name=name, title=title, desc=desc)
    _ground(root, across, up, sides, alpha)
    places = [(across(point.difference), up(_evidence(point.p))) for point in shown]
    line = up(_evidence(alpha))
    taken: list[Box] = [(LEFT, line - 14, LEFT + 50, line), *((x - 5, y - 5, x + 5, y + 5) for x, y in places)]
    order = sorted(range(len(shown)), key=lambda k: (not shown[k].sure, -abs(shown[k].difference)))
    named = {k: box for k in order if (box := _free(shown[k].name, *places[k], taken)) is not None}
    for k, point in enumerate(shown):
        x, y = places[k]
        group = svg.node(root, "g", class_="row", data_label=point.name)
        svg.node(group, "title", point.said)
        svg.node(group, "circle", cx=x, cy=y, r=9, class_="hit")
        svg.node(group, "circle", cx=x, cy=y, r=4, class_="point sure" if point.sure else "point")
        left, middle, anchor = named.get(k, (x + 7, y + 4, "start"))
        look = "spot" if k in named else "spot spare"
        svg.node(group, "text", point.name, x=left, y=middle, class_=look, text_anchor=anchor)
    return svg.text(root)


def _evidence(p: float) -> float:
    return -math.log10(max(p, LEAST_P))


def _ground(
    root: ElementTree.Element, across: scale.Scale, up: scale.Scale, sides: tuple[str, str], alpha: float
) -> None:
    zero, line = across(0.0), up(_evidence(alpha))
    svg.node(root, "line", x1=zero, x2=zero, y1=TOP, y2=BOTTOM, class_="zero")
    svg.node(root, "line", x1=LEFT, x2=RIGHT, y1=line, y2=line, class_="edge")
    svg.node(root, "text", f"p = {alpha:g}", x=LEFT + 4, y=line - 4, class_="tick")
    svg.node(root, "line", x1=LEFT, x2=RIGHT, y1=BOTTOM, y2=BOTTOM, class_="axis")
    svg.node(root, "line", x1=LEFT, x2=LEFT, y1=TOP, y2=BOTTOM, class_="axis")
    for value in across.ticks(6):
        x = across(value)
        svg.node(root, "line", x1=x, x2=x, y1=BOTTOM, y2=BOTTOM + 4, class_="axis")
        svg.node(root, "text", scale.tick(value), x=x, y=BOTTOM + 15, class_="tick", text_anchor="middle")
    for value in up.ticks(5):
        svg.node(root, "line", x1=LEFT - 4, x2=LEFT, y1=up(value), y2=up(value), class_="axis")
        svg.node(root, "text", f"{value:g}", x=LEFT - 7, y=up(value) + 4, class_="tick", text_anchor="end")
    svg.node(root, "text", f"← {sides[0]} higher", x=zero - 6, y=HEIGHT - 14, class_="side", text_anchor="end")
    svg.node(root, "text", f"{sides[1]} higher →", x=zero + 6, y=HEIGHT - 14, class_="side")


def _free(name: str, x: float, y: float, taken: list[Box]) -> Place | None:
    """Where a point's name finds room beside, above or below it; None if nowhere. The room is taken from then on."""
    wide = LETTER * len(name)
    starts = {"start": 0.0, "end": wide, "middle": wide / 2}
    places: list[Place] = [(x + 7, y + 4, "start"), (x - 7, y + 4, "end"), (x, y - 8, "middle"), (x, y + 16, "middle")]
    places += [(x + side, y + shift, anchor) for shift in (-6, 14) for side, anchor in ((5, "start"), (-5, "end"))]
    own = (x - 5, y - 5, x + 5, y + 5)
    for at, middle, anchor in places:
        left = at - starts[anchor]
        box = (left, middle - LINE + 2, left + wide, middle + 2)
        inside = box[0] >= LEFT + 2 and box[2] <= RIGHT and box[1] >= TOP and box[3] <= BOTTOM - 2
        if inside and not any(_meet(box, other) for other in taken if other != own):
            taken.append(box)
            return at, middle, anchor
    return None


def _meet(a: Box, b: Box) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
