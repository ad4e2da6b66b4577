"""Reading label and metadata CSVs as people have them: CRLF or LF, with or without a BOM, plain or gzipped."""

import warnings
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

import pandas as pd

from qcxr.data.columns import PLACE, SPLITS
from qcxr.errors import InputError, one_line
from qcxr.study.labels import CXRLT26, canonical
from qcxr.study.values import splits_named

DAMAGED = (EOFError, OSError, zlib.error)  # what reading a damaged file may raise, gzipped ones among them

# What stands in the way of a label when a column is not one.
_NOT_LABELS = {
    "id", "subj_id", "patient_id", "path", "fpath", "dicom_id", "subject_id", "study_id", "viewposition", "view", "age",
    "sex", "split", "image_id", "studydate", "studytime", "rows", "columns",
}  # fmt: skip


def read_table(
    path: str | Path,
    *,
    required: Sequence[str] = (),
    what: str = "label file",
    separator: str = ",",
    columns: Collection[str] | None = None,
) -> pd.DataFrame:
    """A CSV as text columns (nothing is guessed: `00000013` stays `00000013`); empty cells are NA.

    columns: those to give, all when None. If they are told, a row of more cells than the header is refused, and no word
        is an empty cell.

    Raises InputError when the file is missing, empty, not a CSV in UTF-8, or lacks one of `required` columns.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{what} {path} does not exist; check the data source's paths in the config")
    try:
        with warnings.catch_warnings():
            if columns is not None:  # a first row that is too long is a warning only
                warnings.simplefilter("error", pd.errors.ParserWarning)
            # utf-8-sig drops a BOM where there is one; pandas accepts CRLF and .gz by itself. No usecols: with them
            # pandas counts no cells, and a separator within a cell would shift the labels
            table = pd.read_csv(
                path,
                dtype=str,
                encoding="utf-8-sig",
                skipinitialspace=True,
                sep=separator,
                index_col=None if columns is None else False,  # a comma at the end of each row makes no index
                keep_default_na=columns is None,  # None and NA may be words of a table
                na_values=[""],
            )
    except pd.errors.EmptyDataError:
        raise InputError(f"{what} {path} is empty; download it again") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.ParserWarning, *DAMAGED) as error:
        raise InputError(f"{what} {path} is not a readable CSV ({one_line(error, 200)}); download it again") from None
    table.columns = [str(column).strip() for column in table.columns]
    if missing := [column for column in required if column not in table.columns]:
        raise InputError(
            f"{what} {path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"it has {some(table.columns)}; is it another release's file?"
        )
    return table if columns is None else table[[name for name in table.columns if name in columns]]


def label_columns(table: pd.DataFrame, *, path: str | Path, other: Iterable[str] = ()) -> pd.DataFrame:
    """The label columns of a table from `read_table`, as nullable Int8 of 0 and 1 under canonical names.

    A column is a label's if it is none of the known bookkeeping columns or `other` and holds 0, 1 or nothing; a
    column with a known label name must. An extra text column is passed over; a column of numbers outside {0, 1}
    is refused, since it is most likely a label in another coding (CheXpert's -1, a probability).

    Raises InputError for a non-binary label and for two columns of the same canonical name.
    """
    ignored = _NOT_LABELS | {name.lower() for name in other}
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        name = canonical(column)
        if column.lower() in ignored or column.startswith("Unnamed:"):
            continue
        values = pd.to_numeric(table[column], errors="coerce")
        wrong = table[column].notna() & ~values.isin([0, 1])
        if wrong.any():
            if name == column and values.isna().all() and name not in CXRLT26:
                continue  # free text, for example a report's impression
            row = int(wrong.to_numpy().argmax())
            raise InputError(
                f"label {column!r} in {path} must be 0 or 1, got {table[column].iloc[row]!r} in data row {row + 1}; "
                "binarise the column or remove it"
            )
        if name in columns:
            raise InputError(f"{path} holds the label {name!r} twice (last as {column!r}); keep one of the columns")
        columns[name] = values.astype("Int8")
    if not columns:
        raise InputError(f"{path} holds no label column (0/1); it has {some(table.columns)}")
    return pd.DataFrame(columns, index=table.index)


def read_label_files(
    labels: str | Path | Sequence[str | Path],
    rows: Callable[[pd.DataFrame, str, Path], pd.DataFrame],
    *,
    required: Sequence[str] = (),
    what: str,
) -> pd.DataFrame:
    """The rows of all label files (`split_files`), one after the other; a file without rows adds none.

    rows: makes a layout's manifest rows of a file's table, its split and its path.
    Index: `columns.PLACE`, so that a later complaint can name the place.
    """
    frames = {}
    for split, files in split_files(labels, what=what).items():
        for file in files:
            table = read_table(file, required=required, what=what)
            if len(table):
                frame = rows(table, split, file)
                frames[str(file)] = frame.set_axis(pd.RangeIndex(1, len(frame) + 1))
    if not frames:
        raise InputError(f"no {what} holds a row, {file} neither; download them again")
    return pd.concat(frames, names=list(PLACE))


def split_files(labels: str | Path | Sequence[str | Path], *, what: str) -> dict[str, list[Path]]:
    """Label CSVs by split, from a folder or a list of files; the split is read from each file's name.

    `train`, `val`/`valid`/`validation`/`dev`/`development` and `test` are found as words in the name
    (`miccai2023_nih-cxr-lt_labels_val.csv`). In a folder every `*.csv` and `*.csv.gz` that names a split counts.

    Raises InputError when nothing is found, or a listed file names no split or several.
    """
    given = [labels] if isinstance(labels, str | Path) else list(labels)
    files: dict[str, list[Path]] = {}
    for entry in map(Path, given):
        if entry.is_dir():
            named = [p for p in sorted(entry.iterdir()) if p.name.lower().endswith((".csv", ".csv.gz"))]
            named = [p for p in named if len(splits_named(p.name)) == 1]
        else:
            named = [entry]
        for path in named:
            found = splits_named(path.name)
            if len(found) != 1:
                raise InputError(f"{what} {path} must name its split (train, val or test) in the file name; rename it")
            files.setdefault(found.pop(), []).append(path)
    if not files:
        raise InputError(f"no label CSV (a name with train, val or test in it) found in {some(map(str, given))}")
    return {split: files[split] for split in SPLITS if split in files}


def some(names: Iterable[str], most: int = 8) -> str:
    """The first names of a list, and how many there are if there are more."""
    names = [str(name) for name in names]
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")
