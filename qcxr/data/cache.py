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
from qcxr.data.entry import entry_key, pack_entry
from qcxr.data.film import FilmError, MissingCodec
from qcxr.data.films import Films
from qcxr.data.images import prepare
from qcxr.data.missing import refuse_above
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
    films: Films,
    *,
    workers: int = 1,
    max_missing: float = 0.0,
    issues_out: str | Path | None = None,
    wait: bool = True,
    progress: bool = True,
) -> BuildReport:
    """Make sure that every film of `manifest` is in the cache of `films`.

    workers: decoding processes (1: in this process).
    max_missing: the fraction of films that may be missing or unreadable; they are listed in issues_out (CSV,
        `columns.ISSUES`), the others are cached in any case.
    wait: when another build is writing this cache, wait for it instead of refusing.
    progress: a bar with rate and remaining time on standard error.

    Raises InputError: too many unreadable films (after caching the others), a full or read-only disk (what was
    cached stays), another build running with wait=False.
    """
    if not isinstance(workers, int) or workers < 1:
        raise InputError(f"workers must be a whole number >= 1, got {workers!r}; set resources.workers")
    started = time.perf_counter()
    built = 0
    with writer_lock(films.cache, wait=wait), open_store(films.cache) as store:
        todo, cached, issues = _todo(manifest, films, store)
        with tqdm(total=len(todo), unit="film", desc="cache", disable=not progress, smoothing=0.05) as bar:
            for results in _run(todo, films, workers=workers):
                _keep(results, films, store)
                good = [result for result in results if result.issue is None]
                built += sum(result.blob is not None for result in good)
                cached += sum(result.blob is None for result in good)
                issues += [(r.image_id, r.path, "unreadable", r.issue) for r in results if r.issue is not None]
                bar.update(len(results))
    table = pd.DataFrame(sorted(issues), columns=list(ISSUES))
    if issues_out is not None:
        write_csv(table, issues_out)
    refuse_above(table, n=len(manifest), limit=max_missing, root=films.images, listed=issues_out)
    return BuildReport(len(manifest), cached, built, table, time.perf_counter() - started)


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
    manifest: pd.DataFrame, films: Films, store: diskcache.Cache
) -> tuple[list[tuple[str, str]], int, list[tuple[str, str, str, str]]]:
    """Films to decode (image_id, path), how many are cached, and those that are missing, as issues."""
    todo, cached, issues = [], 0, []
    for image_id, path in zip(manifest["image_id"], manifest["path"], strict=True):
        key = films.key(store, path)
        if key is not None and key in store:
            cached += 1
        elif not films.file(path).is_file():
            issues.append((image_id, path, "missing", ""))
        else:
            todo.append((image_id, path))
    return todo, cached, issues


def _keep(results: Sequence[_Result], films: Films, store: diskcache.Cache) -> None:
    with store.transact():
        for result in results:
            if result.issue is not None:
                continue
            if result.blob is not None:
                store.set(entry_key(result.content, films.preprocessing), result.blob)
            store.set(films.record_key(result.path), result.record())


def _run(todo: Sequence[tuple[str, str]], films: Films, *, workers: int) -> Iterator[list[_Result]]:
    chunks = [todo[i : i + _FILMS_PER_TASK] for i in range(0, len(todo), _FILMS_PER_TASK)]
    if workers == 1 or len(chunks) <= 1:
        yield from (_decoded(chunk, films) for chunk in chunks)
        return
    # processes, not threads: PIL holds the interpreter lock for part of its work, and a codec's crash stays outside
    pool = joblib.Parallel(
        n_jobs=workers, backend="loky", return_as="generator_unordered", pre_dispatch="3*n_jobs", batch_size=1
    )
    try:
        yield from pool(joblib.delayed(_decoded)(chunk, films) for chunk in chunks)
    except BrokenProcessPool:  # loky's TerminatedWorkerError is one
        raise InputError(
            "a decoding worker was killed (out of memory?); what is cached is kept: run again, with a smaller "
            f"resources.workers than {workers} if it happens again"
        ) from None


def _decoded(chunk: Sequence[tuple[str, str]], films: Films) -> list[_Result]:
    with reading(films.cache) as known:
        return [_film(image_id, path, films, known) for image_id, path in chunk]


def _film(image_id: str, path: str, films: Films, known: sqlite3.Connection) -> _Result:
    try:
        with open(films.file(path), "rb") as handle:
            stat = os.fstat(handle.fileno())
            data = handle.read()
        content = hashlib.sha256(data).hexdigest()
        blob = None
        if not contains(known, entry_key(content, films.preprocessing)):
            blob = pack_entry(*prepare(data, films.preprocessing))
        return _Result(image_id, path, content, stat.st_size, stat.st_mtime_ns, blob)
    except MissingCodec as error:
        raise InputError(f"film {path}: {error}") from None
    except FilmError as error:
        return _Result(image_id, path, issue=str(error))
    except OSError as error:
        return _Result(image_id, path, issue=error.strerror or str(error))
