"""Feed a reader damaged files, and keep those that it does not refuse in one line."""

from __future__ import annotations

import hashlib
import logging
import random
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from qcxr.data.film import FilmError
from qcxr.errors import InputError
from tests.fuzz.mutate import Told, mutated
from tests.fuzz.reader import Reader
from tests.fuzz.readers import READERS

SECONDS = 60  # for one file of some hundred bytes, on a busy machine
LONGEST = 2000  # characters of what is said


class Fault(NamedTuple):
    """A file that was not refused as it should be: which, its bytes, where in the code, and what was raised."""

    name: str
    data: bytes
    place: str
    said: str

    def keep(self, folder: Path) -> Path:
        """Write it below `folder`; one file a place."""
        path = folder / f"{hashlib.sha256(self.place.encode()).hexdigest()[:8]}-{self.name.replace('/', '_')}"
        path.write_bytes(self.data)
        path.with_name(f"{path.name}.txt").write_text(self.said)
        return path


class Slow(Exception):
    """A file took longer than `SECONDS`."""


def fuzz(
    reader: Reader,
    rng: random.Random,
    goes_on: Callable[[int], bool],
    before: Callable[[str, bytes], None] | None = None,
) -> Iterator[Fault | None]:
    """None for each damaged file that is read or refused, else what went wrong; as long as `goes_on(count)`.

    before: is told each file before it is read, in case the process does not live to tell.
    """
    names, count = sorted(reader.files), 0
    while goes_on(count):
        name = rng.choice(names)
        data = mutated(reader.files[name], rng, list(reader.files.values()))
        if before:
            before(name, data)
        yield tried(reader, name, data)
        count += 1


def tried(reader: Reader, name: str, data: bytes) -> Fault | None:
    """What is wrong with how one file is read; None if it is read, or refused in one line."""
    Told.read = False
    try:
        with _within(SECONDS), warnings.catch_warnings(), _silent():
            warnings.simplefilter("ignore")
            reader.read(name, data)
    except (InputError, FilmError) as error:
        said = str(error)
        if "\n" in said or not said or len(said) > LONGEST:
            return Fault(name, data, f"said {said[:40]!r}", f"not one line: {said[:4000]!r}")
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = [f for f in traceback.extract_tb(error.__traceback__) if "/qcxr/" in f.filename] or [None]
        at = f"{frames[-1].filename}:{frames[-1].lineno}" if frames[-1] else "elsewhere"
        return Fault(name, data, f"{type(error).__name__} at {at}", "".join(traceback.format_exception(error)))
    if Told.read:
        return Fault(name, data, "a pickle was executed", "a pickle was executed")
    return None


def made(name: str, folder: Path) -> Reader:
    """The reader of that name, with valid files of its own below `folder`, of which none is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    reader = READERS[name](folder)
    for file in some(reader):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(file, reader.files[file])
    return reader


def some(reader: Reader, most: int = 7) -> list[str]:
    """Some of a reader's files, spread over all."""
    return list(reader.files)[:: -(-len(reader.files) // most)]


@contextmanager
def _within(seconds: int) -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise Slow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _silent() -> Iterator[None]:
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
