"""Where films and labels come from, by layout: `qcxr.study.data.SOURCES` says which module reads which.

It is imported when a source of that layout is read, so that an edit of one reads no other data set again.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.data.csvfile import split_files
from qcxr.errors import InputError
from qcxr.study.data import SOURCES


@dataclass(frozen=True)
class Source:
    """A data set as it was downloaded: its layout, and what that layout's reader takes (images, labels, ...).

    max_missing: the fraction of films, in [0, 1], that may be missing or unreadable; they are left out.
    """

    kind: str
    options: Mapping[str, Any]
    max_missing: float = 0.0

    def read(self) -> pd.DataFrame:
        """The manifest frame, as `read`."""
        return read(self.kind, **self.options)

    def label_files(self, split: str) -> list[Path]:
        """The label files of a split."""
        return split_files(self.options["labels"], what="label file").get(split, [])


def read(kind: str, **source: Any) -> pd.DataFrame:
    """The manifest frame of a source, of its module's `read`. Raises InputError for an unknown kind or option."""
    if kind not in SOURCES:
        raise InputError(f"source kind must be one of {', '.join(SOURCES)}, got {kind!r}; set kind in data.sources")
    reader = importlib.import_module(SOURCES[kind]).read
    allowed = set(reader.__annotations__) - {"return"}
    if unknown := sorted(set(source) - allowed):
        raise InputError(f"source {kind} takes {', '.join(sorted(allowed))}, got {', '.join(unknown)}")
    return reader(**source)
