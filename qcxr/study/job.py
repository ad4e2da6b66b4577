"""What every workflow script needs around its one call: a log file, files that are what was written, one line for what
is wrong."""

from __future__ import annotations

import contextlib
import errno
import logging
import sys
from collections.abc import Iterable, Iterator

from qcxr.errors import InputError
from qcxr.study import digests
from qcxr.study.files import make_parent, said_plainly
from qcxr.study.readable import unreadable

LOCKLESS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # what flock says where the file system has none


@contextlib.contextmanager
def job(log: str | None, given: Iterable[str] = (), made: Iterable[str] = ()) -> Iterator[dict[str, str]]:
    """Run a job: messages go to its log file and to the terminal; `InputError` is one line and exit status 1.

    given: the files that it reads, each compared with its record first (`qcxr.study.digests`); yields their digests.
    made: those that it writes, whose records are written when it has ended well. An error is no bug where a file of
    `given` cannot be read.
    """
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
        digests.forget(made)
        read = digests.check(given)
        yield read
        digests.seal(made, read)
    except InputError as error:
        logging.getLogger("qcxr").error("error: %s", error)
        sys.exit(1)
    except Exception as error:
        if said := _known(error, given):
            logging.getLogger("qcxr").error("error: %s", said)
            sys.exit(1)
        logging.getLogger("qcxr").exception("failed")
        raise


def _known(error: Exception, given: Iterable[str]) -> str | None:
    """One line for an error that is no bug."""
    if isinstance(error, OSError) and error.errno in LOCKLESS:
        return (
            f"a file system here has no locks ({error.strerror}); set results and data.cache in the config to folders "
            "on one that has flock"
        )
    return unreadable(given)


def _log_file(path: str) -> logging.Handler:
    make_parent(path)
    with said_plainly(path):
        return logging.FileHandler(path, mode="a", encoding="utf-8")


def show(text: str) -> None:
    """Print `text`; letters that the terminal's encoding lacks are written as escapes, not an error."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, errors="backslashreplace").decode(encoding), flush=True)
