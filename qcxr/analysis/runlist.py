"""The list of runs that `qcxr evaluate` is given: read, and checked row by row before any table is opened."""

from pathlib import Path

import pandas as pd

from qcxr.analysis.tablefile import read_csv
from qcxr.errors import InputError

COLUMNS = ("task", "head", "seed", "dataset", "predictions", "truth")
VALIDATION = "validation"


def read_list(path: str | Path) -> pd.DataFrame:
    """Read and check the list of runs, every name as text; InputError names the row or column at fault."""
    path = Path(path)
    frame = _read(path)
    lacking = [column for column in COLUMNS if column not in frame]
    if lacking:
        raise InputError(f"{path}: columns are missing: {', '.join(lacking)}; it must have {', '.join(COLUMNS)}")
    if not len(frame):
        raise InputError(f"{path}: no rows; list at least one run")
    for column in COLUMNS:
        frame[column] = frame[column].fillna("").str.strip()
        if (empty := frame[column] == "").any():
            raise InputError(f"{path}: line {int(empty.to_numpy().argmax()) + 2} has no {column}; fill it in")
    wrong = frame[~frame["seed"].str.fullmatch(r"\d+")]
    if len(wrong):
        raise InputError(f"{path}: seed must be a whole number >= 0, got {wrong['seed'].iloc[0]!r}; correct it")
    for column in ("task", "head", "dataset"):  # they become folder names
        wrong = frame[~frame[column].str.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*")]
        if len(wrong):
            raise InputError(
                f"{path}: {column} must be made of letters, digits, '_', '.' and '-', got {wrong[column].iloc[0]!r}"
            )
    frame["seed"] = frame["seed"].astype(int)
    twice = frame[frame.duplicated(["task", "head", "seed", "dataset"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(f"{path}: {row['task']}/{row['head']}/seed{row['seed']} on {row['dataset']} is listed twice")
    if (frame["dataset"] == VALIDATION).all():
        raise InputError(f"{path}: only {VALIDATION} rows; list at least one test set")
    return frame


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a CSV with columns {', '.join(COLUMNS)}")
    try:
        return read_csv(path, texts=COLUMNS, skipinitialspace=True)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must have columns {', '.join(COLUMNS)}") from None
    except (OSError, ValueError) as error:  # no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as CSV ({reason}); give a UTF-8 CSV") from None
