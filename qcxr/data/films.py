"""A data set's films: where their files lie, where the cache is that holds them prepared, and what it knows of them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import diskcache

from qcxr.data.entry import CorruptEntry, entry_key
from qcxr.data.images import PAPERS, Preprocessing
from qcxr.errors import InputError
from qcxr.study.config import Config


@dataclass(frozen=True)
class Films:
    """images: root folder of the files. cache: folder of the cache, which several data sets may share."""

    images: str | Path
    cache: str | Path
    preprocessing: Preprocessing = PAPERS

    def file(self, path: str) -> Path:
        """The file of a manifest's `path`."""
        return Path(self.images) / path

    def record_key(self, path: str) -> str:
        """The key of the record that says which content the film at `path` had when it was cached."""
        return f"film:{Path(self.images).absolute().as_posix()}/{path}"

    def content(self, store: diskcache.Cache, path: str) -> str | None:
        """sha256 of the film's file if its record is still true (same size and modification time), else None."""
        record = store.get(self.record_key(path))
        if record is None:
            return None
        try:
            stat = os.stat(self.file(path))
            known = json.loads(record)
            return known["content"] if (known["size"], known["mtime_ns"]) == (stat.st_size, stat.st_mtime_ns) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def key(self, store: diskcache.Cache, path: str) -> str | None:
        """The key of the film's entry, or None if the cache does not know the film as it is now.

        The entry itself may not be there: it may have been cached with another preprocessing.
        """
        content = self.content(store, path)
        return None if content is None else entry_key(content, self.preprocessing)


def of_study(cfg: Config, dataset: str) -> Films:
    """The films of one of the study's data sets."""
    preprocessing = Preprocessing.of(cfg.prepared.prepares())
    return Films(cfg.data.sources[dataset].images, cfg.data.cache, preprocessing)


@contextmanager
def said_corrupt(path: str) -> Iterator[None]:
    """A corrupt entry, met while reading the film at `path` from the cache, is an InputError."""
    try:
        yield
    except CorruptEntry as error:
        raise InputError(
            f"cache entry of {path} is corrupt ({error}); `qcxr cache verify` rebuilds it from the film"
        ) from None
