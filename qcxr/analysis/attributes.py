"""What is known of a film beside its labels (sex, age, view, ...), and the groups of films that it makes.

A table of attributes has a row per film, indexed by image_id: `age` in years, NaN where it is not known, every other
column text, "" where it is not known.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis.foreign import ID_COLUMNS, PATIENT_COLUMNS, film_name
from qcxr.analysis.predictions import few
from qcxr.analysis.tablefile import NOT_A_NUMBER, read_csv
from qcxr.errors import InputError

# names in NIH's entries, MIMIC's metadata and patients tables, in lower case
NAMES = {
    "sex": ("sex", "gender", "patient sex", "patient gender", "patientsex"),
    "age": ("age", "patient age", "anchor_age"),
    "view": ("view", "view position", "viewposition"),
}
FILM_COLUMNS = (*ID_COLUMNS, "dicom_id", "Image Index")
OLDEST = 120.0  # years; NIH's entries hold ages up to 414
MOST_GROUPS = 20  # a column with more different texts names something else than groups
UNKNOWN = "unknown"


def read_groups(path: str | Path) -> pd.DataFrame:
    """Read anyone's table of attributes by film name, from a CSV or parquet file.

    The film is named by one of `FILM_COLUMNS` (else by the first column), as in `qcxr.analysis.foreign.read_foreign`.
    Sex, age and view are known by the names in `NAMES`, whatever their case; every further column of texts is an
    attribute of its own. Columns of numbers and of more than `MOST_GROUPS` different texts are passed over; which,
    and why, is in `frame.attrs["passed_over"]` ({column: reason}).

    Returns the table of the module's docstring, the attributes in the order sex, age, view, then the file's.
    Raises InputError if the file is missing, empty or not a table, a film has no name or is given twice, an age is
    not a number, two columns mean one attribute, or no attribute is there.
    """
    path = Path(path)
    table = _read(path)
    if not len(table):
        raise InputError(f"{path}: no rows; a table of groups must hold at least one film")
    key = next((name for name in FILM_COLUMNS if name in table), table.columns[0])
    if (nameless := table[key] == "").any():
        raise InputError(f"{path}: {int(nameless.sum())} rows have no film name in column {key!r}; fill it")
    films = table[key].map(film_name)
    if len(twice := films[films.duplicated()]):
        raise InputError(f"{path}: film given twice: {few(twice)}; keep one row per film")

    owners = {name.lower() for name in PATIENT_COLUMNS}
    given = _attribute_columns([name for name in table if name != key and name.lower() not in owners], path)
    found: dict[str, pd.Series] = {}
    passed_over: dict[str, str] = {}
    for attribute, column in given.items():
        if attribute == "age":
            found[attribute] = years(table[column], path)
        elif reason := "" if attribute in NAMES else _no_groups(table[column]):
            passed_over[column] = reason
        else:
            found[attribute] = table[column]
    if not found:
        raise InputError(f"{path}: no column of groups, got {few(table.columns)}; add sex, age, view or another text")
    frame = pd.DataFrame(found).set_axis(pd.Index(films.to_numpy(), name="image_id"), axis=0)
    frame.attrs["passed_over"] = passed_over
    return frame


def years(ages: pd.Series, path: str | Path) -> pd.Series:
    """Ages as numbers of years, NaN where empty; also DICOM's 058Y, 013M, 006W, 004D. InputError for other texts."""
    parts = ages.str.extract(r"^([0-9]+(?:\.[0-9]*)?)([YMWD]?)$")
    if (wrong := parts[0].isna() & (ages != "")).any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(f"{path}: age must be years as a number, got {ages.iloc[row]!r} in data row {row + 1}")
    return pd.to_numeric(parts[0]) / parts[1].map({"M": 12, "W": 52, "D": 365}).fillna(1).astype(float)


def _read(path: Path) -> pd.DataFrame:
    """All cells as texts, empty where missing."""
    if not path.is_file():
        raise InputError(f"{path}: no such file; correct its name (names are relative to the list of runs)")
    try:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            return table.set_axis([str(name) for name in table], axis=1).astype("string").fillna("").astype(object)
        texts = [str(name) for name in pd.read_csv(path, nrows=0).columns]
        table = read_csv(path, texts=texts)
        return table.where(~table.isin(NOT_A_NUMBER), "").apply(lambda column: column.str.strip())
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must hold a header and at least one row") from None
    except (OSError, ValueError) as error:  # no parquet, no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read ({reason}); give a CSV in UTF-8 or a .parquet file") from None


def _attribute_columns(columns: Sequence[str], path: Path) -> dict[str, str]:
    """{attribute: its column}: sex, age and view first, then the others under their own names."""
    known = {alias: attribute for attribute, aliases in NAMES.items() for alias in aliases}
    meant: dict[str, str] = {}
    for column in columns:
        attribute = known.get(column.strip().lower(), column.strip())
        if attribute in meant:
            raise InputError(
                f"{path}: columns {meant[attribute]!r} and {column!r} both mean {attribute}; keep one of them"
            )
        meant[attribute] = column
    order = [name for name in NAMES if name in meant]
    return {name: meant[name] for name in (*order, *(other for other in meant if other not in NAMES))}


def _no_groups(column: pd.Series) -> str:
    """Why a further column does not name groups; "" if it does."""
    filled = column[column != ""]
    if filled.empty:
        return "it is empty"
    if pd.to_numeric(filled, errors="coerce").notna().all():
        return "it holds numbers, not the names of groups"
    different = filled.nunique()
    return f"it holds {different} different texts, more than {MOST_GROUPS}" if different > MOST_GROUPS else ""
