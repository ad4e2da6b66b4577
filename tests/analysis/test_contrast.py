"""Every mark can be seen against the page, and heads stay apart for everyone: WCAG's contrast, Machado's simulation."""

import itertools

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.collections import Collection, QuadMesh
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from qcxr.analysis.figures import style

from .test_figures import KINDS, drawn, unseen

# Machado, Oliveira & Fernandes (2009), severity 1, for linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour):
    rgb = np.array(colors.to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(colour):
    """Against white, by the guidelines' formula; a colour that lets the page through is mixed with it first."""
    *rgb, opacity = colors.to_rgba(colour)
    mixed = [opacity * c + 1 - opacity for c in rgb]
    return 1.05 / (linear(mixed) @ TO_XYZ[1] + 0.05)


def lab(colour, sight):
    """CIELAB (D65) as seen with a kind of sight."""
    xyz = TO_XYZ @ np.clip(np.asarray(SIGHTS[sight]) @ linear(colour), 0, 1) / np.array([0.95047, 1, 1.08883])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def is_white(colour):
    return colors.to_rgba(colour)[:3] == (1, 1, 1)


def weak(artist):
    """What of an artist is too faint to be seen: colours of lines, markers, faces and letters, with their contrast."""
    if isinstance(artist, Text):
        shown = [(artist.get_color(), 4.5)] if artist.get_text().strip() else []
    elif isinstance(artist, Line2D):
        shown = (
            [(artist.get_color(), 3)] if artist.get_linestyle() not in ("None", "") and artist.get_linewidth() else []
        )
        if artist.get_marker() not in ("None", "", None):
            edged = artist.get_markeredgewidth() > 0 and not is_white(artist.get_markeredgecolor())
            shown.append((artist.get_markeredgecolor() if edged else artist.get_markerfacecolor(), 3))
        shown = [] if shown and all(is_white(colour) for colour, _ in shown) else shown  # an outline of what lies on it
    elif isinstance(artist, Patch):
        edged = artist.get_linewidth() > 0 and not is_white(artist.get_edgecolor())
        shown = [(artist.get_edgecolor() if edged else artist.get_facecolor(), 3)]
    else:
        edges, faces, widths = artist.get_edgecolor(), artist.get_facecolor(), artist.get_linewidth()
        edged = len(edges) and np.max(widths) > 0 and not all(map(is_white, edges))
        shown = [] if len(edges) and all(map(is_white, edges)) else [(c, 3) for c in (edges if edged else faces)]
    alpha = 1 if artist.get_alpha() is None else artist.get_alpha()
    faint = [(colors.to_rgba(colour, alpha), least) for colour, least in shown if colors.to_rgba(colour)[3]]
    return [
        (type(artist).__name__, colour, round(contrast(colour), 2))
        for colour, least in faint
        if contrast(colour) < least
    ]


def marks(figure):
    """All that a figure says something with: not its page, panels' backgrounds and frames, nor lines of a grid."""
    left_out = {figure.patch, *(axes.patch for axes in figure.axes), *unseen(figure)}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            left_out |= {tick.gridline for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())}
    for artist in figure.findobj(lambda found: isinstance(found, Text | Line2D | Patch | Collection)):
        seen = artist.get_visible() and (artist.axes is None or artist.axes.get_visible())
        # A table's colours are a scale, and what is written on them is held by `test_ink_is_read_on_every_colour`
        scale = isinstance(artist, QuadMesh) or (isinstance(artist, Text) and artist.axes and artist.axes.images)
        if seen and artist not in left_out and not scale:
            yield artist


@pytest.mark.parametrize("name", KINDS)
def test_every_mark_is_seen_on_the_page(study, name):
    found = [said for artist in marks(drawn(study, name)) for said in weak(artist)]
    assert not found, found[:5]


def test_a_faint_mark_is_found():
    for artist in (
        Line2D([], [], color="#eda12c"), Text(0, 0, "grey", color="#8a8a8a"), Patch(facecolor="#ececec", linewidth=0),
        Line2D([], [], color="#12356f", alpha=0.4), Line2D([], [], linestyle="", marker="o", color="#cccccc"),
    ):  # fmt: skip
        assert weak(artist), artist


def test_heads_stay_apart_for_everyone():
    """A CIELAB distance of 2 is just seen side by side; 30 is another colour at a glance."""
    looks = style.head_styles(["cdl", "dqc", *(f"head{k}" for k in range(len(style.OTHERS)))])
    found = [look.colour for look in looks.values()]
    assert len(set(found)) == 7 and min(map(contrast, found)) >= 3
    for sight, (one, other) in itertools.product(SIGHTS, itertools.combinations(found, 2)):
        assert np.linalg.norm(lab(one, sight) - lab(other, sight)) > 30, (sight, one, other)


def test_the_papers_heads_stay_apart_in_grey_and_without_colour():
    styles = style.head_styles(["cdl", "dqc", "matrix", "other"])
    lightness = [lab(look.colour, "normal")[0] for look in styles.values()]
    assert abs(lightness[0] - lightness[1]) > 25
    assert len({(look.marker, look.hatch) for look in styles.values()}) == 4


def test_ink_is_read_on_every_colour():
    rng = np.random.default_rng(0)
    for colour in map(tuple, rng.random((2000, 3)).tolist()):
        ink = linear(style.ink_on(colour)) @ TO_XYZ[1] + 0.05
        ground = linear(colour) @ TO_XYZ[1] + 0.05
        assert max(ink, ground) / min(ink, ground) >= 4.5
        assert style.contrast(colour) == pytest.approx(1.05 / ground, rel=1e-3)


def test_a_pale_colour_keeps_the_contrast_of_a_line():
    for look in (*style.HEADS.values(), *style.OTHERS):
        pale = style.pale(look.colour)
        assert 3 <= contrast(pale) <= contrast(look.colour) + 1e-9
