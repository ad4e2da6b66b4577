"""Fuzz one reader: python -m tests.fuzz READER --minutes 10 --seed N [--folder FOLDER]

Prints how many files were read, and how many of them not as they should be, one of each place in the code; these files
are kept in FOLDER. Exit status 1 if there are some. A reader that takes the process with it leaves `current` there.
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
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("reader", choices=READERS)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    faulthandler.enable()
    with tempfile.TemporaryDirectory() as temporary:
        kept = given.folder or Path(tempfile.mkdtemp(prefix=f"fuzz-{given.reader}-"))
        kept.mkdir(parents=True, exist_ok=True)
        reader = made(given.reader, Path(temporary, "made"))
        ends, places, count = time.monotonic() + 60 * given.minutes, dict[str, int](), 0

        def keep(name: str, data: bytes) -> None:
            (kept / "current").write_bytes(data)

        found = fuzz(reader, random.Random(given.seed), lambda _: time.monotonic() < ends, before=keep)
        for fault in found:
            count += 1
            if fault is None:
                continue
            if fault.place not in places:
                print(f"{fault.place}: {fault.keep(kept)}", flush=True)
            places[fault.place] = places.get(fault.place, 0) + 1
        (kept / "current").unlink(missing_ok=True)
    faults = sum(places.values())
    print(f"{given.reader}: seed {given.seed}, {count} files, {faults} faults of {len(places)} kinds")
    return int(bool(places))


if __name__ == "__main__":
    sys.exit(main())
