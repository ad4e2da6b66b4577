"""A peer's process: it builds the step of a case, takes a first one, writes its results, then steps when it is told.

What it says is a line of JSON each: first {first_s, peak_mb, device, versions}, then, for each line that it is sent,
the seconds of a step.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case
from qcxr.bench.peers.known import KINDS
from qcxr.bench.peers.model import Model
from qcxr.errors import InputError
from qcxr.study import memory

READ = {"circuit": Case.read, "model": Model.read}


def main(argv: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m qcxr.bench.peers", description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name")
    parser.add_argument("case", help="an .npz file that Case or Model wrote")
    parser.add_argument("out", help="the .npz file of the results")
    given = parser.parse_args(argv)
    # libraries print what they like, which must not be taken for an answer: it goes to where errors go
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(what: Any) -> None:
        print(json.dumps(what), file=answers, flush=True)

    known = KINDS[given.kind][given.name]
    module, name = known.place.split(":")
    make = getattr(import_module(f"qcxr.bench.peers.{module}"), name)
    started = time.perf_counter()
    try:
        peer = make(READ[given.kind](given.case), **known.options)
    except InputError as error:
        sys.exit(str(error))
    peer.once()
    first, peak = time.perf_counter() - started, _peak_mb(known.packages)
    np.savez(given.out, **peer.results())
    versions = {package: metadata.version(package) for package in known.packages}
    say({"first_s": first, "peak_mb": peak, "device": peer.device, "versions": versions})
    for _ in sys.stdin:
        started = time.perf_counter()
        peer.once()
        say(time.perf_counter() - started)


def _peak_mb(packages: Sequence[str]) -> float:
    """Peak memory of the step, in MB (2^20 bytes): of the card where one is used, else of this process.

    Asked of the framework that the peer is in: PennyLane imports others, which would take a card when they are asked.
    """
    peak = None
    if "jax" in packages:
        peak = (sys.modules["jax"].devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
    elif "torch" in packages and (cuda := sys.modules["torch"].cuda).is_available():
        peak = cuda.max_memory_allocated()
    elif "tensorflow-cpu" in packages and (tf := sys.modules["tensorflow"]).config.list_physical_devices("GPU"):
        peak = tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return float(peak) / 2**20 if peak else memory.peak_memory_mb()


if __name__ == "__main__":
    main()
