"""Building the cache: every film decoded and preprocessed once, by many workers, written by one (paper, Fig. 3).

An entry is keyed by the file's content and the preprocessing; a `film:` record says which content a path had, with
the size and modification time that tell whether it still has. So an interrupted build continues, a touched or moved
file is not decoded again, and a replaced file is.
"""

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import diskcache
import joblib
import pandas as pd
from tqdm import tqdm

from qcxr.data.columns import ISSUES
from qcxr.data.entry import entry_key, pack_entry, settings_key
from qcxr.data.images import FilmError, check_sizes, prepare
from qcxr.data.manifest import refuse_above
from qcxr.data.store import contains, open_store, reading, writer_lock
from qcxr.errors import InputError
from qcxr.study.files import write_csv

_FILMS_PER_TASK = 16  # enough to hide the cost of a task, few enough that a kill loses under a second of work


@dataclass(frozen=True)
class BuildReport:
    """What a build did: films in the manifest, found cached, decoded now, and those left out with their reasons."""

    n_films: int
    n_cached: int
    n_built: int
    issues: pd.DataFrame
    seconds: float

    @property
    def films_per_second(self) -> float:
        """Decoded films per second of the whole build."""
        return self.n_built / self.seconds if self.seconds > 0 else 0.0


def build(
    manifest: pd.DataFrame,
    images_root: str | Path,
    cache_dir: str | Path,
    *,
    resize: int = 256,
    crop: int = 224,
    workers: int = 1,
    max_missing: float = 0.0,
    issues_out: str | Path | None = None,
    wait: bool = True,
    progress: bool = True,
) -> BuildReport:
    """Make sure that every film of `manifest` is in the cache at `cache_dir`.

    resize, crop: `images.preprocess`. workers: decoding processes (1: in this process).
    max_missing: the fraction of films that may be missing or unreadable; they are listed in issues_out (CSV,
        `columns.ISSUES`), the others are cached in any case.
    wait: when another build is writing this cache, wait for it instead of refusing.
    progress: a bar with rate and remaining time on standard error.

    Raises InputError: too many unreadable films (after caching the others), a full or read-only disk (what was
    cached stays), another build running with wait=False.
    """
    check_sizes(resize=resize, crop=crop)
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers must be a whole number >= 1, got {workers!r}; set resources.workers")
    started = time.perf_counter()
    settings = settings_key(resize=resize, crop=crop)
    issues: list[tuple[str, str, str, str]] = []
    built = cached = 0
    with writer_lock(cache_dir, wait=wait), open_store(cache_dir) as store:
        todo, cached = _todo(manifest, Path(images_root), store, settings=settings, issues=issues)
        bar = tqdm(total=len(todo), unit="film", desc="cache", disable=not progress, smoothing=0.05)
        with bar:
            job = {"cache_dir": str(cache_dir), "resize": resize, "crop": crop, "settings": settings}
            for results in _run(todo, workers=workers, **job):
                with store.transact():
                    for result in results:
                        if result.issue is not None:
                            issues.append((result.image_id, result.path, "unreadable", result.issue))
                            continue
                        if result.blob is not None:
                            store.set(entry_key(result.content, settings=settings), result.blob)
                            built += 1
                        else:
                            cached += 1
                        store.set(record_key(images_root, result.path), result.record())
                bar.update(len(results))
    table = pd.DataFrame(sorted(issues), columns=list(ISSUES))
    if issues_out is not None:
        write_csv(table, issues_out)
    refuse_above(table, n=len(manifest), limit=max_missing, root=images_root, listed=issues_out)
    return BuildReport(len(manifest), cached, built, table, time.perf_counter() - started)


def record_key(images_root: str | Path, path: str) -> str:
    """The key of the record that says which content the film at images_root/path had when it was cached."""
    return f"film:{Path(images_root).absolute().as_posix()}/{path}"


def content_of(store: diskcache.Cache, images_root: str | Path, path: str) -> str | None:
    """sha256 of the film's file if its record is still true (same size and modification time), else None."""
    record = store.get(record_key(images_root, path))
    if record is None:
        return None
    try:
        stat = os.stat(Path(images_root) / path)
        known = json.loads(record)
        return known["content"] if (known["size"], known["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class _Result:
    image_id: str
    path: str
    content: str = ""
    size: int = 0
    mtime_ns: int = 0
    blob: bytes | None = None  # None: the content was in the cache already
    issue: str | None = None

    def record(self) -> str:
        return json.dumps({"content": self.content, "size": self.size, "mtime_ns": self.mtime_ns})


def _todo(
    manifest: pd.DataFrame, root: Path, store: diskcache.Cache, *, settings: str, issues: list
) -> tuple[list[tuple[str, str, str]], int]:
    todo, cached = [], 0
    for image_id, path in zip(manifest["image_id"], manifest["path"], strict=True):
        content = content_of(store, root, path)
        if content is not None and entry_key(content, settings=settings) in store:
            cached += 1
        elif not (root / path).is_file():
            issues.append((image_id, path, "missing", ""))
        else:
            todo.append((image_id, path, str(root / path)))
    return todo, cached


def _run(todo: Sequence[tuple[str, str, str]], *, workers: int, **job) -> Iterator[list[_Result]]:
    chunks = [todo[i : i + _FILMS_PER_TASK] for i in range(0, len(todo), _FILMS_PER_TASK)]
    if workers == 1 or len(chunks) <= 1:
        yield from (_films(chunk, **job) for chunk in chunks)
        return
    # processes, not threads: PIL holds the interpreter lock for part of its work, and a codec's crash stays outside
    pool = joblib.Parallel(
        n_jobs=workers, backend="loky", return_as="generator_unordered", pre_dispatch="3*n_jobs", batch_size=1
    )
    try:
        yield from pool(joblib.delayed(_films)(chunk, **job) for chunk in chunks)
    except BrokenProcessPool:  # loky's TerminatedWorkerError is one
        raise InputError(
            "a decoding worker was killed (out of memory?); what is cached is kept: run again, with a smaller "
            f"resources.workers than {workers} if it happens again"
        ) from None


def _films(chunk: Sequence[tuple[str, str, str]], *, cache_dir: str, **job) -> list[_Result]:
    with reading(cache_dir) as known:
        return [_film(image_id, path, file, known=known, **job) for image_id, path, file in chunk]


def _film(
    image_id: str, path: str, file: str, *, known: sqlite3.Connection, resize: int, crop: int, settings: str
) -> _Result:
    try:
        with open(file, "rb") as handle:
            stat = os.fstat(handle.fileno())
            data = handle.read()
        content = hashlib.sha256(data).hexdigest()
        stamp = {"content": content, "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        if contains(known, entry_key(content, settings=settings)):
            return _Result(image_id, path, **stamp)
        image, facts = prepare(data, resize=resize, crop=crop)
        return _Result(image_id, path, blob=pack_entry(image, facts), **stamp)
    except FilmError as error:
        return _Result(image_id, path, issue=str(error))
    except OSError as error:
        return _Result(image_id, path, issue=error.strerror or str(error))
