"""Predictions and truth from two tables, joined one-to-one into our own form by film name, never by position."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qcxr.analysis.foreign import PATIENT_COLUMNS
from qcxr.analysis.predictions import few
from qcxr.errors import InputError

OWN_TASK = "of a task that is not one of the known label sets every column is taken for one"


@dataclass(frozen=True)
class Sources:
    """What two joined tables are called in errors and notes."""

    predictions: str
    truth: str


def join(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    patients: pd.Series | None,
    *,
    labels: Sequence[str] | None,
    sources: Sources,
) -> tuple[pd.DataFrame, list[str]]:
    """Return (prediction table of our form, notes) from two tables indexed by film.

    labels: of the task, in order; None takes the predictions' columns. A label that the truth does not have becomes not
    covered (NA), and a note says so; without a patient column each film counts as a patient of its own, with a note.
    Raises InputError if either side lacks films, the predictions lack a label, or the truth has none of them.
    """
    _same_films(predictions, truth, sources)
    hint = "" if labels is not None else f"; if it is no label, remove it: {OWN_TASK}"
    labels = list(predictions.columns) if labels is None else list(labels)
    unknown = _not_covered(predictions, truth, labels, sources)
    notes = [f"{sources.truth}: no column for {few(unknown, 30)}: not covered, left out of means"] if unknown else []
    if patients is None:
        columns = " or ".join(PATIENT_COLUMNS)
        notes.append(f"{sources.truth}: no column {columns}: every film is taken as a patient of its own")
    films = predictions.index.sort_values()
    table: dict[str, object] = {
        "image_id": films.to_numpy(),
        "patient_id": (films if patients is None else patients.reindex(films)).to_numpy().astype(str),
    }
    for label in labels:
        table[f"p_{label}"] = _probabilities(predictions[label], sources.predictions, hint).reindex(films).to_numpy()
    for label in labels:
        if label in unknown:
            table[f"y_{label}"] = pd.array([pd.NA] * len(films), dtype="Int8")
        else:
            numbers = _numbers(truth[label], sources.truth, "")
            table[f"y_{label}"] = _whole(numbers.reindex(films), label, sources.truth)
    return pd.DataFrame(table), notes


def _same_films(predictions: pd.DataFrame, truth: pd.DataFrame, sources: Sources) -> None:
    for lacking, side, other in (
        (predictions.index.difference(truth.index), sources.truth, sources.predictions),
        (truth.index.difference(predictions.index), sources.predictions, sources.truth),
    ):
        if len(lacking):
            raise InputError(
                f"{side}: {len(lacking)} films of {other} are missing: {few(lacking)}; give the same films"
            )


def _not_covered(predictions: pd.DataFrame, truth: pd.DataFrame, labels: Sequence[str], sources: Sources) -> list[str]:
    """Return the labels that the truth does not have; the predictions must have all, the truth at least one."""
    absent = [label for label in labels if label not in predictions]
    if absent:
        raise InputError(
            f"{sources.predictions}: label columns are missing: {few(absent)}; the task needs each of {few(labels, 30)}"
        )
    unknown = [label for label in labels if label not in truth]
    if len(unknown) == len(labels):
        raise InputError(
            f"{sources.truth}: none of the labels {few(labels)} is a column, got {few(truth.columns)}; name them alike"
        )
    return unknown


def _numbers(column: pd.Series, source: str, hint: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise InputError(
            f"{source}: column {column.name} must hold numbers, got {wrong.iloc[0]!r} for {wrong.index[0]}{hint}"
        )
    return numbers


def _probabilities(column: pd.Series, source: str, hint: str) -> pd.Series:
    """Numbers; where every column counts as a label (`hint`), one that holds no probabilities may be none."""
    numbers = _numbers(column, source, hint)
    wrong = numbers[~numbers.between(0, 1) & numbers.notna()]
    if hint and len(wrong):
        raise InputError(
            f"{source}: column {column.name} must hold probabilities, got {wrong.iloc[0]:g} for {wrong.index[0]}{hint}"
        )
    return numbers


def _whole(column: pd.Series, label: str, source: str) -> pd.arrays.IntegerArray:
    wrong = column[column.notna() & ~column.isin([0, 1])]
    if len(wrong):
        raise InputError(
            f"{source}: {label} must be 0, 1 or empty, got {wrong.iloc[0]:g} for {wrong.index[0]}; "
            "decide what an uncertain label means first"
        )
    return pd.array(column.to_numpy(), dtype="Int8")
