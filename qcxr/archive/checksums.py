"""SHA256SUMS: written as `sha256sum` writes it, and checked before anything of an archive is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from qcxr.errors import InputError
from qcxr.study.files import write_text
from qcxr.study.provenance import digest_file

NAME = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def digests(root: Path) -> dict[str, str]:
    """name -> SHA-256 of every file in the folder but the list itself, sorted by name."""
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    shown = tqdm(files, unit="file", desc="checksums", disable=None, leave=False)
    return {name: digest_file(root / name) for name in shown if name != NAME}


def write(root: Path, found: Mapping[str, str]) -> None:
    """Write the list, which `sha256sum -c SHA256SUMS` takes in that folder."""
    write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(found.items())), root / NAME)


def check(root: Path) -> None:
    """Raise `InputError` unless the folder holds what its list says, and nothing else."""
    listed = _read(root / NAME)
    for name, digest in tqdm(listed.items(), unit="file", desc="check", disable=None, leave=False):
        if not (root / name).is_file():
            raise InputError(
                f"{root / name} is missing, though {NAME} lists it; take the archive from its source again"
            )
        if digest_file(root / name) != digest:
            raise InputError(f"{root / name} is damaged: {NAME} says otherwise; take the archive from its source again")
    there = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() or path.is_symlink()}
    if more := sorted(there - listed.keys() - {NAME}):
        raise InputError(f"{root / more[0]} is not in {NAME}: it is no part of the archive; take it away")


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        raise InputError(f"{path} is not there: {path.parent} is no archive of qcxr, or a part of one")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        lines = ["no text"]
    found = {}
    for number, line in enumerate(lines, 1):
        match = LINE.fullmatch(line)
        name = PurePosixPath(match[2]) if match else None
        if match is None or name is None or name.is_absolute() or ".." in name.parts or "\\" in match[2]:
            raise InputError(
                f"{path}: line {number} is no checksum of a file in it; take the archive from its source again"
            )
        found[match[2]] = match[1]
    return found
