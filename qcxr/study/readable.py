"""Whether a file can be read at all: asked when a job has failed, to tell a damaged file from a bug."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from qcxr.study.digests import remade


def unreadable(paths: Iterable[str | Path]) -> str | None:
    """One line that names the first file that is no JSON, table, array or weights as its name says; None if all are."""
    for path in map(Path, paths):
        read = READERS.get(path.suffix)
        if read is None or not path.is_file():
            continue
        try:
            read(path)
        except Exception as error:  # what readers raise depends on where a file is damaged
            reason = next(iter(str(error).splitlines()), "")[:160] or type(error).__name__
            return f"{path} is damaged and cannot be read ({reason}); {remade(path)}"
    return None


def _json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8"))


def _csv(path: Path) -> None:
    import pandas as pd  # takes a second, and most jobs do not fail

    pd.read_csv(path)


def _parquet(path: Path) -> None:
    import pyarrow.parquet as pq  # as pandas

    pq.read_table(path)


def _npy(path: Path) -> None:
    import numpy as np  # as pandas

    np.load(path, mmap_mode="r", allow_pickle=False)


def _safetensors(path: Path) -> None:
    from safetensors import safe_open  # as pandas

    with safe_open(path, framework="numpy"):
        pass


READERS: dict[str, Callable[[Path], None]] = {
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
    ".npy": _npy,
    ".safetensors": _safetensors,
}
