"""Write a result so that it is either whole or absent: to a temporary name beside it, then moved over."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, with its suffix; on success it replaces `path`, else it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_csv(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV, undefined values empty, numbers at full precision."""
    with whole(path) as temporary:
        frame.to_csv(temporary, index=False)


def write_text(text: str, path: str | Path) -> None:
    """Write text as UTF-8."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
