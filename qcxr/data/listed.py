"""The rows of a table's files: read, joined with the second table, and only those to keep."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pandas as pd

from qcxr.data.cells import SPLIT, columns_in, names_split
from qcxr.data.columns import PLACE, place
from qcxr.data.tablefile import columns_of, lacks, read_columns
from qcxr.errors import InputError
from qcxr.study.columns import Cell, Join
from qcxr.study.table import Table
from qcxr.study.values import plain, spellings


@dataclass(frozen=True)
class Rows:
    """table: the needed columns as text; index `columns.PLACE`. told: each row's split as `files` tells it, or NA.

    dropped: how many rows were left out, by what they were.
    """

    table: pd.DataFrame
    told: pd.Series
    dropped: dict[str, int] = field(default_factory=dict)

    def only(self, kept: pd.Series, dropped: dict[str, int]) -> "Rows":
        """The rows to keep, and what the others were."""
        return Rows(self.table[kept], self.told[kept], {**self.dropped, **dropped})


def listed(table: Table, needed: Collection[str]) -> Rows:
    """All rows of a source's files that it keeps, with the columns that it needs.

    Raises InputError for a column that neither the file nor the joined table has, a file without rows, and a row
    whose partner the joined table lacks.
    """
    join, further = table.join, []
    if join is not None:
        further = columns_of(join.file)
    # a template's {split} may be a column, but need not
    wanted = {*needed, *([join.by] if join else []), *([SPLIT] if any(map(names_split, _cells(table))) else [])}
    frames: dict[str, pd.DataFrame] = {}
    splits: list[str | None] = []
    for split, file in table.by_split():
        known = columns_of(file)
        own = [name for name in known if name in wanted]
        others = [name for name in needed if name not in own]
        if missing := sorted(name for name in others if name not in further):
            raise InputError(lacks(file, missing, known))
        if file in frames:
            raise InputError(f"files name {file} twice; name it once")
        frames[file] = read_columns(file, own)
        splits += [split] * len(frames[file])
    whole = pd.concat(frames, names=list(PLACE))
    if whole.empty:
        raise InputError(f"no row is in {', '.join(frames)}; write them again")
    told = pd.Series(splits, index=whole.index, dtype=object)
    rows = _kept(Rows(whole, told), table, [name for name in table.keep if name in whole])
    if join is not None:
        theirs = [name for name in further if name in wanted and name != join.by]
        _refuse_mixed(frames, theirs, join)
        rows = replace(rows, table=_joined(rows.table, join, [name for name in theirs if name not in whole]))
    return _kept(rows, table, [name for name in table.keep if name not in whole])


def needed_columns(table: Table) -> list[str]:
    """The columns that decide a source's films and labels."""
    cells = _cells(table)
    names = [name for cell in cells for name in columns_in(cell) if name != SPLIT or not names_split(cell)]
    if by := table.split_by():
        names.append(by.column)
    if table.findings is not None:
        names.append(table.findings.column)
    else:
        for label in table.told().values():
            names += label.listed
    return list(dict.fromkeys([*names, *table.keep]))


def _cells(table: Table) -> tuple[Cell | None, ...]:
    return (table.path, table.id, table.patient)


def _refuse_mixed(frames: dict[str, pd.DataFrame], columns: list[str], join: Join) -> None:
    """Raises InputError for a column of the joined table that some files have and others do not: whose is it?"""
    for name in columns:
        has = [file for file, frame in frames.items() if name in frame]
        if lacking := [file for file in frames if file not in has] if has else []:
            raise InputError(
                f"column {name} is in {has[0]} and in the joined {join.file}, but not in {lacking[0]}; take it out of "
                "one of the first two, or add it to the last"
            )


def _joined(rows: pd.DataFrame, join: Join, new: list[str]) -> pd.DataFrame:
    other = read_columns(join.file, [join.by, *new]).drop_duplicates()
    key = other[join.by].str.strip()
    if (twice := key.duplicated() & key.notna()).any():
        raise InputError(
            f"table {join.file} has several rows of {join.by} {key[twice].iloc[0]} that differ; keep one row of each"
        )
    if join.by not in rows.columns:
        raise InputError(lacks(rows.index[0][0], [join.by], list(rows.columns)))
    ours = rows[join.by].str.strip()
    if (alone := ~ours.isin(key)).any():
        at = int(alone.argmax())
        raise InputError(
            f"table {join.file} has no row of {join.by} {ours.iloc[at]}, which {place(rows.index, at)} has "
            f"({int(alone.sum())} such row(s)); add it, or leave such rows out"
        )
    return rows.join(other[new].set_index(key), on=ours.rename("_key")) if new else rows


def _kept(rows: Rows, table: Table, columns: list[str]) -> Rows:
    for column in columns:
        values = table.keep[column]
        texts = rows.table[column].map(plain, na_action="ignore")
        kept = texts.isin(spellings(values))
        gone = rows.table.loc[~kept, column].fillna("(none)").value_counts().sort_index()
        if not kept.any():
            some = ", ".join(map(str, gone.index[:8]))
            raise InputError(
                f"keep leaves no row: {column} is never {' or '.join(map(str, values))}, but {some}; correct the "
                "source's keep"
            )
        rows = rows.only(kept, {f"{column} {value}": int(count) for value, count in gone.items()})
    return rows
