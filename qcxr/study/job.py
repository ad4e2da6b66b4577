"""What every workflow script needs around its one call: a log file, and bad input as one line."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

from qcxr.errors import InputError


@contextlib.contextmanager
def job(log: str | None) -> Iterator[None]:
    """Run a job: messages go to its log file and to the terminal; `InputError` is one line and exit status 1."""
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if log:
        Path(log).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(log, mode="a"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)
    logging.getLogger("absl").setLevel(logging.WARNING)
    logging.getLogger("jax").setLevel(logging.WARNING)
    try:
        yield
    except InputError as error:
        logging.getLogger("qcxr").error("error: %s", error)
        sys.exit(1)
    except Exception:
        logging.getLogger("qcxr").exception("failed")
        raise
