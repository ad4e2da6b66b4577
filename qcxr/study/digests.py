"""What every file of a study was when it was written, and what it was made from: a record beside it, by SHA-256.

The record of `packed/nih-train.npy` is `packed/.digests/nih-train.npy.json`. Jobs write them (`qcxr.study.job`) and
check what they read against them; `qcxr verify` goes through a whole study. They lie beside the files, so that a folder
that is moved or copied keeps them, and apart from them, so that no file has other bytes than without. What has no
record, since an earlier version made it, is read without a check; packed films have theirs in their JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study.files import write_text
from qcxr.study.provenance import digest_file

FOLDER = ".digests"
COMMAND = "QCXR_SNAKEMAKE"  # the words of the Snakemake command that a job belongs to; its jobs inherit them


@dataclass(frozen=True)
class Record:
    """The SHA-256 of a file as it was written, and those of what it was made from, by path from the file's folder."""

    sha256: str
    made_of: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """As it is written: with a digest of its own, so that a damaged record is not taken for a damaged file."""
        content = {"sha256": self.sha256, "made_of": dict(self.made_of)}
        return json.dumps({**content, "record": _own(content)}, indent=1, sort_keys=True) + "\n"


class DamagedRecord(InputError):
    """A record that is not what was written: nobody knows whether its file is."""


def record_file(path: str | Path) -> Path:
    """Where the record of a file lies."""
    path = Path(path)
    return path.parent / FOLDER / f"{path.name}.json"


def recorded(path: str | Path) -> Record | None:
    """The record of a file, of packed films that of their JSON; None if there is none. Raises `DamagedRecord`."""
    where = record_file(path)
    try:
        found = json.loads(where.read_text(encoding="utf-8"))
        record = Record(found["sha256"], dict(found["made_of"]))
        if found["record"] == _own({"sha256": record.sha256, "made_of": record.made_of}):
            return record
    except (FileNotFoundError, NotADirectoryError):
        return _of_packed(Path(path))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise DamagedRecord(f"{where} is damaged, so nobody knows whether {path} is what was written; {remade(path)}")


def check(paths: Iterable[str | Path], configfiles: Sequence[str] = ()) -> dict[str, str]:
    """Read each file once and compare it with its record; {path: SHA-256 as it is now}, also of those without record.

    configfiles: of the study, for the way out where no job is asked.

    Raises `InputError` with one line for the first that is not what was written. What is no file is left out.
    """
    found: dict[str, str] = {}
    for path in dict.fromkeys(map(str, paths)):
        if not os.path.isfile(path):
            continue
        expected = recorded(path)
        found[path] = digest_file(path)
        if expected is not None and found[path] != expected.sha256:
            raise InputError(
                f"{path} is damaged: its bytes are not those that were written ({_short(found[path])} "
                f"for {_short(expected.sha256)}, SHA-256); {remade(path, configfiles)}"
            )
    return found


def offer(words: Sequence[str]) -> None:
    """Called by the Snakefile: the words of its command, so that a job can name it as the way out."""
    os.environ[COMMAND] = shlex.join(["snakemake", *words])


def remade(path: str | Path, configfiles: Sequence[str] = ()) -> str:
    """The way out, which names the file that goes and the command that makes it.

    In a job that is the command which started it: a job that has failed is run again, with what it lacks before it.
    """
    laid = f" --configfile {shlex.join(configfiles)}" if configfiles else ""
    command = os.environ.get(COMMAND) or f"snakemake --cores 2 {path}{laid}"
    return f"make it again: rm {path} && {command}"


def seal(made: Iterable[str | Path], made_of: Mapping[str, str]) -> None:
    """Write the records of files that are finished; `made_of`: what was read for them, as `check` gives it.

    Of a folder, the files in it. What is not there is left out. Raises `InputError` if they cannot be written.
    """
    for path in _files(made):
        relative = {os.path.relpath(source, path.parent): digest for source, digest in made_of.items()}
        write_text(Record(digest_file(path), relative).text(), record_file(path))


def forget(made: Iterable[str | Path]) -> None:
    """Remove the records of files that are to be written anew: until these are finished there is nothing to say."""
    for path in made:
        record_file(path).unlink(missing_ok=True)


def _files(paths: Iterable[str | Path]) -> list[Path]:
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            found += [each for each in sorted(path.rglob("*")) if each.is_file() and FOLDER not in each.parts]
        elif path.is_file():
            found.append(path)
    return found


def _of_packed(path: Path) -> Record | None:
    """What the JSON of packed films or features says of their two other files: it did before there were records."""
    kind = {".npy": "images", ".parquet": "index"}.get(path.suffix)
    if kind is None:
        return None
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        digest = about["sha256"][kind]
    except (OSError, ValueError, KeyError, TypeError):  # none, or damaged: its reader says so
        return None
    return Record(digest) if isinstance(digest, str) else None


def _own(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _short(digest: str) -> str:
    return digest[:12]
