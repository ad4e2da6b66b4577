"""`python -m qcxr.bench.pieces.shared`: a job that trains on a card it shares, by a lease as a study's jobs hold one.

It says a line of JSON when it is ready, then the films/s of as many epochs as each line that it is sent asks for.
"""

import argparse
import json
import os
import sys
import time

from qcxr.bench.pieces.size import FULL, SMALL, Size
from qcxr.training.devices import lease


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m qcxr.bench.pieces.shared", description=__doc__)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args(argv)
    with lease(slots=2) as cards:
        serve(SMALL if given.small else FULL, cards)


def serve(size: Size, cards: list[str]) -> None:
    """Train on random films, epoch by epoch, when told."""
    import jax  # here, as below: it reads which card it may use when it is imported

    from qcxr.bench.training import RUN, make_loop  # here: see above
    from qcxr.training.progress import Progress

    loop = make_loop(section=dict(size.section), films=size.films, size=size.pixels, n_labels=size.labels)
    loop.validate = lambda: 1.0  # type: ignore[method-assign]  # not part of what is compared
    progress = Progress(None, run=RUN, steps=loop.steps_per_epoch, epochs=1)
    loop.run_epoch(progress, lambda *_: None)
    say({"pid": os.getpid(), "cards": cards})
    for line in sys.stdin:
        started = time.perf_counter()
        for _ in range(int(line)):
            loop.run_epoch(progress, lambda *_: None)
        taken = time.perf_counter() - started
        peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        say({"films_per_second": int(line) * size.films / taken, "peak_mb": peak / 2**20 if peak else None})


def say(what: object) -> None:
    """One line of JSON."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
