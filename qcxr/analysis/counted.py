"""Training counts, made elsewhere or a study's own: how many training films have each finding."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from qcxr.analysis.predictions import few
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError
from qcxr.study.labels import canonical

COLUMNS = ("label", "n_positive")
MOST = 2**53  # whole numbers beyond it are not exact as a float


def read_counts(path: str | Path) -> dict[str, int]:
    """Return {label under its canonical name: positive training films} from a CSV with columns label, n_positive.

    A study's own `manifest/{dataset}-counts.csv` will do: of its splits, train is taken. InputError if the file is
    missing, empty or no table, lacks a column, has a row without a label or names one twice, or a count is not a whole
    number >= 0.
    """
    frame = _read(Path(path))
    if lacking := [column for column in COLUMNS if column not in frame]:
        raise InputError(f"{path}: columns are missing: {', '.join(lacking)}; it must have {', '.join(COLUMNS)}")
    if "split" in frame:
        frame = frame[frame["split"] == "train"]
    if not len(frame):
        raise InputError(f"{path}: no training counts; give a row per label")
    # a parquet file may hold numbers or nothing where a CSV has text
    labels = ["" if pd.isna(label) else canonical(str(label)) for label in frame["label"]]
    if unnamed := labels.count(""):
        raise InputError(f"{path}: {unnamed} rows have no label; name the label of every count")
    numbers = pd.to_numeric(frame["n_positive"], errors="coerce").astype(np.float64)
    wrong = ~((numbers >= 0) & (numbers % 1 == 0) & (numbers <= MOST))
    if wrong.any():
        row = frame[wrong].iloc[0]
        got = f"got {row['n_positive']} for {row['label']}; correct it"
        raise InputError(f"{path}: n_positive must be a whole number >= 0, {got}")
    if twice := [label for label in dict.fromkeys(labels) if labels.count(label) > 1]:
        raise InputError(f"{path}: label counted twice: {few(twice)}; keep one row per label")
    return dict(zip(labels, numbers.astype(int).tolist(), strict=True))


def _read(path: Path) -> pd.DataFrame:
    try:
        return read_table(path)
    except InputError:  # says what is wrong itself
        raise
    except (OSError, ValueError) as error:  # no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); give a CSV in UTF-8 or a .parquet file") from None


def of_task(counts: dict[str, int], labels: Sequence[str], source: str) -> dict[str, int]:
    """The counts of a task's labels, in its order; InputError, naming `source`, if one was not counted."""
    if lacking := [label for label in labels if label not in counts]:
        raise InputError(f"{source}: no training count of {few(lacking)}; count every label of the task")
    return {label: counts[label] for label in labels}


def as_table(counts: dict[str, int]) -> pd.DataFrame:
    """The counts as figures read them: dataset, split, label, n (the films, whose number is not known), n_positive."""
    about = {"dataset": "training", "split": "train"}
    return pd.DataFrame([about | {"label": label, "n": pd.NA, "n_positive": n} for label, n in counts.items()])


def of_training(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts of training films, of the first data set that has some: that is what was trained on."""
    train = counts[counts["split"] == "train"]
    return train[train["dataset"] == train["dataset"].iloc[0]] if len(train) else train
