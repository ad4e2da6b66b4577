"""A film with saliency maps laid over it, as a PNG: what speaks for a label in orange, what against it in purple.

The colours are ColorBrewer's PuOr, which people with any of the common colour vision deficiencies tell apart.
"""

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from qcxr.study.files import replacing

Map = Float[np.ndarray, "height width"]
COLOURS = colormaps["PuOr_r"]
NOTICE = (
    "Orange speaks for the label, purple against it. Research software, not a medical device.\n"
    "A map shows what moved the network, not where a finding is."
)
_SHOWN = 0.995  # of a map's values, by size, lie within the colours' ends: one pixel must not fade all others
_OPAQUE = 0.75
_DPI = 150


def smoothed(values: Map) -> Map:
    """A map of single pixels, averaged over a Gaussian of a fiftieth of its side, so that an eye can read it."""
    return gaussian_filter(values, sigma=max(values.shape) / 50)


def draw(film: UInt8[np.ndarray, "height width"], title: str, maps: Mapping[str, Map], out: Path | str) -> None:
    """Write a PNG: the film as the network saw it, then each map over it, with its name and unit as the key.

    title: above all of it. The PNG's metadata say what it is not, as the picture does. Raises InputError if `out`
    cannot be written.
    """
    figure = Figure(figsize=(2.8 * (1 + len(maps)), 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    # as it is: a file's name may have two $
    figure.suptitle(title, fontsize=10, parse_math=False)
    figure.supxlabel(NOTICE, fontsize=7)
    plain, *panels = figure.subplots(1, 1 + len(maps), squeeze=False)[0]
    _show(plain, film, "the film\nas the network saw it")
    for axes, (name, values) in zip(panels, maps.items(), strict=True):
        _show(axes, film, name)
        end = float(np.quantile(np.abs(values), _SHOWN)) or 1.0
        scale = Normalize(-end, end)
        strength = np.clip(np.abs(values) / end, 0, 1)  # where a map says nothing the film is seen
        layer = COLOURS(scale(values))
        layer[..., 3] = _OPAQUE * strength
        axes.imshow(layer, interpolation="nearest")
        bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=axes, location="bottom", shrink=0.85, aspect=30)
        bar.set_ticks([-end, 0, end], labels=[f"{-end:.2g}", "0", f"{end:.2g}"], fontsize=7)
    with replacing(out) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a letter without a font is a box; the metadata have it
        figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Title": title, "Disclaimer": NOTICE})


def _show(axes: Axes, film: UInt8[np.ndarray, "height width"], name: str) -> None:
    axes.imshow(film, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_title(name, fontsize=8)
    axes.set_anchor("N")
    axes.set_axis_off()
