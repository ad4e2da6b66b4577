"""Where films and labels come from, by layout. A new data set is a module with `read`, and a line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.data import mimic, nih
from qcxr.data.csvfile import split_files
from qcxr.errors import InputError

# kind -> read(images=, labels=, ...) -> manifest frame
SOURCES: dict[str, Callable[..., pd.DataFrame]] = {"nih": nih.read, "mimic": mimic.read}


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
    """The manifest frame of a source: `SOURCES[kind](**source)`. Raises InputError for an unknown kind or option."""
    if kind not in SOURCES:
        raise InputError(f"source kind must be one of {', '.join(SOURCES)}, got {kind!r}; set kind in data.sources")
    reader = SOURCES[kind]
    allowed = set(reader.__annotations__) - {"return"}
    if unknown := sorted(set(source) - allowed):
        raise InputError(f"source {kind} takes {', '.join(sorted(allowed))}, got {', '.join(unknown)}")
    return reader(**source)
