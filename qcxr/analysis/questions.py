"""The study's further questions, from files to files: rarity (trend), stability (variance), the varied (interaction).

For the workflow's rule `questions` and for `qcxr evaluate`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis.inputs import Paths, load
from qcxr.analysis.interaction import interaction
from qcxr.analysis.outline import Outline
from qcxr.analysis.trend import trend
from qcxr.analysis.variance import variance
from qcxr.study.files import write_csv

ANSWERS = ("trend", "variance", "interaction")


def questions(
    files: Mapping[str, Paths],
    out: Mapping[str, str | Path],
    *,
    heads: Sequence[str],
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
    adjust: str = "holm",
) -> dict[str, pd.DataFrame]:
    """Write trend.csv, variance.csv and interaction.csv to `out` (name -> path, some of `ANSWERS`); return the tables.

    files: kind -> path or paths: `metrics`, and where they are there `patients` and `search`. heads, against, outline:
    as of `statistics.compare`. adjust: how p are adjusted, a method of `qcxr.analysis.inference.METHODS`. A table
    without a row is written too, with its header.
    """
    read = {kind: load(kind, files[kind]) for kind in ("metrics", "patients", "search") if files.get(kind)}
    metrics, patients, search = (read.get(kind) for kind in ("metrics", "patients", "search"))
    given = Outline() if outline is None else outline
    asked = {
        "trend": lambda: trend(metrics, heads=heads, against=against, outline=outline, adjust=adjust),
        "variance": lambda: variance(
            metrics, heads=heads, against=against, outline=outline, patients=patients, search=search, adjust=adjust
        ),
        "interaction": lambda: interaction(metrics, given, heads=heads, against=against, adjust=adjust),
    }
    found = {name: asked[name]() for name in ANSWERS if name in out}
    for name, frame in found.items():
        write_csv(frame, out[name])
    return found
