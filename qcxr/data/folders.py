"""The folder of a data set's films: there, a folder, and open to us; or one line that says what it is instead."""

import os
from pathlib import Path

from qcxr.errors import InputError


def listed(folder: str | Path) -> list[os.DirEntry[str]]:
    """What lies in an image folder, in no particular order. Raises InputError."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        reason = "does not exist"
    except NotADirectoryError:
        reason = "is a file"
    except OSError as error:
        reason = f"cannot be listed ({error.strerror})"
    raise InputError(f"image folder {folder} {reason}; set the data source's images in the config") from None
