"""Fuzz readers: python -m tests.fuzz READER ... --minutes 10 --seed N [--folder FOLDER]        (READER: or all)

Says of each how many files were read, and how many of them not as they should be; of these one for each place in the
code is kept in FOLDER. Exit status 1 if there are some. A reader that takes the process with it leaves `current` there.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.drive import fuzz, made
from tests.fuzz.readers import READERS


def main() -> int:
    """Fuzz each reader until its time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("readers", nargs="+", choices=[*READERS, "all"], metavar="READER")
    parser.add_argument("--minutes", type=float, default=10.0, help="of each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="for files that are not refused as they should be")
    given = parser.parse_args()
    faulthandler.enable()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="fuzz-"))
    names = list(READERS) if "all" in given.readers else given.readers
    return int(any([fuzzed(name, folder / name, minutes=given.minutes, seed=given.seed) for name in names]))


def fuzzed(name: str, kept: Path, *, minutes: float, seed: int) -> bool:
    """Fuzz one reader; whether anything was found."""
    kept.mkdir(parents=True, exist_ok=True)
    places, count = dict[str, int](), 0

    def keep(file: str, data: bytes) -> None:
        (kept / "current").write_bytes(data)

    with tempfile.TemporaryDirectory() as temporary:
        reader = made(name, Path(temporary, "made"))
        started = time.monotonic()
        for fault in fuzz(
            reader, random.Random(seed), lambda _: time.monotonic() - started < 60 * minutes, before=keep
        ):
            count += 1
            if fault is None:
                continue
            if fault.place not in places:
                print(f"{fault.place}: {fault.keep(kept)}", flush=True)
            places[fault.place] = places.get(fault.place, 0) + 1
    (kept / "current").unlink(missing_ok=True)
    faults = sum(places.values())
    print(
        f"{name}: seed {seed}, {minutes:g} minutes, {count} files, {faults} faults of {len(places)} kinds", flush=True
    )
    return bool(places)


if __name__ == "__main__":
    sys.exit(main())
