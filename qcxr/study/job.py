"""What every workflow script needs around its one call: a log file, and bad input as one line."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

from qcxr.errors import InputError
from qcxr.study.files import make_parent, said_plainly


@contextlib.contextmanager
def job(log: str | None) -> Iterator[None]:
    """Run a job: messages go to its log file and to the terminal; `InputError` is one line and exit status 1."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    refused = None
    try:
        handlers += [_log_file(log)] if log else []
    except InputError as error:  # said below, when there is something to say it with
        refused = error
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)
    logging.getLogger("absl").setLevel(logging.WARNING)
    logging.getLogger("jax").setLevel(logging.WARNING)
    try:
        if refused:
            raise refused
        yield
    except InputError as error:
        logging.getLogger("qcxr").error("error: %s", error)
        sys.exit(1)
    except Exception:
        logging.getLogger("qcxr").exception("failed")
        raise


def _log_file(path: str) -> logging.Handler:
    make_parent(path)
    with said_plainly(path):
        return logging.FileHandler(path, mode="a", encoding="utf-8")


def show(text: str) -> None:
    """Print `text`; letters that the terminal's encoding lacks are written as escapes, not an error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)
