"""The figures that predictions made elsewhere allow, drawn one after the other."""

import gc
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

from tqdm import tqdm

from qcxr.analysis import figures
from qcxr.analysis.evaluation import Evaluation
from qcxr.analysis.inputs import Paths, load, read_predictions
from qcxr.analysis.predictions import Predictions, RunKey
from qcxr.analysis.prepare import Folder, let_go


def draw_all(folder: Folder, files: Mapping[str, Paths], heads: list[str], options: Evaluation) -> list[Path]:
    """Draw the figures asked for, each with the heads that it has runs of; return the PNG files.

    files: what was computed, by kind. A figure of a comparison is drawn where there is a pair of heads, one that shows
    training counts where they are known.
    """
    paired = set(load("tests", files["tests"])["task"])
    planned = [(base, keys) for base in figures.FIGURES if options.draws(base) for keys in _keys(base, folder)]
    # figures of predictions last, those of a test set together: its tables are read once
    planned.sort(key=lambda figure: figure[1] if "predictions" in figures.FIGURES[figure[0]].needs else ())
    cases = {"tasks": [task for task, _ in folder.cases], "datasets": [dataset for _, dataset in folder.cases]}
    tables: Mapping[RunKey, Predictions] = {}
    held: tuple[str, ...] = ()
    pngs = []
    for base, keys in tqdm(planned, unit="figure", desc="draw", disable=None, leave=False):
        entry = figures.FIGURES[base]
        case = keys if "task" in entry.by else ()
        shown = set(case[:1]) or {task for task, _ in folder.cases}  # a figure is of one task or of all
        if entry.pair and not shown & paired:
            continue  # if others have a pair, a note says so
        if entry.about and not entry.fits(heads=heads, **cases):
            continue
        given: dict[str, Any] = dict(files)
        if "predictions" in entry.needs:
            if case != held:
                tables, held = {}, case  # one test set's at a time
                tables = read_predictions(list(folder.of(*case).values()))
            given["predictions"] = tables
        if "counts" in entry.needs:
            if not shown <= set(folder.frequencies):
                continue
            given["counts"] = [folder.counts(task) for task in sorted(shown)]
        if any(kind not in given for kind in entry.needs):
            continue  # nothing is known of the groups of films, or no patients were drawn
        here = {run.head for run in folder.of(*case)}
        name = "-".join([base, *keys])
        png = folder.root / "figures" / f"{name}.png"
        drawn = [head for head in heads if head in here]
        asked = {key: getattr(options, key) for key in entry.options if hasattr(options, key)}
        out = {"out_pdf": png.with_suffix(".pdf"), "out_png": png}
        figures.draw(name, given, **out, heads=drawn, options=asked, outline=folder.outline)
        pngs.append(png)
        gc.collect()  # a figure's parts know each other, and are large
        let_go()
    return pngs


def _keys(base: str, folder: Folder) -> Iterator[tuple[str, ...]]:
    """The tasks, test sets and varied keys that a figure is drawn for; a test set only with the tasks it is of."""
    by = figures.FIGURES[base].by
    if "axis" in by:
        yield from product(folder.outline.axes)
        return
    places = {"task": 0, "dataset": 1}
    yield from dict.fromkeys(tuple(case[places[key]] for key in by) for case in folder.cases)
