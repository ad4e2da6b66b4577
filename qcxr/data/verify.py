"""Is the cache still what was written, and the films still what was cached? What is not is thrown out and rebuilt."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import diskcache
import pandas as pd
from tqdm import tqdm

from qcxr.data.cache import build
from qcxr.data.columns import ISSUES
from qcxr.data.entry import CorruptEntry, entry_key, settings_key, unpack_whole
from qcxr.data.films import Films
from qcxr.data.store import open_store, sqlite_problems, writer_lock
from qcxr.errors import InputError

# issue: what it means
PROBLEMS = {
    "not cached": "the film has no entry (a build that has not finished)",
    "stale": "the film's file has changed since it was cached",
    "corrupt": "the entry is not what was written (truncated, damaged, of another shape)",
}


@dataclass(frozen=True)
class VerifyReport:
    """What was found, and what was done about it.

    n_films: checked. problems: one row per bad entry (`columns.ISSUES`). repaired: whether they were made good.
    rebuilt: films decoded for that (a film whose content is cached needs none).
    unreadable: films that could not be decoded then (`columns.ISSUES`).
    """

    n_films: int
    problems: pd.DataFrame
    repaired: bool
    rebuilt: int
    unreadable: pd.DataFrame

    @property
    def ok(self) -> bool:
        """Whether every film is cached as it is on disk now: nothing was wrong, or all of it was rebuilt."""
        return len(self.unreadable) == 0 and (self.repaired or len(self.problems) == 0)


def verify(
    manifest: pd.DataFrame,
    films: Films,
    *,
    repair: bool = True,
    workers: int = 1,
    wait: bool = True,
    progress: bool = True,
) -> VerifyReport:
    """Check every film's entry: there, its checksum right, its shape right, and the film's bytes still those cached.

    Films are read and hashed again, so a file that was replaced under its old modification time is found too.
    repair: delete the bad entries and rebuild them, and only them; False reports and changes nothing.
    workers, wait, progress: as in `cache.build`.

    Raises InputError: no cache there, another build running (wait=False), SQLite's own structure damaged.
    """
    if not (Path(films.cache) / "cache.db").is_file():
        raise InputError(f"there is no cache in {films.cache}; run the cache step first, or set data.cache")
    with writer_lock(films.cache, wait=wait), open_store(films.cache) as store:
        if damage := sqlite_problems(films.cache):
            raise InputError(f"cache {films.cache} is damaged ({damage}); delete the directory and run again")
        found = []
        with tqdm(total=len(manifest), unit="film", desc="verify", disable=not progress, smoothing=0.05) as bar:
            for image_id, path, content in _contents(manifest, films, workers=workers):
                problem = _problem(store, films, path, content)
                if problem is not None:
                    found.append((image_id, path, *problem))
                bar.update()
        if repair:
            _forget(store, films, found)
    problems = pd.DataFrame(found, columns=list(ISSUES))
    if not repair or problems.empty:
        return VerifyReport(len(manifest), problems, repair, 0, pd.DataFrame(columns=list(ISSUES)))
    bad = manifest[manifest["image_id"].isin(problems["image_id"])]
    report = build(bad, films, workers=workers, max_missing=1.0, wait=wait, progress=progress)
    return VerifyReport(len(manifest), problems, True, report.n_built, report.issues)


def _contents(manifest: pd.DataFrame, films: Films, *, workers: int) -> Iterator[tuple[str, str, str | None]]:
    def hashed(path: str) -> str | None:
        try:
            with open(films.file(path), "rb") as film:
                return hashlib.file_digest(film, "sha256").hexdigest()  # releases the interpreter lock: threads do
        except OSError:
            return None

    size = 256  # films in flight, so that memory does not grow with the data set
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for first in range(0, len(manifest), size):
            part = manifest.iloc[first : first + size]
            yield from zip(part["image_id"], part["path"], pool.map(hashed, part["path"]), strict=True)


def _problem(store: diskcache.Cache, films: Films, path: str, content: str | None) -> tuple[str, str] | None:
    recorded = films.content(store, path)
    if recorded is None and films.record_key(path) not in store:
        return "not cached", "no record of the film"
    if content is None or recorded != content:
        return "stale", "the film is gone" if content is None else "the film's file has changed"
    blob = store.get(entry_key(content, films.preprocessing))
    if blob is None:
        return "not cached", f"no entry for {settings_key(films.preprocessing)}"
    try:
        unpack_whole(blob, crop=films.preprocessing.crop)
    except CorruptEntry as error:
        return "corrupt", str(error)
    return None


def _forget(store: diskcache.Cache, films: Films, found: list[tuple[str, str, str, str]]) -> None:
    for _, path, problem, _ in found:
        with store.transact():
            key = films.key(store, path)
            if problem == "corrupt" and key is not None:
                store.delete(key)
            store.delete(films.record_key(path))
