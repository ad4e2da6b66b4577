"""`qcxr bench card` (`make bench-gpu`): all that is to be known of a card, within some minutes, in one JSON file.

The pieces (`qcxr.bench.pieces`) run one after another, each in a process of its own with a time limit: one that
crashes, hangs or runs out of memory costs its own rows, which say the reason. The file is written after each piece.
The same command again goes on with what is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qcxr.bench import machine, machinefile, nvidia, pages
from qcxr.bench.pieces.known import PIECES, Piece
from qcxr.bench.process import end_tree
from qcxr.errors import InputError
from qcxr.study.files import write_json
from qcxr.training.devices import configure, lease

Row = dict[str, Any]
SLOWER = 4  # a rehearsal on a busy processor is that much slower than a card
LEAST = 10.0  # seconds without which no piece is started
NO_TIME = "not run: no time was left; run the same command again"
CACHE = Path("cache/bench-card")  # compiled programs, for who goes on; git does not see the folder


def main(argv: list[str] | None = None) -> None:
    """Command line of this benchmark."""
    parser = argparse.ArgumentParser(prog="qcxr bench card", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=540.0, help="after which no more is measured (default 540)")
    parser.add_argument("--small", action="store_true", help="the rehearsal: the same on toys, minutes on a CPU")
    parser.add_argument("--out", metavar="FILE", help="default: docs/benchmarks/ and the card's name")
    parser.add_argument("--pieces", metavar="PIECE", nargs="+", choices=PIECES, default=[*PIECES], help="default: all")
    parser.add_argument("--again", metavar="PIECE", nargs="+", choices=PIECES, default=[], help="though it is in FILE")
    given = parser.parse_args(argv)
    if not nvidia.present() and not given.small:
        raise InputError("qcxr bench card needs an NVIDIA card, and nvidia-smi lists none; the rehearsal is --small")
    configure(None, CACHE / "jax")
    with lease(timeout_seconds=60):  # a card that is in use is no card to measure
        out = Path(given.out or _default(given.small))
        found = started(out, again=given.again)
        chosen = {name: piece for name, piece in PIECES.items() if name in given.pieces}
        measure(found, out, seconds=given.seconds, small=given.small, pieces=chosen)
    for written in machinefile.publish(out):
        print(written)
    if waiting := [name for name in chosen if _open(found, name)]:
        print(f"not done: {', '.join(waiting)}; run the same command again")


def _default(small: bool) -> Path:
    return CACHE / "small.json" if small else machinefile.FOLDER / f"{machine.name(nvidia.asked('name'))}.json"


def started(out: Path, *, again: list[str]) -> dict[str, Any]:
    """The file as it stands, without the pieces of `again`, or a new one with this machine's description.

    Raises InputError for a file of another machine, and where JAX does not see the card.
    """
    here = described()
    if nvidia.present() and not here["cards"]:
        raise InputError("JAX does not see the card; pip install -e '.[cuda12]' (or cuda13), or set JAX_PLATFORMS=cpu")
    if not out.exists():
        return {"machine": here, "groups": {}}
    found = pages.read(out)
    differs = [key for key in ("processor", "cards") if found["machine"][key] != here[key]]
    if differs:
        was, now = found["machine"][differs[0]], here[differs[0]]
        raise InputError(f"{out} must be of this machine ({now}), got {was}; give another --out")
    for name in again:
        found["groups"].pop(f"card-{name}", None)
    return found


def described() -> dict[str, Any]:
    """`machine.describe` in a process of its own: this one must not take the card."""
    code = "import json; from qcxr.bench import machine; print(json.dumps(machine.describe()))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise InputError(f"JAX cannot be used here ({last[:200]}); install it with .[cuda12] or .[cuda13]")
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def measure(
    found: dict[str, Any], out: Path, *, seconds: float, small: bool, pieces: Mapping[str, Piece] = PIECES
) -> None:
    """Run the pieces that are missing or had no time, in their order, and write the file after each."""
    ends = time.monotonic() + seconds
    missing = [name for name in pieces if _open(found, name)]
    for name in missing:
        found["groups"][f"card-{name}"] = _waiting(pieces[name])
    write_json(found, out)
    for name in missing:
        left = ends - time.monotonic()
        if left < LEAST:
            break
        began, load = time.monotonic(), machine.load()
        limit = pieces[name].limit * (SLOWER if small else 1)
        rows, why = run(name, min(left, limit), small=small)
        if why:
            rows.append({"what": pieces[name].what, "reason": why})
        took = time.monotonic() - began
        told = {"load": load, "rows": rows, "seconds": round(took, 1), "what": pieces[name].what}
        cut = why is not None and limit > left and took >= left
        found["groups"][f"card-{name}"] = told | ({"open": True} if cut else {})
        write_json(found, out)
        print(f"{name:14} {took:6.1f} s {len(rows):4} rows{f'  {why}' if why else ''}", flush=True)


def _waiting(piece: Piece) -> dict[str, Any]:
    return {"load": machine.load(), "rows": [{"what": piece.what, "reason": NO_TIME}], "open": True, "what": piece.what}


def _open(found: Mapping[str, Any], name: str) -> bool:
    return bool(found["groups"].get(f"card-{name}", {"open": True}).get("open"))


def run(name: str, limit: float, *, small: bool) -> tuple[list[Row], str | None]:
    """The rows of a piece, as far as it came within `limit` seconds, and why it came no further."""
    with tempfile.TemporaryDirectory() as folder:
        out, said = Path(folder, "rows.json"), Path(folder, "log")
        command = [sys.executable, "-m", "qcxr.bench.pieces", name, str(out), *(["--small"] if small else [])]
        with open(said, "w", encoding="utf-8") as log:
            # its input is never written to: its end tells the process that this one is gone
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=os.environ, start_new_session=True
            )
            try:
                code = process.wait(limit)
                why = None if code == 0 else ended(code, said.read_text(encoding="utf-8", errors="replace"))
            except subprocess.TimeoutExpired:
                why = f"stopped: not done in {limit:.0f} s"
            finally:
                assert process.stdin is not None  # said to mypy
                process.stdin.close()
                end_tree(process.pid)
                process.wait()
        rows = json.loads(out.read_text(encoding="utf-8")) if out.exists() else []
    return rows, why


def ended(code: int, said: str) -> str:
    """Why a process ended, in a line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if code < 0:
        return f"stopped: ended by signal {-code}, as when memory runs out"
    return f"stopped: {lines[-1][:200]}" if lines else f"stopped: ended with {code}"


if __name__ == "__main__":
    main()
