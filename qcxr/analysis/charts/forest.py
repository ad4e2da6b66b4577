"""Forest plot: a difference per row with the interval over seeds and patients, and its two parts beside it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np

from qcxr.analysis.charts import scale, svg
from qcxr.analysis.names import shortened

WIDTH, LEFT, RIGHT = 400, 148, 354  # the plot lies between LEFT and RIGHT; names before, marks behind
ROW, TOP, GAP, FOOT = 20, 6, 8, 38  # heights: of a row, above the first, around means, of the axis
PART = 5  # the parts of an interval lie so far above and below it
Ends = tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One comparison. key: what the page's filter knows it by. apart: a mean, set apart from the labels below it.

    total, seeds, patients: intervals, NaN where there is none; `total` is the one that leads, the others are its parts,
    drawn beside it even where one is as wide. sure: significant.
    said: all its numbers in words.
    """

    name: str
    value: float
    total: Ends
    seeds: Ends = (np.nan, np.nan)
    patients: Ends = (np.nan, np.nan)
    mark: str = ""
    sure: bool = False
    equivalent: bool = False
    apart: bool = False
    key: str = ""
    said: str = ""


def reach(rows: Iterable[Row], *, margin: float) -> float:
    """How far an axis goes to both sides of 0, for the panels that share it."""
    found = list(rows)
    return scale.reach([row.value for row in found], [end for row in found for end in row.total], least=margin)


def forest(rows: Sequence[Row], *, name: str, title: str, sides: tuple[str, str], margin: float, reach: float) -> str:
    """Draw rows from top to bottom as SVG.

    name: unique in the page. sides: who is better to the left and to the right of 0. margin: differences within it
    count as none, drawn as a band. Intervals that go beyond the axis end in an arrow.
    """
    gaps = np.cumsum([0, *(GAP * (a.apart != b.apart) for a, b in pairwise(rows))])
    middles = [TOP + ROW * (k + 0.5) + float(gap) for k, gap in enumerate(gaps[: len(rows)])]
    bottom = (middles[-1] if middles else TOP) + ROW / 2 + 2
    across = scale.Scale(-reach, reach, LEFT, RIGHT)
    desc = f"{len(rows)} rows, differences from {scale.signed(-reach)} to {scale.signed(reach)}; numbers in the table."
    root = svg.drawing(WIDTH, bottom + FOOT, name=name, title=title, desc=desc)
    _ground(root, across, bottom, sides, margin)
    names = shortened([row.name for row in rows], 26)
    for row, shown, y in zip(rows, names, middles, strict=True):
        _row(root, row, shown, y, across)
    return svg.text(root)


def _ground(
    root: ElementTree.Element, across: scale.Scale, bottom: float, sides: tuple[str, str], margin: float
) -> None:
    """The band of equivalence, the line of no difference, and the axis."""
    low, high = across(-margin), across(margin)
    svg.node(root, "rect", x=low, y=TOP - 4.0, width=high - low, height=bottom - TOP + 4, class_="band")
    for x in (low, high):
        svg.node(root, "line", x1=x, x2=x, y1=TOP - 4.0, y2=bottom, class_="edge")
    zero = across(0.0)
    svg.node(root, "line", x1=zero, x2=zero, y1=TOP - 4.0, y2=bottom, class_="zero")
    svg.node(root, "line", x1=LEFT, x2=RIGHT, y1=bottom, y2=bottom, class_="axis")
    for value in across.ticks(4):
        x = across(value)
        svg.node(root, "line", x1=x, x2=x, y1=bottom, y2=bottom + 4, class_="axis")
        svg.node(root, "text", scale.tick(value), x=x, y=bottom + 15, class_="tick", text_anchor="middle")
    left, right = shortened(sides, 13)
    svg.node(root, "text", f"← {left} higher", x=zero - 6, y=bottom + 31, class_="side", text_anchor="end")
    svg.node(root, "text", f"{right} higher →", x=zero + 6, y=bottom + 31, class_="side")


def _row(root: ElementTree.Element, row: Row, shown: str, y: float, across: scale.Scale) -> None:
    group = svg.node(root, "g", class_="row apart" if row.apart else "row", data_label=row.key or None)
    svg.node(group, "title", row.said)
    svg.node(group, "rect", x=0, y=y - ROW / 2, width=WIDTH, height=ROW, class_="hit")
    small = " long" * (len(shown) > 20)
    svg.node(group, "text", shown, x=LEFT - 8, y=y + 4, class_=f"name{small}", text_anchor="end")
    if np.isnan(row.value):
        svg.node(group, "text", "undefined", x=across(0.0) + 6, y=y + 4, class_="side")
        return
    for ends, kind, shift in ((row.seeds, "seeds", -PART), (row.patients, "patients", PART)):
        if not np.isnan(ends[0]):
            svg.node(
                group, "line", x1=across(ends[0]), x2=across(ends[1]), y1=y + shift, y2=y + shift, class_=f"part {kind}"
            )
    if not np.isnan(row.total[0]):
        _interval(group, row.total, y, across)
    _point(group, row, across(row.value), y)
    text = row.mark + (" ≈" if row.equivalent else "")
    svg.node(group, "text", text, x=RIGHT + 8, y=y + (7 if "*" in text else 4), class_="mark")


def _interval(group: ElementTree.Element, ends: Ends, y: float, across: scale.Scale) -> None:
    """The leading interval with caps, or with arrows where it goes on beyond the axis."""
    places = [across(end) for end in ends]
    svg.node(group, "line", x1=places[0], x2=places[1], y1=y, y2=y, class_="total")
    for end, x, way in zip(ends, places, (1, -1), strict=True):
        if across.low <= end <= across.high:
            svg.node(group, "line", x1=x, x2=x, y1=y - 3, y2=y + 3, class_="total")
        else:
            back = x + 5 * way
            arrow = f"M {back:.1f} {y - 4:.1f} L {x:.1f} {y:.1f} L {back:.1f} {y + 4:.1f}"
            svg.node(group, "path", d=arrow, class_="total arrow")


def _point(group: ElementTree.Element, row: Row, x: float, y: float) -> None:
    """A diamond for means, a circle for labels: filled where the difference is significant, else hollow."""
    filled = "point sure" if row.sure else "point"
    if row.apart:
        d = f"M {x - 6:.1f} {y:.1f} L {x:.1f} {y - 6:.1f} L {x + 6:.1f} {y:.1f} L {x:.1f} {y + 6:.1f} Z"
        svg.node(group, "path", d=d, class_=filled)
    else:
        svg.node(group, "circle", cx=x, cy=y, r=4, class_=filled)
