"""The cache on disk: one SQLite file kept by diskcache, one writer at a time.

Values stay inside SQLite (no file per film), so a transaction is the unit of loss: a killed or starved writer leaves
what it had committed, whole, and nothing else.
"""

import errno
import fcntl
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diskcache

from qcxr.errors import InputError, one_line
from qcxr.study.folders import private

_INSIDE_SQLITE = 1 << 30  # bytes; values up to this size are rows, larger ones would become files


# what SQLite says of the machine. All else that it says of our few statements comes from a database whose bytes, tables
# or settings (diskcache makes PRAGMAs of them) are not those that were written
_OF_THE_MACHINE = ("locked", "disk I/O", "interrupted")


class _Foreign(Exception):
    """A value that only another program's hand can have put there."""


class _Plain(diskcache.Disk):
    """Values as SQLite has them: diskcache would unpickle what the database calls a pickle, which executes code.

    Nor does it open or remove files that the database names, which may be anyone's.
    """

    def get(self, key: Any, raw: int) -> Any:  # SQLite has no bool
        if not raw:
            raise _Foreign("a key")
        return super().get(key, raw)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        if mode != diskcache.core.MODE_RAW or filename is not None:
            raise _Foreign("a value")
        return super().fetch(mode, filename, value, read)

    def remove(self, file_path: str) -> None:
        raise _Foreign("a file's name")


class _Store(diskcache.Cache):
    """A cache that leaves no connection open when it cannot be opened (a full disk, a damaged file)."""

    def __init__(self, folder: str, **settings: Any) -> None:
        try:
            super().__init__(folder, **settings)
        except (TypeError, AttributeError, ValueError, sqlite3.ProgrammingError):  # of what no setting can be
            self.close()
            raise _Foreign("settings") from None
        except BaseException:
            self.close()
            raise


@contextmanager
def open_store(cache_dir: str | Path) -> Iterator[diskcache.Cache]:
    """The cache for reading and writing. SQLite's errors inside the block become InputError (disk full, read-only)."""
    cache_dir = _folder(cache_dir)
    database = cache_dir / "cache.db"
    try:
        database.touch()  # with the user's umask, so that a group may share it; SQLite would never let it write
    except OSError as error:
        if not database.exists():
            raise _unwritable(cache_dir, error) from None
    with _said_plainly(cache_dir):
        cache = _Store(
            str(cache_dir),
            disk=_Plain,
            eviction_policy="none",
            cull_limit=0,  # never evict: an entry costs a decode
            disk_min_file_size=_INSIDE_SQLITE,
        )
        try:
            yield cache
        finally:
            cache.close()


@contextmanager
def writer_lock(cache_dir: str | Path, *, wait: bool = True) -> Iterator[None]:
    """The one writer's lock on `cache_dir`: an flock, freed by the kernel when the process ends, however it ends.

    wait: when another build holds it, wait (said on standard error), else raise InputError.
    """
    cache_dir = _folder(cache_dir)
    try:
        handle = open(cache_dir / "build.lock", "a+")  # noqa: SIM115 (entered below, outside of what is reworded)
    except OSError as error:
        raise _unwritable(cache_dir, error) from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise InputError(f"another build is writing {cache_dir}; wait for it, or stop it first") from None
            print(f"waiting for the build that is writing {cache_dir}", file=sys.stderr, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def reading(cache_dir: str | Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, for workers, which must never write; `contains` asks it."""
    database = Path(cache_dir).absolute() / "cache.db"
    with _said_plainly(Path(cache_dir)):
        connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=60)
        try:
            yield connection
        finally:
            connection.close()


def contains(connection: sqlite3.Connection, key: str) -> bool:
    """Whether the cache holds `key`."""
    return connection.execute("SELECT 1 FROM Cache WHERE key = ? AND raw = 1", (key,)).fetchone() is not None


def sqlite_problems(cache_dir: str | Path) -> str:
    """What SQLite finds wrong with its own structure (not with the values in it), or an empty text."""
    with reading(cache_dir) as connection:
        rows = connection.execute("PRAGMA quick_check(1)").fetchall()
    return "" if rows == [("ok",)] else " ".join(" ".join(str(row[0]) for row in rows).split())


def _folder(cache_dir: str | Path) -> Path:
    try:
        private(cache_dir)
    except OSError as error:  # a file in its place or above it, a disk that is full or read-only, /proc
        raise _unwritable(cache_dir, error) from None
    return Path(cache_dir)


def _unwritable(cache_dir: str | Path, error: OSError) -> InputError:
    in_place = isinstance(error, FileExistsError | NotADirectoryError)
    reason = "a file is in its place" if in_place else error.strerror or str(error)
    return InputError(f"cache directory {cache_dir} cannot be written ({reason}); set data.cache or free space")


def _damaged(cache_dir: Path, reason: str) -> InputError:
    return InputError(f"cache {cache_dir} is damaged ({reason}); delete the directory and run again")


@contextmanager
def _said_plainly(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if text.startswith("Could not decode"):  # the rest of it is the damaged value
            raise _damaged(cache_dir, "text that is not UTF-8") from None
        if "full" in text:
            raise InputError(
                f"no space left for the cache {cache_dir}; what is cached is kept: free space and run again"
            ) from None
        if "readonly" in text or "unable to open" in text:
            raise InputError(f"cache directory {cache_dir} is not writable ({text}); set data.cache") from None
        if isinstance(error, sqlite3.ProgrammingError) or any(words in text for words in _OF_THE_MACHINE):
            raise
        raise _damaged(cache_dir, one_line(error)) from None
    except UnicodeDecodeError:
        raise _damaged(cache_dir, "text that is not UTF-8") from None
    except _Foreign as error:
        raise _damaged(cache_dir, f"{error} that we have not written") from None
    except diskcache.Timeout:
        raise InputError(f"cache {cache_dir} is locked by another program; close it and run again") from None
    except OSError as error:
        if isinstance(error, PermissionError) or error.errno in (errno.ENOSPC, errno.EROFS, errno.EDQUOT):
            raise _unwritable(cache_dir, error) from None
        raise
