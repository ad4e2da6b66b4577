"""Labels of a table's rows: 0, 1 or not known, from a column each or from a list of findings in words."""

import logging

import numpy as np
import pandas as pd

from qcxr.data.columns import place
from qcxr.errors import InputError
from qcxr.study.columns import Findings, Label
from qcxr.study.table import Table
from qcxr.study.values import plain

log = logging.getLogger(__name__)
_TAKEN_AS = {"zero": 0.0, "one": 1.0, "missing": np.nan}
_BLANK = -1.0  # an empty cell that is refused, or leaves its row out


def coded(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The labels (float: 0, 1, NaN where not known) of rows, by canonical name; `blank: drop` leaves rows out.

    Raises InputError with file and row for a value that means nothing known, and for an empty cell where it is refused.
    """
    labels = _of_findings(rows, table) if table.findings is not None else _of_columns(rows, table)
    blank = labels.eq(_BLANK)
    if table.blank == "drop":
        return labels[~blank.any(axis=1)]
    if blank.to_numpy().any():
        row = int(blank.to_numpy().any(axis=1).argmax())
        name = str(blank.columns[int(blank.iloc[row].argmax())])
        raise InputError(
            f"label {name} is empty in {place(rows.index, row)} ({int(blank[name].sum())} such row(s)); write what it "
            "is, or say what an empty cell means (blank: zero, missing or drop)"
        )
    return labels


def _of_columns(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    found = {}
    for name, label in table.told().items():
        each = [_numbers(rows[column], table, label, column) for column in label.listed]
        found[name] = each[0] if len(each) == 1 else _any(pd.concat(each, axis=1))
    return pd.DataFrame(found, index=rows.index)


def _numbers(cells: pd.Series, table: Table, label: Label, column: str) -> pd.Series:
    """A column's cells as numbers; each different text is looked up once."""
    yes, no, unsure = table.meanings(label)
    codes, texts = pd.factorize(cells)
    # the last is that of an empty cell, whose code is -1
    numbers = np.full(len(texts) + 1, _TAKEN_AS.get(table.blank, _BLANK))
    for i, text in enumerate(texts):
        value = plain(text)
        if value in yes:
            numbers[i] = 1
        elif value in no:
            numbers[i] = 0
        elif value in unsure:
            numbers[i] = _TAKEN_AS[table.uncertainty().taken_as]
        elif value:
            at = int((codes == i).argmax())
            raise InputError(
                f"{column} must be one of {', '.join(sorted(yes | no | unsure))}, got {text!r} in "
                f"{place(cells.index, at)} ({int((codes == i).sum())} such row(s)); say what it means "
                "(positive, negative or uncertain)"
            )
    return pd.Series(numbers[codes], index=cells.index)


def _any(columns: pd.DataFrame) -> pd.Series:
    """1 where a column says so, else unknown where one is, else 0; empty where one is, whatever others say."""
    values = columns.to_numpy()
    said = np.where((values == 1).any(axis=1), 1.0, np.where(np.isnan(values).any(axis=1), np.nan, 0.0))
    return pd.Series(np.where((values == _BLANK).any(axis=1), _BLANK, said), index=columns.index)


def plainly(word: str) -> str:
    """A word of findings as it is compared: in lower case, with single blanks."""
    return " ".join(word.lower().split())


def words(cells: pd.Series, findings: Findings) -> pd.Series:
    """The findings of each cell as a frozenset of words in lower case; an empty cell has none."""
    ends = findings.strip + " \t"

    def parted(text: str) -> frozenset[str]:
        parts = text.split(findings.separator) if findings.separator else [text]
        return frozenset(word for part in parts if (word := plainly(part.strip(ends))))

    found = cells.map({text: parted(text) for text in cells.dropna().unique()})
    return found.where(found.notna(), pd.Series([frozenset()] * len(cells), index=cells.index))


def _of_findings(rows: pd.DataFrame, table: Table) -> pd.DataFrame:
    assert table.findings is not None
    listed = words(rows[table.findings.column], table.findings)
    empty = listed.map(len).eq(0)
    known = frozenset().union(*listed.unique())
    found, unseen = {}, []
    for name, label in table.told().items():
        mapped = set(map(plainly, label.listed))
        hits = {each: float(bool(each & mapped)) for each in listed.unique()}
        found[name] = listed.map(hits).astype(float).mask(empty, _TAKEN_AS.get(table.blank, _BLANK))
        unseen += [] if mapped & known else [name]
    if unseen:
        log.warning(
            "no row of column %s says %s: these labels are 0 on every film", table.findings.column, ", ".join(unseen)
        )
    return pd.DataFrame(found, index=rows.index)
