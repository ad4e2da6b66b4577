"""Predictions and truth from two tables, joined one-to-one into our own form by film name, never by position."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from jaxtyping import Float64, Int

from qcxr.analysis.foreign import PATIENT_COLUMNS
from qcxr.analysis.predictions import few
from qcxr.errors import InputError

OWN_TASK = "of a task that is not one of the known label sets every column is taken for one"


@dataclass(frozen=True)
class Truth:
    """One table of truth, which many runs are joined to; source: what errors and notes call it.

    labels: by film. patients: by film, None where the table does not name them.
    """

    labels: pd.DataFrame
    patients: pd.Series | None
    source: str
    _checked: dict[str, pd.arrays.IntegerArray] = field(default_factory=dict, repr=False)
    _films: list[pd.Index] = field(default_factory=list, repr=False)

    @property
    def films(self) -> pd.Index:
        """The films, sorted: the order of every joined table."""
        if not self._films:
            self._films.append(self.labels.index.sort_values())
        return self._films[0]

    @property
    def owners(self) -> np.ndarray:
        """Each film's patient, in that order; the film itself where the table does not name patients."""
        owners = self.films if self.patients is None else self.patients.reindex(self.films)
        return owners.to_numpy().astype(str)

    def of(self, label: str) -> pd.arrays.IntegerArray:
        """Whether each film has the finding, NA where the table does not say; checked once for all runs."""
        if label not in self._checked:
            if label in self.labels:
                numbers = _numbers(self.labels[label], self.source, "")
                self._checked[label] = _whole(numbers.reindex(self.films), label, self.source)
            else:
                self._checked[label] = pd.array([pd.NA] * len(self.films), dtype="Int8")
        return self._checked[label]


def join(
    predictions: pd.DataFrame, truth: Truth, *, labels: Sequence[str] | None, source: str
) -> tuple[pd.DataFrame, list[str]]:
    """Return (prediction table of our form, notes) from predictions by film, which `source` names, and their truth.

    labels: of the task, in order; None takes the predictions' columns. A label that the truth does not have becomes not
    covered (NA), and a note says so; without a patient column each film counts as a patient of its own, with a note.
    Raises InputError if either side lacks films, the predictions lack a label, or the truth has none of them.
    """
    rows = _rows(predictions, truth, source)
    hint = "" if labels is not None else f"; if it is no label, remove it: {OWN_TASK}"
    labels = list(predictions.columns) if labels is None else list(labels)
    unknown = _not_covered(predictions, truth, labels, source)
    notes = [f"{truth.source}: no column for {few(unknown, 30)}: not covered, left out of means"] if unknown else []
    if truth.patients is None:
        columns = " or ".join(PATIENT_COLUMNS)
        notes.append(f"{truth.source}: no column {columns}: every film is taken as a patient of its own")
    table: dict[str, object] = {"image_id": truth.films.to_numpy(), "patient_id": truth.owners}
    table |= {f"p_{label}": _probabilities(predictions[label], source, hint)[rows] for label in labels}
    table |= {f"y_{label}": truth.of(label) for label in labels}
    return pd.DataFrame(table), notes


def _rows(predictions: pd.DataFrame, truth: Truth, source: str) -> Int[np.ndarray, " films"]:
    """The row of each film of the truth, in its order, among the predictions."""
    rows = predictions.index.get_indexer(truth.films)
    if (rows < 0).any() or len(predictions) != len(rows):
        for lacking, side, other in (
            (predictions.index.difference(truth.films), truth.source, source),
            (truth.films.difference(predictions.index), source, truth.source),
        ):
            if len(lacking):
                raise InputError(
                    f"{side}: {len(lacking)} films of {other} are missing: {few(lacking)}; give the same films"
                )
    return rows


def _not_covered(predictions: pd.DataFrame, truth: Truth, labels: Sequence[str], source: str) -> list[str]:
    """Return the labels that the truth does not have; the predictions must have all, the truth at least one."""
    absent = [label for label in labels if label not in predictions]
    if absent or not labels:
        raise InputError(
            f"{source}: label columns are missing: {few(absent)}; the task needs each of {few(labels, 30)}"
            if labels
            else f"{source}: no column of probabilities; give one per label"
        )
    unknown = [label for label in labels if label not in truth.labels]
    if len(unknown) == len(labels):
        raise InputError(
            f"{truth.source}: none of the labels {few(labels)} is a column, got {few(truth.labels.columns)}; "
            "name them alike"
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


def _probabilities(column: pd.Series, source: str, hint: str) -> Float64[np.ndarray, " films"]:
    """Numbers; where every column counts as a label (`hint`), one that holds no probabilities may be none."""
    numbers = _numbers(column, source, hint)
    values = numbers.to_numpy()
    wrong = (values < 0) | (values > 1)
    if hint and wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(
            f"{source}: column {column.name} must hold probabilities, got {values[i]:g} for {numbers.index[i]}{hint}"
        )
    return values


def _whole(column: pd.Series, label: str, source: str) -> pd.arrays.IntegerArray:
    wrong = column[column.notna() & ~column.isin([0, 1])]
    if len(wrong):
        raise InputError(
            f"{source}: {label} must be 0, 1 or empty, got {wrong.iloc[0]:g} for {wrong.index[0]}; "
            "decide what an uncertain label means first"
        )
    return pd.array(column.to_numpy(), dtype="Int8")
