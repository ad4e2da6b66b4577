"""The list of runs that `qcxr evaluate` is given: read, and checked row by row before any table is opened."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from qcxr.analysis.tablefile import read_csv
from qcxr.errors import InputError

COLUMNS = ("task", "head", "seed", "dataset", "predictions", "truth")
OPTIONAL = ("variant", "train_counts", "groups")
NAMES = ("task", "head", "dataset", "variant")  # they become names of folders and files
# Any script's letters and digits first; no character that a file system or a shell treats as its own.
NAME = r"[^\W_][\w.+() -]*"
VALIDATION = "validation"


def read_list(path: str | Path) -> pd.DataFrame:
    """Read and check the list of runs, every name as text; InputError names the row or column at fault.

    Returns `COLUMNS` and `OPTIONAL`, those that the list lacks empty. A head has a variant in all rows or in none, and
    the rows of a task name one file of training counts, those of a test set one of groups.
    """
    path = Path(path)
    frame = _read(path)
    lacking = [column for column in COLUMNS if column not in frame]
    if lacking:
        raise InputError(f"{path}: columns are missing: {', '.join(lacking)}; it must have {', '.join(COLUMNS)}")
    if not len(frame):
        raise InputError(f"{path}: no rows; list at least one run")
    for column in (*COLUMNS, *OPTIONAL):
        frame[column] = frame[column].fillna("").str.strip() if column in frame else ""
        if column in COLUMNS and (empty := frame[column] == "").any():
            raise InputError(f"{path}: line {int(empty.to_numpy().argmax()) + 2} has no {column}; fill it in")
    wrong = frame[~frame["seed"].str.fullmatch(r"[0-9]{1,18}")]
    if len(wrong):
        raise InputError(f"{path}: seed must be a whole number >= 0, got {wrong['seed'].iloc[0]!r}; correct it")
    frame["seed"] = frame["seed"].astype(int)
    _check_names(frame, path)
    _check_runs(frame, path)
    return frame


def check_seeds(frame: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise InputError unless both heads of every pair have the same seeds, before hours of tables are read.

    A list with variants is checked when heads meet (`qcxr.analysis.statistics.compare`).
    """
    tested = frame[(frame["dataset"] != VALIDATION) & (frame["variant"] == "")]
    seeds = tested.groupby(["task", "dataset", "head"], sort=False)["seed"].agg(lambda part: sorted(set(part)))
    for first, other in pairs:
        for task, dataset in dict.fromkeys(zip(tested["task"], tested["dataset"], strict=True)):
            both = {head: seeds[task, dataset, head] for head in (first, other) if (task, dataset, head) in seeds}
            if len(both) == 2 and both[first] != both[other]:
                said = ", ".join(f"{head} has {has}" for head, has in both.items())
                raise InputError(
                    f"task {task}, data set {dataset}: heads must have the same seeds to be paired, {said}; "
                    "list the missing runs, or name the heads to look at with --heads"
                )


def _check_names(frame: pd.DataFrame, path: Path) -> None:
    for column in NAMES:
        named = frame[frame[column] != ""]
        wrong = named[~named[column].str.fullmatch(NAME)]
        if len(wrong):
            raise InputError(
                f"{path}: {column} must begin with a letter or digit and hold letters, digits, blanks and any of "
                f"_ . + ( ) - only, since files are named by it, got {wrong[column].iloc[0]!r}; rename it"
            )
    places = frame[["task", "dataset"]].drop_duplicates()
    same = (places["task"] + "-" + places["dataset"]).duplicated(keep=False)
    if same.any():
        names = " and ".join(f"task {t}, test set {d}" for t, d in places[same].to_numpy()[:2])
        raise InputError(f"{path}: files of {names} would have one name; rename one of them")


def _check_runs(frame: pd.DataFrame, path: Path) -> None:
    twice = frame[frame.duplicated(["task", "head", "seed", "dataset", "variant"])]
    if len(twice):
        row = twice.iloc[0]
        run = "/".join(part for part in (row["task"], row["head"], row["variant"], f"seed{row['seed']}") if part)
        raise InputError(f"{path}: {run} on {row['dataset']} is listed twice; list each run once on a test set")
    if (frame["dataset"] == VALIDATION).all():
        raise InputError(f"{path}: only {VALIDATION} rows; list at least one test set")
    untested = (frame["dataset"] == VALIDATION).groupby(frame["head"], sort=False).all()
    if untested.any():
        raise InputError(
            f"{path}: head {untested.idxmax()} has {VALIDATION} rows only, which give thresholds and are not scored; "
            "list its test sets, or take its rows out"
        )
    varied = frame.assign(variant=frame["variant"] != "").groupby("head", sort=False)["variant"].nunique()
    if (varied > 1).any():
        raise InputError(
            f"{path}: head {varied.idxmax()} has rows with a variant and rows without; name the variant of every row"
        )
    for column, by in {"train_counts": ["task"], "groups": ["task", "dataset"]}.items():
        files = frame.groupby(by, sort=False)[column].unique()
        if (several := files[files.map(len) > 1]).size:
            place = several.index[0] if len(by) == 1 else ", ".join(several.index[0])
            raise InputError(
                f"{path}: rows of {place} must name one file of {column}, got "
                f"{' and '.join(name or 'none' for name in several.iloc[0][:2])}; correct it"
            )


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a CSV with columns {', '.join(COLUMNS)}")
    try:
        return read_csv(path, texts=(*COLUMNS, *OPTIONAL), skipinitialspace=True)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must have columns {', '.join(COLUMNS)}") from None
    except (OSError, ValueError) as error:  # no UTF-8, no table
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read as CSV ({reason}); give a UTF-8 CSV") from None
