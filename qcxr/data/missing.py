"""Films that are not there, or cannot be read: which they are, and how many a data set may do without."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd

from qcxr.data.columns import ISSUES
from qcxr.errors import InputError


def missing_films(frame: pd.DataFrame, images: str | Path) -> pd.DataFrame:
    """The films that are not on disk, or are empty files, as issues (`columns.ISSUES`)."""
    root = str(images)

    def issue(path: str) -> str | None:
        try:
            return None if os.stat(f"{root}/{path}").st_size else "empty"
        except (OSError, ValueError):  # the latter: a NUL in it, which no path has
            return "missing"

    with ThreadPoolExecutor(16) as pool:  # stat on a network disk waits, it does not compute
        found = list(pool.map(issue, frame["path"], chunksize=256))
    rows = frame[["image_id", "path"]].assign(issue=found, detail="")
    return rows[rows["issue"].notna()].reset_index(drop=True)[list(ISSUES)]


def refuse_above(issues: pd.DataFrame, *, n: int, limit: float, root: str | Path, listed: str | Path | None) -> None:
    """Raises InputError when more than the fraction `limit` of `n` films have an issue."""
    if not 0 <= limit <= 1:
        raise InputError(f"max_missing must be a fraction in [0, 1], got {limit!r}; set it in data.sources")
    if len(issues) > limit * n:
        first = issues.iloc[0]
        reason = f" ({first['detail']})" if first["detail"] else ""
        raise InputError(
            f"{len(issues)} of {n} films under {root} are missing or unreadable, first {first['path']}: "
            f"{first['issue']}{reason}; allowed is a fraction of {limit:g} (the source's max_missing in data.sources)"
            + (f", all are listed in {listed}" if listed is not None else "")
        )
