"""Where films and labels come from, by kind: `qcxr.study.kinds.KINDS` says which module reads which.

It is imported when a source of that kind is read, so that an edit of one reads no other data set again.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.data.csvfile import split_files
from qcxr.errors import InputError
from qcxr.study.kinds import KINDS


@dataclass(frozen=True)
class Source:
    """A data set as it was downloaded: its kind, and what that kind's reader takes (images, labels, ...).

    max_missing: the fraction of films, in [0, 1], that may be missing or unreadable; they are left out.
    """

    kind: str
    options: Mapping[str, Any]
    max_missing: float = 0.0

    def read(self) -> pd.DataFrame:
        """The manifest frame, as `read`."""
        return read(self.kind, **self.options)

    def reader(self) -> Any:
        """The module of its kind. Raises InputError."""
        return reader(self.kind)

    def label_files(self, split: str) -> list[Path]:
        """The label files of a split, of a kind that has label files by split."""
        if "labels" not in self.options:
            return []
        return split_files(self.options["labels"], what="label file").get(split, [])


def reader(kind: str) -> Any:
    """The module that reads a kind of source. Raises InputError for an unknown kind."""
    if kind not in KINDS:
        raise InputError(f"source kind must be one of {', '.join(KINDS)}, got {kind!r}; set kind in data.sources")
    return importlib.import_module(KINDS[kind].module)


def read(kind: str, **source: Any) -> pd.DataFrame:
    """The manifest frame of a source, of its module's `read`. Raises InputError for an unknown kind or option."""
    read_ = reader(kind).read
    allowed = set(read_.__annotations__) - {"return"}
    if unknown := sorted(set(source) - allowed):
        raise InputError(f"source {kind} takes {', '.join(sorted(allowed))}, got {', '.join(unknown)}")
    return read_(**source)
