"""Any table of films as text: CSV with commas, semicolons or tabs, TSV, parquet; plain or gzipped."""

import csv
import gzip
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from qcxr.data.csvfile import DAMAGED, read_table, some
from qcxr.errors import InputError, one_line

_UNREADABLE = (OSError, ValueError, pa.ArrowException)
_SEPARATORS = (",", ";", "\t")


def columns_of(path: str | Path) -> list[str]:
    """The columns of a table file. Raises InputError if it is missing, unreadable, or names a column twice."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"table {path} does not exist; check the data source's paths in the config")
    if _is_parquet(path):
        names = list(_parquet(path).schema_arrow.names)
    else:
        header = _header(path)
        names = [name.strip() for name in next(csv.reader([header], delimiter=_separator(path, header)), [])]
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise InputError(f"table {path} has the column {twice[0]} twice; rename one of them")
    return names


def read_columns(path: str | Path, columns: Collection[str]) -> pd.DataFrame:
    """Some columns of a table file as text, empty cells NA; index: the data row in the file, from 1.

    Whole numbers of a parquet file are written without a point, booleans as true and false. Raises InputError as
    `columns_of`, for a file that is no table, and for a column that is missing.
    """
    path = Path(path)
    known = columns_of(path)
    if missing := [column for column in columns if column not in known]:
        raise InputError(lacks(path, missing, known))
    if _is_parquet(path):
        file = _parquet(path)
        try:
            read = file.read(list(columns))
        except _UNREADABLE as error:
            raise _no_parquet(path, error) from None
        if nested := [field.name for field in read.schema if pa.types.is_nested(field.type)]:
            raise InputError(f"column {nested[0]} of {path} holds lists or records; write them as text")
        table = read.cast(pa.schema([_as_text(field) for field in read.schema])).to_pandas().apply(_text)
    else:
        table = read_table(path, what="table", separator=_separator(path, _header(path)), columns=columns)
    return table.set_axis(pd.RangeIndex(1, len(table) + 1))


def lacks(path: str | Path, missing: Sequence[str], known: Sequence[str]) -> str:
    """That a table does not have some columns, in one line."""
    many = "s" if len(missing) > 1 else ""
    has = some(known, most=12)
    return f"table {path} lacks the column{many} {', '.join(missing)}; it has {has}: correct the source's keys"


def _parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except _UNREADABLE as error:
        raise _no_parquet(path, error) from None


def _no_parquet(path: Path, error: BaseException) -> InputError:
    return InputError(f"table {path} is not readable parquet ({one_line(error)}); write it again")


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == ".parquet"


def _as_text(field: pa.Field) -> pa.Field:
    """Booleans and whole numbers become text before pandas makes objects and floats of those with gaps."""
    exact = pa.types.is_boolean(field.type) or pa.types.is_integer(field.type)
    return pa.field(field.name, pa.string()) if exact else field


def _header(path: Path) -> str:
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as handle:
            return handle.readline().rstrip("\r\n")
    except (UnicodeDecodeError, *DAMAGED) as error:
        raise InputError(f"table {path} is not a readable CSV ({one_line(error)}); save it as UTF-8") from None


def _separator(path: Path, header: str) -> str:
    if path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    return max(_SEPARATORS, key=header.count)  # the first of those that are as frequent


def _text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(column) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    text = column.astype("string").str.strip()
    return text.mask(text == "").astype(object).where(text.notna() & (text != ""), None)
