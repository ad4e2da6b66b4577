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
        if error.errno not in _UNWRITABLE or not _concerns(error, Path(path)):
            raise
        raise _refusal(path, error) from None


def make_parent(path: str | Path) -> None:
    """Make the folder of `path`, with those above it; whatever prevents that is an InputError."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(path, error) from None


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`; renamed to `path` when the block ends well, removed when it raises.

    Raises InputError when the disk is full or may not be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    make_parent(path)
    with said_plainly(path):
        try:
            yield temporary
            with open(temporary, "rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _concerns(error: OSError, path: Path) -> bool:
    """Whether an error names `path`'s folder, what is in it or what it is in, or nothing at all (a write does not)."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        return True
    named = Path(os.fsdecode(error.filename))
    return named.is_relative_to(path.parent) or path.is_relative_to(named)


def _refusal(path: str | Path, error: OSError) -> InputError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return InputError(f"{path} cannot be written ({reason}); free space or choose another folder")


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
