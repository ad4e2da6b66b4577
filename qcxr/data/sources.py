"""Where films and labels come from, by layout. A new data set is a module with `read`, and a line here."""

from collections.abc import Callable

import pandas as pd

from qcxr.data import mimic, nih
from qcxr.errors import InputError

# kind -> read(images=, labels=, ...) -> manifest frame
SOURCES: dict[str, Callable[..., pd.DataFrame]] = {"nih": nih.read, "mimic": mimic.read}


def read(kind: str, **source) -> pd.DataFrame:
    """The manifest frame of a source: `SOURCES[kind](**source)`. Raises InputError for an unknown kind or option."""
    if kind not in SOURCES:
        raise InputError(f"source kind must be one of {', '.join(SOURCES)}, got {kind!r}; set kind in data.sources")
    reader = SOURCES[kind]
    allowed = set(reader.__annotations__) - {"return"}
    if unknown := sorted(set(source) - allowed):
        raise InputError(f"source {kind} takes {', '.join(sorted(allowed))}, got {', '.join(unknown)}")
    return reader(**source)
