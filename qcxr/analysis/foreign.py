"""Anyone's predictions: probabilities and truth from two tables of any origin, joined one-to-one into our own form.

The published code saves a CSV whose unnamed first column holds absolute image paths, then a column per label; label
files have `id` or `path` and a column per label. Rows are joined by film name, never by position.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from qcxr.analysis.predictions import few
from qcxr.errors import InputError
from qcxr.study.labels import canonical

ID_COLUMNS = ("image_id", "id", "path")
PATIENT_COLUMNS = ("patient_id", "subj_id", "subject_id", "Patient ID")
# Only these are cut off: a DICOM identifier has dots of its own.
SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff", ".bmp", ".npy", ".webp")


def read_foreign(path: str | Path, *, role: str) -> tuple[pd.DataFrame, pd.Series | None]:
    """Return (labels by film, patients by film or None) from a CSV or parquet table.

    role: `predictions` or `truth`, for errors; a table of our own form gives its p_ or y_ columns. Both results are
    indexed by film name, label columns under canonical names, float64. Raises InputError if the file is missing or
    empty, a film is given twice or has no name, two columns mean one label, or a label column is not numeric.
    """
    path = Path(path)
    frame = _read(path)
    if not len(frame):
        raise InputError(f"{path}: no rows; {role} must hold at least one film")
    key = next((name for name in ID_COLUMNS if name in frame), frame.columns[0])
    if frame[key].isna().any():
        raise InputError(f"{path}: {int(frame[key].isna().sum())} rows have no film name in column {key!r}; fill it")
    films = frame[key].map(film_name)
    twice = films[films.duplicated()]
    if len(twice):
        raise InputError(f"{path}: film given twice: {few(twice)}; keep one row per film")
    owner = next((name for name in PATIENT_COLUMNS if name in frame), None)
    patients = None if owner is None else pd.Series(frame[owner].astype(str).to_numpy(), index=films.to_numpy())

    prefix = "p_" if role == "predictions" else "y_"
    own_form = any(str(name).startswith(prefix) for name in frame)
    columns: dict[str, str] = {}
    for name in frame.columns:
        if name in (key, owner) or (own_form and not str(name).startswith(prefix)):
            continue
        label = canonical(str(name).removeprefix(prefix) if own_form else str(name))
        if label in columns:
            raise InputError(f"{path}: columns {columns[label]!r} and {name!r} both mean {label}; keep one of them")
        columns[label] = name
    labels = frame[list(columns.values())].set_axis(list(columns), axis=1).set_axis(films.to_numpy(), axis=0)
    return labels, patients


def film_name(value: object) -> str:
    """Return the film's name from an id or a path: the last part, without an image suffix.

    >>> film_name("/data/images/00000001_000.png"), film_name("1.2.840.99")
    ('00000001_000', '1.2.840.99')
    """
    name = PurePosixPath(str(value).replace("\\", "/")).name
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and f".{suffix.lower()}" in SUFFIXES else name


def join(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    patients: pd.Series | None,
    *,
    labels: Sequence[str] | None,
    source: str,
    against: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Return (prediction table of our form, notes) from two tables indexed by film.

    labels: of the task, in order; None takes the predictions' columns. A label that the truth does not have becomes not
    covered (NA), and a note says so; without a patient column each film counts as a patient of its own, with a note.
    Raises InputError if either side lacks films, the predictions lack a label, or the truth has none of them.
    """
    for lacking, side, other in (
        (predictions.index.difference(truth.index), against, source),
        (truth.index.difference(predictions.index), source, against),
    ):
        if len(lacking):
            raise InputError(
                f"{side}: {len(lacking)} films of {other} are missing: {few(lacking)}; give the same films"
            )
    labels = list(predictions.columns) if labels is None else list(labels)
    absent = [label for label in labels if label not in predictions]
    if absent:
        raise InputError(
            f"{source}: label columns are missing: {few(absent)}; the task needs each of {few(labels, 30)}"
        )
    unknown = [label for label in labels if label not in truth]
    if len(unknown) == len(labels):
        raise InputError(f"{against}: none of the labels {few(labels)} is a column, got {few(truth.columns)}")

    notes = [f"{against}: no column for {few(unknown, 30)}: not covered, left out of means"] if unknown else []
    if patients is None:
        columns = " or ".join(PATIENT_COLUMNS)
        notes.append(f"{against}: no column {columns}: every film is taken as a patient of its own")
    films = predictions.index.sort_values()
    table = {
        "image_id": films.to_numpy(),
        "patient_id": (films if patients is None else patients.reindex(films)).to_numpy().astype(str),
    }
    for label in labels:
        table[f"p_{label}"] = _numbers(predictions[label], source).reindex(films).to_numpy()
    for label in labels:
        if label in unknown:
            values = pd.array([pd.NA] * len(films), dtype="Int8")
        else:
            values = _whole(_numbers(truth[label], against).reindex(films), label, against)
        table[f"y_{label}"] = values
    return pd.DataFrame(table), notes


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file; correct its name (names are relative to the list of runs)")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        names = list(pd.read_csv(path, nrows=0).columns)
        as_text = {name: str for name in (*ID_COLUMNS, *PATIENT_COLUMNS, names[0]) if name in names}
        return pd.read_csv(path, dtype=as_text)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must hold a header and at least one row") from None
    except (OSError, ValueError) as error:  # no parquet, no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); give a CSV in UTF-8 or a .parquet file") from None


def _numbers(column: pd.Series, source: str) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").astype(np.float64)
    wrong = column[numbers.isna() & column.notna()]
    if len(wrong):
        raise InputError(
            f"{source}: column {column.name} must hold numbers, got {wrong.iloc[0]!r} for {wrong.index[0]}"
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
