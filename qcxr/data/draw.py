"""Patients drawn for validation and test, so that rare labels come into every part as they are in the whole.

scikit-learn's StratifiedGroupKFold spreads groups (patients) over folds so that the counts of one class per film are
as even as they can be. A film's class is its rarest label (of those that it shows, the one with the fewest films), or
none. Patients come in an order that a hash of the seed and their names makes: neither the order of rows nor a
library's random numbers decide anything.
"""

import hashlib
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from qcxr.errors import InputError
from qcxr.study.columns import Draw


def drawn(patients: pd.Series, labels: pd.DataFrame, draw: Draw) -> pd.Series:
    """Each film's split (train, val, test), all films of a patient in one.

    patients: of each film. labels: 0, 1 or missing, films by labels, with the same index.
    Raises InputError if there are fewer patients than parts.
    """
    parts = [Fraction(round(100 * part), 100) for part in (draw.test, draw.val)]
    folds = math.lcm(*(part.denominator for part in parts))
    names = pd.unique(patients)
    if len(names) < folds:
        raise InputError(
            f"draw of val {draw.val:g} and test {draw.test:g} needs {folds} patients at least, got {len(names)}; take "
            "other parts in the source's draw"
        )
    ranks = {name: rank for rank, name in enumerate(sorted(names, key=lambda name: _hash(draw.seed, name)))}
    order = np.argsort(patients.map(ranks).to_numpy(), kind="stable")
    groups, classes = patients.map(ranks).to_numpy()[order], _rarest(labels)[order]
    fold_of = np.zeros(len(patients), dtype=int)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        for fold, (_, chosen) in enumerate(StratifiedGroupKFold(folds).split(groups, classes, groups)):
            fold_of[order[chosen]] = fold
    of_test, of_val = (int(part * folds) for part in parts)
    split = np.where(fold_of < of_test, "test", np.where(fold_of < of_test + of_val, "val", "train"))
    return pd.Series(split, index=patients.index, dtype=object)


def _rarest(labels: pd.DataFrame) -> np.ndarray:
    """The number of each film's rarest positive label; -1 for none. Ties go by name, not by the order of columns."""
    shown = labels[sorted(labels.columns)].eq(1).to_numpy(dtype=bool, na_value=False)
    rank = np.argsort(np.argsort(shown.sum(axis=0), kind="stable"), kind="stable")
    places = np.where(shown, rank, len(rank)).min(axis=1, initial=len(rank))
    return np.where(places == len(rank), -1, places)


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
