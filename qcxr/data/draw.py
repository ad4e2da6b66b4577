"""Patients drawn for validation and test, so that rare labels come into every part as they are in the whole.

A film's class is its rarest label (of those that it shows, the one with the fewest films), or none. scikit-learn's
StratifiedGroupKFold spreads groups (patients) over folds so that each class has as many films in one as in another. Of
very many patients that takes minutes, and chance evens films out; then StratifiedKFold spreads the patients, each with
the rarest class of its films. Patients come in an order that a hash of the seed and their names makes: neither the
order of rows nor a library's random numbers decide anything.
"""

import hashlib
import math
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from jaxtyping import Int

from qcxr.errors import InputError
from qcxr.study.columns import Draw

# patients times folds: StratifiedGroupKFold takes about 50 microseconds for each
MOST = 100_000


def drawn(patients: pd.Series, labels: pd.DataFrame, draw: Draw) -> pd.Series:
    """Each film's split (train, val, test), all films of a patient in one.

    patients: of each film. labels: 0, 1 or missing, films by labels, with the same index.
    Raises InputError if there are fewer patients than parts.
    """
    of_test, of_val = (Fraction(round(100 * part), 100) for part in (draw.test, draw.val))
    folds = math.lcm(of_test.denominator, of_val.denominator)
    names = list(patients.unique())
    if len(names) < folds:
        raise InputError(
            f"draw of val {draw.val:g} and test {draw.test:g} needs {folds} patients at least, got {len(names)}; take "
            "other parts in the source's draw"
        )
    ranks = {name: rank for rank, name in enumerate(sorted(names, key=lambda name: _hash(draw.seed, name)))}
    fold = _folds(patients.map(ranks).to_numpy(), _rarest(labels), folds)
    last_test, last_val = int(of_test * folds), int((of_test + of_val) * folds)
    split = np.where(fold < last_test, "test", np.where(fold < last_val, "val", "train"))
    return pd.Series(split, index=patients.index, dtype=object)


def _folds(patient: Int[np.ndarray, " films"], kind: Int[np.ndarray, " films"], folds: int) -> np.ndarray:
    """Each film's fold; patients are numbers from 0 in the order in which they are dealt out."""
    # a second of imports that a table whose splits are told does without
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    found = np.zeros(len(patient), dtype=int)
    if np.bincount(kind).max() < folds:  # too few films for any class to be in every fold
        kind = np.zeros_like(kind)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        if (count := int(patient.max()) + 1) * folds <= MOST:
            rows = np.lexsort((kind, patient))  # it names classes as they come
            for fold, (_, chosen) in enumerate(StratifiedGroupKFold(folds).split(rows, kind[rows], patient[rows])):
                found[rows[chosen]] = fold
            return found
        rarest = np.full(count, kind.max())
        np.minimum.at(rarest, patient, kind)
        dealt = np.zeros(count, dtype=int)
        for fold, (_, chosen) in enumerate(StratifiedKFold(folds).split(rarest, rarest)):
            dealt[chosen] = fold
    return dealt[patient]


def _rarest(labels: pd.DataFrame) -> Int[np.ndarray, " films"]:
    """Each film's rarest positive label, by its rank from the rarest on; the last rank is none.

    Labels of equally many films are ranked by name, not by the order of columns.
    """
    shown = labels[sorted(labels.columns)].eq(1).to_numpy(dtype=bool, na_value=False)
    order = np.argsort(shown.sum(axis=0), kind="stable")
    return np.concatenate([shown[:, order], np.ones((len(shown), 1), dtype=bool)], axis=1).argmax(axis=1)


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
