"""Anyone's tables: probabilities or truth by film name, from a CSV or parquet file of any origin.

The published code saves a CSV whose unnamed first column holds absolute image paths, then a column per label; label
files have `id` or `path` and a column per label.
"""

from pathlib import Path

import pandas as pd

from qcxr.analysis.predictions import few
from qcxr.analysis.tablefile import read_csv
from qcxr.errors import InputError
from qcxr.study.labels import canonical

ID_COLUMNS = ("image_id", "id", "path")
PATIENT_COLUMNS = ("patient_id", "subj_id", "subject_id", "Patient ID")
# Only these are cut off: a DICOM identifier has dots of its own.
SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff", ".bmp", ".npy", ".webp")
_SUFFIX = rf"(?i)\.({'|'.join(suffix[1:] for suffix in SUFFIXES)})$"


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
    _filled(frame[key], "film name", path)
    films = film_names(frame[key])
    _once(films, frame[key], path)
    owner = next((name for name in PATIENT_COLUMNS if name in frame), None)
    if owner is not None:
        _filled(frame[owner], "patient", path)
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


def _filled(column: pd.Series, what: str, path: Path) -> None:
    empty = column.isna() | (column == "")
    if empty.any():
        raise InputError(f"{path}: {int(empty.sum())} rows have no {what} in column {column.name!r}; fill it")


def _once(films: pd.Series, given: pd.Series, path: Path) -> None:
    """Refuse a film given twice, and films of one name in several folders, which cannot be told apart."""
    twice = films[films.duplicated()]
    if not len(twice):
        return
    alike = given[films == twice.iloc[0]].astype(str).unique()
    if len(alike) > 1:
        raise InputError(
            f"{path}: {few(alike, 2)} have one file name, by which films are joined; "
            "give each film a name of its own in a column image_id, in predictions and truth alike"
        )
    raise InputError(f"{path}: film given twice: {few(twice)}; keep one row per film")


def film_names(values: pd.Series) -> pd.Series:
    """Return the films' names from ids or paths, index kept: the last part, without an image suffix.

    >>> film_names(pd.Series(["/data/images/00000001_000.png", "1.2.840.99"])).to_list()
    ['00000001_000', '1.2.840.99']
    """
    # column by column: a loop over the films of ten runs takes as long as reading their tables
    names = values.astype(str).str.replace("\\", "/", regex=False).str.rstrip("/")
    return names.str.replace(r"^(?s:.*)/", "", regex=True).str.replace(_SUFFIX, "", regex=True)


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file; correct its name (names are relative to the list of runs)")
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        first = pd.read_csv(path, nrows=0).columns[0]
        return read_csv(path, texts=(*ID_COLUMNS, *PATIENT_COLUMNS, first))
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must hold a header and at least one row") from None
    except (OSError, ValueError) as error:  # no parquet, no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); give a CSV in UTF-8 or a .parquet file") from None
