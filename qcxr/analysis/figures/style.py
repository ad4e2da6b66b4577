"""One colour, marker and hatch per head, the names people read, and how a figure is saved."""

import logging
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import ColorType
from PIL import Image

from qcxr.analysis.names import head_name, shortened
from qcxr.study import formulas
from qcxr.study.files import replacing

# Each PDF would put some fifty lines about subsetting its font into the log of its job.
logging.getLogger("fontTools").setLevel(logging.WARNING)

COLUMN, PAGE = 3.5, 7.16  # inches, the widths of a two-column page
INK, FAINT, BAND = "#222222", "#6e6e6e", "#ececec"
Keywords = dict[str, Any]  # of matplotlib's functions
WHITE_EDGE: Keywords = {"markeredgecolor": "white", "markeredgewidth": 0.4}  # keeps overlapping markers apart
Dashes = Literal["-"] | tuple[int, tuple[int, ...]]
Place = Literal["outside upper center", "outside lower center", "outside right center"]

# In code, not in a style file: the content hash that decides whether figures are redrawn sees modules only.
RC: dict[Any, Any] = {  # matplotlib's type is a list of all its settings
    "font.family": "sans-serif",
    "font.sans-serif": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.titley": 1.0,  # no axis has ticks above: to look for them takes a tenth of a figure's time
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.05,
    "figure.constrained_layout.w_pad": 0.05,
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "savefig.dpi": 220,
}


@dataclass(frozen=True)
class HeadStyle:
    """How one head looks in every figure."""

    colour: str
    marker: str
    hatch: str
    dashes: Dashes = "-"


# Found by search: each has a contrast of 3 or more against the page, and any two are 33 or more apart in CIELAB for
# normal sight, protanopia, deuteranopia and tritanopia alike (Machado 2009; `tests/analysis/test_contrast.py`). The
# first two differ in lightness too, so they stay apart in grey.
HEADS = {"cdl": HeadStyle("#12356f", "o", ""), "dqc": HeadStyle("#d95f02", "s", "////")}
OTHERS = (
    HeadStyle("#478d9d", "^", "...."),
    HeadStyle("#c85fee", "D", "xxxx"),
    HeadStyle("#4c1e04", "v", "\\\\\\\\"),
    HeadStyle("#8201f8", "P", "----"),
    HeadStyle("#8c9169", "X", "++++"),
)
# Hardly more colours can be told apart by everyone: a sixth other head takes the first colour again, with another
# marker, hatch and line. 13 and 7 have no divisor in common with 5, so no two of 35 heads are alike.
MARKERS = (*(look.marker for look in OTHERS), "<", ">", "p", "h", "d", "8", "H", "*")
HATCHES = (*(look.hatch for look in OTHERS), "ooo", "**")
DASHES: tuple[Dashes, ...] = (
    (0, (4, 1)), (0, (1, 1)), (0, (6, 1, 1, 1)), (0, (2, 2)), (0, (9, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (5, 3)),
)  # fmt: skip


def head_styles(heads: Iterable[str]) -> dict[str, HeadStyle]:
    """Return a style per head: colours of the paper's two are fixed, others take the next free look in the order given.

    The line of the first head is whole, others' are dashed.
    """
    styles: dict[str, HeadStyle] = {}
    free = 0
    for head in heads:
        look = HEADS.get(head)
        turn, k = divmod(free, len(OTHERS))
        if look is None:
            marker, hatch = MARKERS[free % len(MARKERS)], HATCHES[(free + turn) % len(HATCHES)]
            look = HeadStyle(OTHERS[k].colour, marker, hatch, DASHES[turn % len(DASHES)])
            free += 1
        else:
            look = replace(look, dashes=DASHES[0])
        styles[head] = look if styles else replace(look, dashes="-")
    return styles


def contrast(colour: ColorType, ground: ColorType = "white") -> float:
    """Contrast of two opaque colours, 1 to 21, as the Web Content Accessibility Guidelines (2.2) define it."""
    light, dark = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: ColorType) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def ink_on(colour: ColorType) -> str:
    """White or black, whichever reads better on a colour; one of them always has a contrast of 4.5."""
    return max("white", "black", key=lambda ink: contrast(ink, colour))


def pale(colour: ColorType, least: float = 3.0) -> str:
    """A colour mixed with as much white as leaves it a contrast of `least`: for thin lines that others lie over."""
    red, green, blue = (1 - c for c in to_rgb(colour))
    mixed = (
        to_hex((1 - share * red, 1 - share * green, 1 - share * blue)) for share in (k / 50 for k in range(20, 50))
    )
    return next((found for found in mixed if contrast(found) >= least), to_hex(colour))


def possible(limits: tuple[float, float]) -> tuple[float, float]:
    """Limits of an axis cut at what an AUROC or average precision can be: with two seeds a t-interval goes beyond."""
    low, high = limits
    return max(low, -0.02), min(high, 1.02)


def applied() -> AbstractContextManager:
    """Return the context in which every figure is drawn."""
    return matplotlib.rc_context(RC)


def legend(figure: Figure, handles: Sequence[Artist], *, loc: Place, title: str | None = None) -> None:
    """Put a legend outside the panels, in as many columns as its longest label leaves room for."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    wide = 0.42 + 0.058 * longest  # inches, at the legend's font size
    columns = max(1, min(len(handles), int(figure.get_figwidth() / wide)))
    figure.legend(handles=handles, loc=loc, ncols=columns, title=title, title_fontsize=8)


def empty(message: str, *, width: float = COLUMN, height: float = 1.6) -> Figure:
    """Return a figure that says in words why there is nothing to draw."""
    figure = Figure(figsize=(width, height))
    figure.text(0.5, 0.5, message, ha="center", va="center", color=INK, wrap=True)
    return figure


def save(figure: Figure, *, out_pdf: str | Path, out_png: str | Path) -> None:
    """Save as PDF (text as text) and PNG; the same figure gives the same bytes.

    The PNG has a palette of 256 colours: a third of the bytes, and a report holds many. What is lost are in-between
    shades at the edges of letters and lines, by less than 1 of 255 in the mean.
    """
    formulas.only_sound(figure)
    with replacing(out_pdf) as temporary:
        figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})
    figure.set_layout_engine("none")  # both are laid out alike, and once: it takes as long as drawing
    figure.set_dpi(RC["savefig.dpi"])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height(physical=True)
    image = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    few = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with replacing(out_png) as temporary:
        few.save(temporary, format="png", optimize=True, dpi=(RC["savefig.dpi"],) * 2)


def bar_handles(heads: Iterable[str]) -> list[Patch]:
    """Return a legend's entries for bars, one per head."""
    return [
        Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="white", label=head_name(head))
        for head, look in head_styles(heads).items()
    ]


def line_handles(heads: Iterable[str], *, note: str = "") -> list[Line2D]:
    """Return a legend's entries for lines with markers, one per head, a note behind each name."""
    return [
        Line2D([], [], color=look.colour, marker=look.marker, label=head_name(head) + note)
        for head, look in head_styles(heads).items()
    ]


def dashed_handles(heads: Iterable[str], *, marked: bool = False) -> list[Line2D]:
    """Return a legend's entries for lines as dashed as each head's, with markers where the lines are `marked`."""
    return [
        Line2D([], [], color=look.colour, linestyle=look.dashes, marker=look.marker * marked, label=head_name(head))
        for head, look in head_styles(heads).items()
    ]


def panels(
    titles: Sequence[str], *, columns: int, height: float, above: float = 0.5, sharey: bool = True
) -> tuple[Figure, list[Axes]]:
    """A page-wide figure with a small panel for each title, in order, axes shared; an empty title leaves a gap.

    above: inches left for a legend and for what stands around the panels.
    """
    size = 7.0 if max(map(len, titles)) * columns < 110 else 5.5
    rows = -(-len(titles) // columns)
    figure = Figure(figsize=(PAGE, above + height * rows))
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=sharey).ravel())
    for k, axes in enumerate(grid):
        shown = k < len(titles) and bool(titles[k])
        axes.set_visible(shown)
        if shown:
            axes.set_title(titles[k], fontsize=size, pad=3)
        below = [i for i in range(k + columns, len(titles), columns) if titles[i]]
        axes.tick_params(labelbottom=not below)
    return figure, grid


def title(head: str, *places: str) -> str:
    """A small panel's title: the head, cut if its name is long, and where."""
    return ", ".join([*shortened([head_name(head)], 22), *places])


def by_head(heads: Sequence[str], places: Sequence[str], *, columns: int) -> list[tuple[str, str] | None]:
    """(place, head) in the order of panels, every place on a row of its own; None is a gap."""
    order: list[tuple[str, str] | None] = []
    for place in places:
        order += [None] * (-len(order) % columns)
        order += [(place, head) for head in heads]
    return order


def runs_as_points(axes: Axes, x: Any, y: Any, look: HeadStyle, *, size: float | None = None, edge: float) -> None:
    """Draw single runs over a bar: white markers with an edge."""
    axes.plot(
        x,
        y,
        look.marker,
        color="white",
        markersize=size,
        markeredgecolor=INK,
        markeredgewidth=edge,
        zorder=4,
    )


def band(axes: Axes, x: Any, low: Any, high: Any, look: HeadStyle) -> None:
    """Fill between two curves; their thin edges are what can be seen of it on every screen."""
    edges: Keywords = {"edgecolor": pale(look.colour), "linewidth": 0.4}
    axes.fill_between(x, low, high, facecolor=to_rgba(look.colour, 0.12), **edges)


def said_in_panel(axes: Axes, text: str) -> None:
    """Say in the middle of a panel why it is empty."""
    axes.text(0.5, 0.5, text, ha="center", va="center", color=FAINT, style="italic")


def label_title(axes: Axes, label: str) -> None:
    """Head a label's panel, long names smaller."""
    axes.set_title(label, fontsize=7 if len(label) < 20 else 6, pad=3)


def label_grid(count: int) -> tuple[Figure, list[Axes]]:
    """A page-wide figure with one panel for each of `count` labels, in order; panels left over are hidden."""
    columns = 4 if count <= 8 else 5
    rows = -(-count // columns)
    figure = Figure(figsize=(PAGE, 0.55 + 1.45 * rows))
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel())
    for k, axes in enumerate(grid):
        axes.set_visible(k < count)
        axes.tick_params(labelbottom=k + columns >= count)  # the lowest panel of each column, also above a hidden one
    return figure, grid
