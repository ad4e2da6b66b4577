"""Texts made of a table's cells: a column, a template over columns, or a part of a column (`qcxr.study.columns`)."""

import re
from collections.abc import Iterator, Mapping

import pandas as pd

from qcxr.data.columns import place
from qcxr.errors import InputError
from qcxr.study.columns import Cell, Pattern

_NAMED = re.compile(r"\{([^{}]+)\}")
SPLIT = "split"  # in a template, where no column has that name


def columns_in(cell: Cell | None) -> Iterator[str]:
    """The columns that a text is made of."""
    if isinstance(cell, Pattern):
        yield cell.column
    elif cell is not None:
        yield from _NAMED.findall(cell) or [cell]


def texts(rows: pd.DataFrame, cell: Cell, key: str, more: Mapping[str, pd.Series]) -> pd.Series:
    """The text of each row, trimmed. more: columns that templates may name beside the table's own.

    Raises InputError with file and row for an empty cell, and for one that does not match the pattern.
    """
    if isinstance(cell, Pattern):
        whole = _filled(rows, cell.column, key, more)
        pattern = re.compile(cell.pattern)  # as the section has compiled it: nothing is put around it
        found = whole.map(lambda text: match[1] if (match := pattern.match(text)) else None)
        if (none := found.isna() | (found == "")).any():
            at = int(none.argmax())
            raise InputError(
                f"{key} of {whole.iloc[at]!r} does not match the pattern {cell.pattern} in {place(rows.index, at)}; "
                f"correct the cell, or {key}.pattern of the source"
            )
        return found
    if not _NAMED.search(cell):
        return _filled(rows, cell, key, more)
    made = pd.Series("", index=rows.index, dtype=object)
    for part in re.split(r"(\{[^{}]+\})", cell):
        made = made + (_filled(rows, part[1:-1], key, more) if _NAMED.fullmatch(part) else part)
    return made


def names_split(cell: Cell | None) -> bool:
    """Whether a text is a template with {split} in it."""
    return isinstance(cell, str) and f"{{{SPLIT}}}" in cell


def _filled(rows: pd.DataFrame, column: str, key: str, more: Mapping[str, pd.Series]) -> pd.Series:
    text = rows[column] if column in rows else more[column]
    text = text.astype(object).where(text.notna(), "").str.strip()
    if (empty := text == "").any():
        at = int(empty.argmax())
        raise InputError(
            f"{key} is empty in {place(rows.index, at)} (column {column}, {int(empty.sum())} such row(s)); fill it, or "
            "leave such rows out (keep)"
        )
    return text
