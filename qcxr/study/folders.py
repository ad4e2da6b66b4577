"""Where a study's files lie, and what of it must lie apart."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# What rules and runs make below `results`; a test holds it to the rules.
MADE = (
    *("manifest", "cached", "packed", "features", "audit", "leaks"),
    *("runs", "work", "progress", "search", "bootstrap", "patients", "subgroups", "figures", "tables"),
    *("logs", "bench", "benchmarks"),
)


def mixed(results: str, others: Mapping[str, Iterable[str]], *, below: Collection[str]) -> str | None:
    """One line if `results` is, holds or lies in a path of `others` (by key), else None.

    The keys in `below` may lie in `results`, beside what the rules make there.
    """
    own = Path(os.path.realpath(results))
    for key, paths in others.items():
        for path in paths:
            there = Path(os.path.realpath(path))
            inside = own in there.parents
            if inside and key in below and there.relative_to(own).parts[0] not in MADE:
                continue
            if inside or there == own or there in own.parents:
                return (
                    f"results must lie apart from {key} ({path}), got {results}; set results in the config to a folder "
                    "of its own"
                )
    return None


def file_in_place(key: str, folder: str) -> str | None:
    """One line if `folder` cannot be one, because it or a path above it is a file, else None."""
    nearest = _nearest(folder)
    if nearest.is_dir():
        return None
    return f"{key} must be a folder, got {folder} where {nearest} is a file; set {key} in the config to another"


def unwritable(key: str, folder: str) -> str | None:
    """One line if `folder` cannot be made or written here, else None."""
    if os.access(_nearest(folder), os.W_OK | os.X_OK):
        return None
    return f"{key} must be a folder that can be written, got {folder}; set {key} in the config to another"


def _nearest(folder: str) -> Path:
    """`folder`, or the nearest path above it that exists."""
    return next(path for path in (Path(folder), *Path(folder).absolute().parents) if path.exists())


def private(folder: str | Path) -> Path:
    """The folder, made if it is not there, and then for this user alone; one that is there stays as it was shared.

    Films of patients lie in caches, and compiled programs, which are executed. Raises `OSError`.
    """
    made = Path(folder)
    made.parent.mkdir(parents=True, exist_ok=True)
    made.mkdir(mode=0o700, exist_ok=True)
    return made


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """A folder beside `out` to work in, which becomes `out` when the block ends well and is removed when it raises.

    `out` may be there, and empty.
    """
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        yield partial
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def user_cache() -> Path:
    """Our folder in the user's cache, for what no study owns."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "qcxr"
