"""The thresholds that a run's films are called positive at: Youden's, chosen on validation, as balanced accuracy's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qcxr.analysis import ranking
from qcxr.analysis.metrics import why_no_threshold
from qcxr.analysis.predictions import read, same_films


def chosen(tables: Sequence[Path | str]) -> dict[str, float]:
    """Threshold by label, of the mean of the tables' probabilities; labels that have none are left out.

    tables: prediction tables of the validation split, one for each run whose probabilities are averaged. Raises
    InputError where one cannot be read, or they are of different films.
    """
    read_in = {str(path): read(path) for path in tables}
    if not read_in:
        return {}
    same_films(read_in)
    first = next(iter(read_in.values()))
    mean = replace(first, probability=np.mean([table.probability for table in read_in.values()], axis=0))
    labels = [label for label in mean.labels if not why_no_threshold(mean, label)]
    return {label: ranking.youden_threshold(*mean.of(label)) for label in labels}
