"""What is known of a film beside its labels (sex, age, view, ...), and the groups of films that it makes.

A table of attributes has a row per film, indexed by image_id: `age` in years, NaN where it is not known, every other
column text, "" where it is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float64, Shaped

from qcxr.analysis.foreign import ID_COLUMNS, PATIENT_COLUMNS, film_names
from qcxr.analysis.predictions import few
from qcxr.analysis.tablefile import NOT_A_NUMBER, read_csv
from qcxr.errors import InputError

# names in NIH's entries, MIMIC's metadata and patients tables, in lower case
NAMES = {
    "sex": ("sex", "gender", "patient sex", "patient gender", "patientsex"),
    "age": ("age", "patient age", "anchor_age"),
    "view": ("view", "view position", "viewposition"),
}
REFERENCES = {"sex": "M", "view": "PA"}
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
    films = film_names(table[key])
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


@dataclass(frozen=True)
class Grouping:
    """The groups that one attribute makes of a test set's films.

    names: in the order to show them, `UNKNOWN` last where films have it. of: each film's group. reference: the group
    that others are compared with, "" where there is nothing to compare. note: what was taken for unknown, and why.
    """

    names: tuple[str, ...]
    of: Shaped[np.ndarray, " films"]
    reference: str
    note: str = ""

    @property
    def compared(self) -> tuple[str, ...]:
        """The groups that are compared with the reference."""
        return tuple(name for name in self.names if self.reference and name not in (self.reference, UNKNOWN))


def groupings(
    attributes: pd.DataFrame,
    image_id: Shaped[np.ndarray, " films"],
    patient_id: Shaped[np.ndarray, " films"],
    *,
    kept: Sequence[str] = tuple(NAMES),
    age_borders: Sequence[float] = (40, 60, 80),
) -> dict[str, Grouping]:
    """The grouping of a test set's films by each attribute that any of them has, in the table's order.

    kept: which of sex, age and view are wanted; further attributes are always. age_borders: years at which a new group
    begins. An age below 0 or above `OLDEST` is unknown. The reference is M, PA, else the group with the most patients.
    """
    rows = attributes.reindex(image_id)
    found = {}
    for attribute in attributes.columns:
        if attribute in NAMES and attribute not in kept:
            continue
        if attribute == "age":
            of, order, note = _by_age(rows[attribute].to_numpy(float), age_borders)
        else:
            texts = rows[attribute].fillna("").astype(str)
            if attribute == "sex":
                texts = texts.replace({"Female": "F", "female": "F", "f": "F", "Male": "M", "male": "M", "m": "M"})
            of, note = texts.replace("", UNKNOWN).to_numpy(dtype=object), ""
            order = sorted(set(of))
        names = tuple(name for name in order if name != UNKNOWN and (of == name).any())
        if names:
            unknown = (UNKNOWN,) if (of == UNKNOWN).any() else ()
            found[attribute] = Grouping((*names, *unknown), of, _reference(attribute, names, of, patient_id), note)
    return found


def _by_age(
    ages: Float64[np.ndarray, " films"], borders: Sequence[float]
) -> tuple[Shaped[np.ndarray, " films"], list[str], str]:
    """Each film's age group, all groups from young to old, and a note on ages that cannot be."""
    whole = all(float(border).is_integer() for border in borders)
    between = [f"{a:g} to {b - 1:g}" if whole else f"{a:g} to under {b:g}" for a, b in pairwise(borders)]
    names = [f"under {borders[0]:g}", *between, f"{borders[-1]:g} and over"]
    wrong = (ages < 0) | (ages > OLDEST)
    known = ~np.isnan(ages) & ~wrong
    of = np.full(ages.size, UNKNOWN, dtype=object)
    of[known] = np.array(names, dtype=object)[np.searchsorted(borders, ages[known], side="right")]
    n = int(wrong.sum())
    note = f"{n} film{'s' * (n > 1)} with an age that cannot be ({_years(ages[wrong])}) counted as unknown" if n else ""
    return of, names, note


def _years(ages: Float64[np.ndarray, " films"]) -> str:
    low, high = ages.min(), ages.max()
    return f"{low:g} years" if low == high else f"{low:g} to {high:g} years"


def _reference(
    attribute: str, names: Sequence[str], of: Shaped[np.ndarray, " films"], patient_id: Shaped[np.ndarray, " films"]
) -> str:
    if len(names) < 2:
        return ""
    usual = REFERENCES.get(attribute)
    if usual in names:
        return str(usual)
    return max(names, key=lambda name: len(set(patient_id[of == name])))
