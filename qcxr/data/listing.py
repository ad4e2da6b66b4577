"""The films that a person names: files as they are, folders with all that lies below them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from qcxr.data import dicom
from qcxr.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")


def films(named: Sequence[str | Path]) -> list[str]:
    """Paths of films, those of a folder in the order of their names. A file that is named is not looked at.

    In folders films are told by their suffix; files of other names, as DICOMs often have (1.2.840.113.5), by their
    first bytes. Links to folders, what is hidden, and DICOMDIR, the index of a disc, are passed over. Raises
    InputError: a folder without a film.
    """
    found: list[str] = []
    for name in named:
        if not os.path.isdir(name):
            found.append(str(name))
            continue
        below = list(_below(Path(name)))
        if not below:
            raise InputError(f"folder {name} has no film ({', '.join(SUFFIXES)}, or a DICOM of another name) below it")
        found += below
    return found


def _below(folder: Path) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = os.path.join(here, name)
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith(".") or name.upper() == "DICOMDIR":
                continue
            if suffix in SUFFIXES or _is_dicom(path):
                yield path


def _is_dicom(path: str) -> bool:
    if not os.path.isfile(path):  # a pipe would wait for its other end
        return False
    try:
        with open(path, "rb") as file:
            return dicom.is_dicom(file.read(132))
    except OSError:
        return False
