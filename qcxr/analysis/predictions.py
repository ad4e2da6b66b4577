"""The prediction table: read, checked once, and put in one order, so that no later step can align by row.

A table holds `image_id`, `patient_id`, and for every label of the task `p_<label>` (probability) and `y_<label>`
(0, 1, or NA where the source does not cover the label). It is the only thing that scoring knows of a model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float64, Shaped

from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError

MEANS = ("mean", "mean_head", "mean_medium", "mean_tail")  # stand where a label stands, for averages over labels


class RunKey(NamedTuple):
    """Which run, on which test set; variant is "" where the study varies nothing, or nothing that the head has."""

    task: str
    head: str
    seed: int
    dataset: str
    variant: str = ""


@dataclass(frozen=True)
class Predictions:
    """One model's probabilities beside the truth, films sorted by image_id, labels in task order.

    Ids are text. Truth is 0 or 1, NaN where the label is not covered.
    """

    image_id: Shaped[np.ndarray, " films"]
    patient_id: Shaped[np.ndarray, " films"]
    labels: tuple[str, ...]
    probability: Float64[np.ndarray, "films labels"]
    truth: Float64[np.ndarray, "films labels"]

    def of(self, label: str) -> tuple[Float64[np.ndarray, " covered"], Float64[np.ndarray, " covered"]]:
        """Return (truth, probability) of one label over the films that cover it."""
        column = self.labels.index(label)
        truth = self.truth[:, column]
        covered = ~np.isnan(truth)
        return truth[covered], self.probability[covered, column]


def check(frame: pd.DataFrame, *, source: str = "predictions") -> Predictions:
    """Check a prediction table and return it sorted by image_id.

    Raises InputError, naming `source`, if the table is empty, an id is missing or given twice, a label has a
    probability without truth or the reverse or is called as means are, a probability is NaN or outside [0, 1], or a
    truth is not 0, 1 or NA.
    """
    labels = _labels(frame, source)
    for column in ("image_id", "patient_id"):
        if column not in frame:
            raise InputError(f"{source}: column {column} is missing, got {few(frame.columns)}; add it")
    if not len(frame):
        raise InputError(f"{source}: no rows; it must hold at least one film")

    ids = frame["image_id"]
    if any((frame[name].isna() | (frame[name] == "")).any() for name in ("image_id", "patient_id")):
        raise InputError(f"{source}: some rows have no image_id or patient_id; give every film both")
    ids = ids.astype(str)
    twice = ids[ids.duplicated()]
    if len(twice):
        raise InputError(f"{source}: image_id given twice: {few(twice)}; keep one row per film")
    order = np.argsort(ids.to_numpy(dtype=object), kind="stable")

    probability = _numbers(frame, [f"p_{label}" for label in labels], source)[order]
    truth = _numbers(frame, [f"y_{label}" for label in labels], source)[order]
    ids = ids.to_numpy(dtype=object)[order]
    for j, label in enumerate(labels):
        _check_label(label, ids, probability[:, j], truth[:, j], source)
    patients = frame["patient_id"].astype(str).to_numpy(dtype=object)[order]
    return Predictions(ids, patients, labels, probability, truth)


def _numbers(frame: pd.DataFrame, columns: list[str], source: str) -> Float64[np.ndarray, "films columns"]:
    try:
        return frame[columns].to_numpy(np.float64, na_value=np.nan)
    except (ValueError, TypeError):
        raise InputError(f"{source}: {few(_no_numbers(frame[columns]))} must hold numbers; correct it") from None


def _no_numbers(frame: pd.DataFrame) -> list[str]:
    """Each column with a value that is no number, and the first such value."""
    found = []
    for column in frame:
        wrong = frame[column].notna() & pd.to_numeric(frame[column], errors="coerce").isna()
        if wrong.any():
            found.append(f"{column} (got {str(frame[column][wrong].iloc[0])[:40]!r})")
    return found or list(frame)


def _labels(frame: pd.DataFrame, source: str) -> tuple[str, ...]:
    if strange := [column for column in frame if not isinstance(column, str)] or list(
        frame.columns[frame.columns.duplicated()]
    ):
        raise InputError(f"{source}: every column must have a name of its own, a text, got {strange[0]!r}; name it")
    labels = tuple(column[2:] for column in frame if column.startswith("p_"))
    truths = [column[2:] for column in frame if column.startswith("y_")]
    if not labels:
        raise InputError(f"{source}: no probability column p_<label>, got {few(frame.columns)}; add one per label")
    if taken := set(labels) & set(MEANS):
        raise InputError(f"{source}: no label may be called {few(sorted(taken))}, as means over labels are; rename it")
    for lacking, prefix in ((set(labels) - set(truths), "y_"), (set(truths) - set(labels), "p_")):
        if lacking:
            names = few(prefix + name for name in sorted(lacking))
            raise InputError(f"{source}: label columns are missing: {names}; every label needs both p_ and y_")
    return labels


def _check_label(
    label: str,
    ids: Shaped[np.ndarray, " films"],
    probability: Float64[np.ndarray, " films"],
    truth: Float64[np.ndarray, " films"],
    source: str,
) -> None:
    bad = ~((probability >= 0) & (probability <= 1))
    if bad.any():
        i = int(np.argmax(bad))
        raise InputError(
            f"{source}: p_{label} must be in [0, 1], got {probability[i]:g} for image_id {ids[i]} "
            f"({int(bad.sum())} such rows); give probabilities, not logits, and no NaN"
        )
    wrong = ~(np.isnan(truth) | (truth == 0) | (truth == 1))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(
            f"{source}: y_{label} must be 0, 1 or empty, got {truth[i]:g} for image_id {ids[i]}; "
            "write 1 for present, 0 for absent, empty for not covered"
        )


def read(path: str | Path) -> Predictions:
    """Read and check one prediction table from a parquet or CSV file."""
    return check(read_table(path), source=str(path))


def sharing(table: Predictions, other: Predictions) -> Predictions:
    """The table with another's arrays of films, patients and truth, where they hold the same."""
    same = {
        name: getattr(other, name)
        for name in ("image_id", "patient_id", "truth")
        if np.array_equal(getattr(table, name), getattr(other, name), equal_nan=name == "truth")
    }
    return replace(table, **same)


def same_films(tables: Mapping[str, Predictions]) -> None:
    """Raise InputError unless all tables hold the same films, labels and truth: heads are compared on one set."""
    (first_name, first), *rest = tables.items()
    for name, other in rest:
        if not np.array_equal(first.image_id, other.image_id):
            only = sorted(set(first.image_id) ^ set(other.image_id))
            raise InputError(
                f"{first_name} and {name} hold different films: {few(only)} in one only; predict one test set"
            )
        if first.labels != other.labels:
            raise InputError(
                f"{first_name} and {name} hold different labels: {few(first.labels)} and {few(other.labels)}; "
                "compare runs of one task"
            )
        if not np.array_equal(first.truth, other.truth, equal_nan=True):
            raise InputError(
                f"{first_name} and {name} disagree on the truth of a film; score both against one label file"
            )


def few(names: Iterable[object], limit: int = 5) -> str:
    """Return the first names of a list as text, and how many more there are, in one line whatever they hold."""
    texts = [" ".join(str(name).split()) for name in names]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more if texts else "nothing"
