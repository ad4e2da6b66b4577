"""Finished or absent: every output file is written under a temporary name and renamed when it is whole."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
_UNWRITABLE = (*_FULL, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


@contextmanager
def said_plainly(path: str | Path) -> Iterator[None]:
    """A full or unwritable disk, or a file in a folder's place, met while writing `path`, is an InputError."""
    try:
        yield
    except OSError as error:
        folder = str(Path(path).parent)
        if error.errno not in _UNWRITABLE or (error.filename and not str(error.filename).startswith(folder)):
            raise
        reason = os.strerror(error.errno)
        raise InputError(f"{path} cannot be written ({reason}); free space or choose another folder") from None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`; renamed to `path` when the block ends well, removed when it raises.

    Raises InputError when the disk is full or may not be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """`frame` as a CSV without an index, atomically."""
    with replacing(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def write_parquet(frame: pd.DataFrame, path: str | Path) -> None:
    """`frame` as parquet without an index, atomically."""
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False)


def write_text(text: str, path: str | Path) -> None:
    """`text` in UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content: Any, path: str | Path) -> None:
    """`content` as JSON with sorted keys, atomically."""
    write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", path)
