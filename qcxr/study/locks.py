"""Whether locks (flock) keep anybody away in a folder: on some network file systems they fail, or do nothing."""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path

NOBODY = "they keep nobody away"


def lockless(folder: Path) -> str:
    """Why locks on files of `folder` are of no use, empty if they are: tried on a file that is opened twice.

    That they hold between machines too cannot be seen from one. Raises `OSError` if the folder cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix=".locks-", dir=folder)
    again = os.open(name, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return ""
        return NOBODY
    except OSError as error:
        return error.strerror or str(error)
    finally:
        os.close(handle)
        os.close(again)
        os.unlink(name)
