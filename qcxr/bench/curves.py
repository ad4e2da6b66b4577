"""Time and memory of a step along the circuits' axes, a line per peer, which ends where it ran out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from qcxr.bench.peers.known import CIRCUITS, OURS
from qcxr.study.files import replacing

Row = Mapping[str, Any]
MEASURES = (("median_s", "seconds of a step"), ("peak_mb", "peak memory of the process, MB"))
MARKERS = "osD^vP*X<>h"
COLOURS = (*(f"C{k}" for k in range(10)), "black")  # as many as there are peers


def draw(axes: Mapping[str, Sequence[Row]], path: str | Path) -> None:
    """Draw a column of two pictures per axis (its heading -> its rows) and write them as a PNG."""
    # constrained layout leaves room for the legend below
    figure, grid = plt.subplots(2, len(axes), figsize=(4.6 * len(axes), 7.6), squeeze=False, layout="constrained")
    for column, (heading, rows) in enumerate(axes.items()):
        along = "n_layers" if len({row["n_qubits"] for row in rows}) == 1 else "n_qubits"
        for line, (measure, words) in enumerate(MEASURES):
            panel = grid[line][column]
            _lines(panel, rows, along, measure)
            panel.set(yscale="log", ylabel=words, xlabel={"n_qubits": "qubits", "n_layers": "layers"}[along])
            panel.set_xscale("log")
            ticks = sorted({row[along] for row in rows})
            panel.set_xticks(ticks, [str(tick) for tick in ticks])
            panel.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
            panel.grid(alpha=0.3)
        grid[0][column].set_title(heading, fontsize=10)
    handles = {
        label: line for row in grid for a in row for line, label in zip(*a.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    plt.close(figure)


def _lines(panel: Axes, rows: Sequence[Row], along: str, measure: str) -> None:
    for k, peer in enumerate(CIRCUITS):  # a colour and a marker per peer, whichever are there
        points = [(row[along], row[measure]) for row in rows if row["peer"] == peer and "median_s" in row]
        if points:
            width, above = (2.4, 3) if peer == OURS else (1.2, 2)
            panel.plot(
                *zip(*points, strict=True),
                label=peer,
                linewidth=width,
                zorder=above,
                color=COLOURS[k],
                marker=MARKERS[k],
            )
