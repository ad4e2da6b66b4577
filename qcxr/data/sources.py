"""Where films and labels come from, by kind: `qcxr.study.kinds.KINDS` says which module reads which.

It is imported when a source of that kind is read, so that an edit of one reads no other data set again.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.data import contract
from qcxr.data.csvfile import split_files
from qcxr.errors import InputError
from qcxr.study import execution, plugged
from qcxr.study.kinds import KINDS
from qcxr.study.pluginfile import Registered


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
        """The module of its kind, or what stands for it. Raises InputError."""
        return reader(self.kind)

    def label_files(self, split: str) -> list[Path]:
        """The label files of a split, of a kind that has label files by split."""
        if "labels" not in self.options or plugged.find("data_kind", self.kind):
            return []
        return split_files(self.options["labels"], what="label file").get(split, [])


class Own:
    """The reader of a plug-in's kind."""

    def __init__(self, written: Registered) -> None:
        self.written = written
        self.function = execution.load(written)
        self._paths = ("images", *getattr(written.section, "tables", ()))

    def read(self, **source: Any) -> pd.DataFrame:
        """What its function gives, if it is a manifest's frame. Raises InputError with the file's line."""
        given = {key: _as_paths(value) if key in self._paths else value for key, value in source.items()}
        with execution.saying(self.written):
            frame = self.function(**given)
            if not isinstance(frame, pd.DataFrame):
                raise InputError(
                    f"data_kind {self.written.name} must give pandas' DataFrame, got {type(frame).__name__}; return one"
                )
            contract.check(frame)
            return frame


def _as_paths(value: Any) -> Any:
    return [Path(one) for one in value] if isinstance(value, list) else value and Path(value)


def reader(kind: str) -> Any:
    """The module that reads a kind of source, or what a plug-in has for it. Raises InputError for an unknown kind."""
    if written := plugged.find("data_kind", kind):
        return Own(written)
    if kind not in KINDS:
        raise InputError(f"source kind must be one of {', '.join(KINDS)}, got {kind!r}; set kind in data.sources")
    return importlib.import_module(KINDS[kind].module)


def read(kind: str, **source: Any) -> pd.DataFrame:
    """The manifest frame of a source, of its module's `read`. Raises InputError for an unknown kind or option."""
    found = reader(kind)
    read_ = found.read
    if isinstance(found, Own):  # whose keys its section has checked
        return read_(**source)
    allowed = set(read_.__annotations__) - {"return"}
    if unknown := sorted(set(source) - allowed):
        raise InputError(f"source {kind} takes {', '.join(sorted(allowed))}, got {', '.join(unknown)}")
    return read_(**source)
