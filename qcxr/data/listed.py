"""The rows of a table's files: read, joined with the second table, and only those to keep."""

from collections.abc import Collection
from dataclasses import dataclass, field

import pandas as pd

from qcxr.data.cells import SPLIT, columns_in
from qcxr.data.columns import PLACE, place
from qcxr.data.tablefile import columns_of, lacks, read_columns
from qcxr.errors import InputError
from qcxr.study.columns import By, Join
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
    frames: dict[str, pd.DataFrame] = {}
    splits: list[str | None] = []
    for split, file in table.by_split():
        known = columns_of(file)
        wanted = {*needed, *([join.by] if join else [])}
        own = [name for name in known if name in wanted]
        others = [name for name in needed if name not in own and name != SPLIT]
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
    if join is not None:
        whole = _joined(whole, join, [name for name in needed if name in further])
    return _kept(Rows(whole, told), table)


def needed_columns(table: Table) -> list[str]:
    """The columns that decide a source's films and labels."""
    names = [name for cell in (table.path, table.id, table.patient) for name in columns_in(cell)]
    names += [table.split.column if isinstance(table.split, By) else table.split] if table.split else []
    if table.findings is not None:
        names.append(table.findings.column)
    else:
        for label in table.told().values():
            names += [label.columns] if isinstance(label.columns, str) else label.columns
    return list(dict.fromkeys([*names, *table.keep]))


def _joined(rows: pd.DataFrame, join: Join, columns: list[str]) -> pd.DataFrame:
    new = [name for name in columns if name not in rows.columns]
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


def _kept(rows: Rows, table: Table) -> Rows:
    for column, values in table.keep.items():
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
