"""`kind: table`: films of any origin, from a table that the configuration describes (`qcxr.study.table`)."""

import logging
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from qcxr.data.ages import said, years
from qcxr.data.cells import SPLIT, columns_in, names_split, texts
from qcxr.data.coding import coded, plainly, words
from qcxr.data.columns import place
from qcxr.data.contract import OUTSIDE, refuse_spread
from qcxr.data.draw import drawn
from qcxr.data.folders import listed as entries_of
from qcxr.data.listed import Rows, listed, needed_columns
from qcxr.data.merged import one_row_each
from qcxr.errors import InputError
from qcxr.study.columns import Cell
from qcxr.study.table import Table
from qcxr.study.values import SPLIT_WORDS, plain, spellings

log = logging.getLogger(__name__)


def read(*, images: str | Path, table: Table) -> pd.DataFrame:
    """The manifest frame of the films that a table lists: one row per film, in no particular order.

    Columns: image_id, patient_id, path, split, then the labels. Index: the file and the row in it, as other readers'.
    How many rows were left out, by what they were, is in `frame.attrs["dropped"]`; the labels that some films leave
    open, as the keys allow, in `frame.attrs["partial"]`.

    Raises InputError, with file and row where there is one, for all that the columns cannot mean.
    """
    rows, labels = _to_keep(table)
    if table.age is not None:
        years(rows.table[table.age])  # refused before films are decoded, though no run sees ages
    frame = pd.concat([_films(rows, table), labels], axis=1)
    frame = one_row_each(frame, table)
    refuse_spread(frame)
    if table.draw is not None:
        training = frame["split"] == "train"
        names = list(labels.columns)
        frame.loc[training, "split"] = drawn(frame.loc[training, "patient_id"], frame.loc[training, names], table.draw)
    if table.folders is not None:
        frame["path"] = _found(frame["path"], images, table.folders)
    if table.patient is None:
        log.warning(
            "NO PATIENTS: no column tells whose films these are, so each of the %d films counts as a patient of its "
            "own. Films of one patient may be in training and test, and intervals over patients are too narrow.",
            len(frame),
        )
    # a gap is one that the keys allow (uncertain, blank): anything else has been refused
    frame.attrs |= {"dropped": rows.dropped, "partial": [name for name in labels.columns if frame[name].isna().any()]}
    return frame.astype(dict.fromkeys(labels.columns, "Int8"))


def why_empty(split: str, *, images: str | Path, table: Table) -> str:
    """Why no film has a split, in words."""
    if isinstance(table.files, dict) and split in table.files:
        return f"no row of {', '.join(file for of, file in table.by_split() if of == split)} is a film to keep"
    if by := table.split_by():
        return f"no film to keep has that split by column {by.column}"
    return "neither files nor draw of the source make one"


def attributes(frame: pd.DataFrame, *, images: str | Path, table: Table) -> pd.DataFrame:
    """Sex, age (years) and view of a manifest's films, in its order, as far as columns tell."""
    rows, _ = _to_keep(table)
    told = {key: rows.table[column] for key, column in table.attribute_options().items()}
    told = {key: years(cells) if key == "age" else said(cells) for key, cells in told.items()}
    ids = _identified(rows, table)["image_id"]
    first = ~ids.duplicated()
    known = pd.DataFrame(told, index=rows.table.index)[first].set_axis(ids[first]).reindex(frame["image_id"])
    return known.reset_index(drop=True).reindex(columns=["sex", "age", "view"])


def _to_keep(table: Table) -> tuple[Rows, pd.DataFrame]:
    """The rows of all films that are kept, and their labels."""
    rows = listed(table, list(dict.fromkeys([*needed_columns(table), *table.attribute_options().values()])))
    if table.findings is not None and table.findings.drop:
        unwanted = set(map(plainly, table.findings.drop))
        found = words(rows.table[table.findings.column], table.findings)
        out = found.map(lambda told: bool(told & unwanted)).astype(bool)
        rows = _without(rows, table, out, " or ".join(table.findings.drop))
    labels = coded(rows.table, table)
    if len(labels) < len(rows.table):
        out = pd.Series(~rows.table.index.isin(labels.index), index=rows.table.index)
        rows = _without(rows, table, out, "a label is empty")
        labels = labels.loc[rows.table.index]
    return rows, labels


def _without(rows: Rows, table: Table, out: pd.Series, why: str) -> Rows:
    """Rows without all those of the films that a row of `out` is of."""
    if not out.any():
        return rows
    cell = table.path if table.id is None else table.id
    columns = [column for column in columns_in(cell) if column in rows.table]
    # a row to leave out need not tell its film
    named = rows.only(rows.table[columns].notna().all(axis=1), {})
    splits = _splits(named, table) if names_split(cell) else named.told
    ids = _ids(named, table, splits)
    out = out | pd.Series(ids.isin(ids[out[ids.index]]), index=ids.index).reindex(out.index, fill_value=False)
    return rows.only(~out, {why: int(out.sum())})


def _identified(rows: Rows, table: Table) -> pd.DataFrame:
    """The path, split and name of each row's film."""
    split = _splits(rows, table)
    path = _texts(rows, table.path, "path", split)
    if (wrong := path.str.contains(OUTSIDE, regex=True)).any():
        at = int(wrong.argmax())
        raise InputError(
            f"path {path.iloc[at]!r} must stay inside the image root (relative, no '..'), in {place(path.index, at)}; "
            "correct the table"
        )
    return pd.DataFrame({"image_id": _ids(rows, table, split), "path": path.map(posixpath.normpath), "split": split})


def _texts(rows: Rows, cell: Cell, key: str, split: pd.Series) -> pd.Series:
    return texts(rows.table, cell, key, {SPLIT: split}).str.replace("\\", "/").str.removeprefix("./")


def _ids(rows: Rows, table: Table, split: pd.Series) -> pd.Series:
    if table.id is not None:
        return texts(rows.table, table.id, "id", {SPLIT: split})
    path = _texts(rows, table.path, "path", split).map(posixpath.normpath)
    return path.str.replace(r"\.[^./]*$", "", regex=True)


def _films(rows: Rows, table: Table) -> pd.DataFrame:
    films = _identified(rows, table)
    if table.patient is None:
        patient = films["image_id"]
    else:
        patient = texts(rows.table, table.patient, "patient", {SPLIT: films["split"]})
    return films.assign(patient_id=patient)[["image_id", "patient_id", "path", "split"]]


def _splits(rows: Rows, table: Table) -> pd.Series:
    if (by := table.split_by()) is None:
        return rows.told.fillna("train")
    given = rows.table[by.column]
    if by.lists is not None:
        meant: dict[str, str] = {}
        for split, file in by.lists.items():
            for name in _lines(file, split):
                if (other := meant.setdefault(name, split)) != split:
                    raise InputError(
                        f"list {file} says that {name} is of {split}, another list that it is of {other}; keep one"
                    )
        splits, way_out = given.str.strip().map(meant), f"a line of {', '.join(by.lists.values())}"
    else:
        meant = SPLIT_WORDS
        if by.words is not None:
            meant = {word: split for split, values in by.words.items() for word in spellings(values)}
        splits, way_out = given.map(plain, na_action="ignore").map(meant), f"one of {', '.join(sorted(meant))}"
    if (unknown := splits.isna()).any():
        at = int(unknown.argmax())
        raise InputError(
            f"split: {by.column} must be {way_out}, got {given.iloc[at]!r} in {place(given.index, at)} "
            f"({int(unknown.sum())} such row(s)); say what it means (split.words), or leave such rows out (keep)"
        )
    return splits


def _lines(file: str, split: str) -> Iterator[str]:
    try:
        text = Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"list {file} cannot be read ({error}); correct split.lists.{split} of the source") from None
    return (line.strip() for line in text.splitlines() if line.strip())


def _found(names: pd.Series, images: str | Path, folders: list[str]) -> pd.Series:
    """Each film's path below images, looked up in the folders; one that is nowhere keeps its name, and is missing."""
    root, wanted = Path(images), set(names)
    entries_of(root)  # refuses a folder that is none
    known: dict[str, str] = {}
    for pattern in folders:
        for folder in [root] if pattern == "." else sorted(path for path in root.glob(pattern) if path.is_dir()):
            below = "" if folder == root else f"{folder.relative_to(root).as_posix()}/"
            for name in wanted.intersection(os.listdir(folder)):
                if known.setdefault(name, below + name) != below + name:
                    raise InputError(
                        f"film {name} is in the image folder {root} twice, as {known[name]} and {below}{name}; keep one"
                    )
    return names.map(lambda name: known.get(name, name))
