"""What a reader is to the fuzzer, and how valid files are made for one."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from qcxr.data.images import Preprocessing

SMALL = Preprocessing(resize=36, crop=32)


class Reader(NamedTuple):
    """Valid files by name, and what reads a damaged one of them."""

    files: Mapping[str, bytes]
    read: Callable[[str, bytes], object]


def written(path: Path, data: bytes) -> Path:
    """The path, with the bytes in it."""
    path.write_bytes(data)
    return path


def parquet(frame: pd.DataFrame) -> bytes:
    """A table as the bytes of a parquet file."""
    out = io.BytesIO()
    frame.to_parquet(out, index=False)
    return out.getvalue()
