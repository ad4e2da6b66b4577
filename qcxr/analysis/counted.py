"""Training counts made elsewhere: how many training films have each finding."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis.predictions import few
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError
from qcxr.study.labels import canonical

COLUMNS = ("label", "n_positive")


def read_counts(path: str | Path) -> dict[str, int]:
    """Return {label under its canonical name: positive training films} from a CSV with columns label, n_positive.

    A study's own `manifest/{dataset}-counts.csv` will do: of its splits, train is taken. InputError if the file is
    missing or empty, lacks a column, names a label twice, or a count is not a whole number >= 0.
    """
    try:
        frame = read_table(path)
    except ValueError as error:  # no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); give a CSV in UTF-8") from None
    if lacking := [column for column in COLUMNS if column not in frame]:
        raise InputError(f"{path}: columns are missing: {', '.join(lacking)}; it must have {', '.join(COLUMNS)}")
    if "split" in frame:
        frame = frame[frame["split"] == "train"]
    if not len(frame):
        raise InputError(f"{path}: no training counts; give a row per label")
    numbers = pd.to_numeric(frame["n_positive"], errors="coerce")
    wrong = ~((numbers >= 0) & (numbers % 1 == 0))
    if wrong.any():
        row = frame[wrong].iloc[0]
        raise InputError(f"{path}: n_positive must be a whole number >= 0, got {row['n_positive']} for {row['label']}")
    labels = [canonical(label) for label in frame["label"]]
    if twice := [label for label in dict.fromkeys(labels) if labels.count(label) > 1]:
        raise InputError(f"{path}: label counted twice: {few(twice)}; keep one row per label")
    return dict(zip(labels, numbers.astype(int).tolist(), strict=True))


def of_task(counts: dict[str, int], labels: Sequence[str], source: str) -> dict[str, int]:
    """The counts of a task's labels, in its order; InputError, naming `source`, if one was not counted."""
    if lacking := [label for label in labels if label not in counts]:
        raise InputError(f"{source}: no training count of {few(lacking)}; count every label of the task")
    return {label: counts[label] for label in labels}


def as_table(counts: dict[str, int]) -> pd.DataFrame:
    """The counts as figures read them: dataset, split, label, n (the films, whose number is not known), n_positive."""
    about = {"dataset": "training", "split": "train"}
    return pd.DataFrame([about | {"label": label, "n": pd.NA, "n_positive": n} for label, n in counts.items()])
