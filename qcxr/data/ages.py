"""Ages, and other cells of a table that say something of a film or that there is nothing to say."""

import pandas as pd

from qcxr.data.columns import place
from qcxr.errors import InputError

_NONE = ("", "na", "n/a", "nan", "none", "null")


def years(ages: pd.Series) -> pd.Series:
    """Ages in years of numbers, or of DICOM's 058Y, 013M, 020W and 004D; NaN where there is none (empty, NA, None).

    Raises InputError with file and row for anything else.
    """
    cells = said(ages).astype("string").str.strip()
    parts = cells.str.extract(r"^0*(\d+(?:\.\d+)?)([YMWD]?)$")
    if (wrong := parts[0].isna() & cells.notna()).any():
        at = int(wrong.argmax())
        raise InputError(
            f"age must be years or like 058Y, 013M, 004D, got {ages.iloc[at]!r} in {place(ages.index, at)} "
            f"({int(wrong.sum())} such row(s)); correct the cells, or leave them empty"
        )
    per_year = parts[1].map({"M": 12, "W": 52.18, "D": 365.25}).fillna(1).astype(float)
    return pd.to_numeric(parts[0], errors="coerce").astype(float) / per_year


def said(cells: pd.Series) -> pd.Series:
    """Cells of an attribute, without those that only say that there is none."""
    return cells.where(~cells.astype("string").str.strip().str.lower().isin(_NONE))
