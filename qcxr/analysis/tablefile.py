"""One table from a file: names as text, whatever they look like, numbers as numbers.

pandas takes a head called 50 for a number and a label called None, null or NA for nothing at all; a study may have all
of these.
"""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from qcxr.errors import InputError, one_line

# Columns that hold names and sentences. An empty cell in one of them is an empty text, in all others it is NaN.
TEXTS = frozenset({
    "task", "head", "head_a", "head_b", "variant", "dataset", "split", "label", "metric", "kind", "framework",
    "image_id", "patient_id", "path", "reason", "mark", "issue", "detail",
    "basis", "mark_raw", "reading", "collapsed",
    "attribute", "group", "reference", "axis", "at", "at_first",
})  # fmt: skip
# what pandas takes for a missing number
NOT_A_NUMBER = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a parquet or CSV table, columns of `TEXTS` as text.

    Raises InputError if it is missing, empty, damaged or of another kind.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give an existing .parquet or .csv file")
    try:
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            for name in TEXTS.intersection(frame.columns):
                frame[name].to_numpy(dtype=object)  # text that is not UTF-8 is found here only
            return frame
        if path.suffix in {".csv", ".gz"}:
            return read_csv(path)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must hold a header and at least one row") from None
    except Exception as error:  # what pandas and pyarrow raise depends on where a file is damaged
        raise InputError(
            f"{path}: cannot be read ({one_line(error)}); give a CSV in UTF-8 or a .parquet file"
        ) from None
    raise InputError(f"{path}: a table must be .parquet or .csv, got {path.suffix or 'no suffix'}; convert it")


def read_csv(path: str | Path, *, texts: Iterable[str] = TEXTS, skipinitialspace: bool = False) -> pd.DataFrame:
    """Read a CSV with the columns named in `texts` as they stand and all others as numbers where they are."""
    header = [str(name) for name in pd.read_csv(path, nrows=0, skipinitialspace=skipinitialspace).columns]
    as_text = set(texts).intersection(header)
    return pd.read_csv(
        path,
        dtype=dict.fromkeys(as_text, str),
        keep_default_na=False,
        na_values={name: list(NOT_A_NUMBER) for name in header if name not in as_text},
        skipinitialspace=skipinitialspace,
    )
