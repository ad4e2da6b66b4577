"""The head's circuit in every peer's hands: `qcxr bench peers`, a row per peer and width, each in a process of its own.

All get the same weights and angles, and a row stands in the table only with the largest difference of its values and
gradients from ours. A peer that is not installed, takes too long or runs out of memory has a row that says so.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from qcxr import arguments
from qcxr.bench.peers.__main__ import PEERS
from qcxr.bench.turns import example
from qcxr.errors import InputError
from qcxr.study.files import write_text

OURS = "qcxr"
Row = dict[str, Any]


@dataclass(frozen=True)
class Race:
    """What is raced. widths: qubits; pythons: peer -> interpreter of its environment, by default this one.

    limit: seconds until a peer's process is stopped; once stopped it is not tried at larger widths.
    """

    widths: Sequence[int] = (8, 14, 19)
    n_layers: int = 3
    batch: int = 32
    peers: Sequence[str] = tuple(PEERS)
    pythons: Mapping[str, str] = field(default_factory=dict)
    limit: float = 600.0


def run(race: Race) -> dict[str, Any]:
    """Run every peer at every width, ours first: the setting and the rows, with the reason where there is no time."""
    rows: list[Row] = []
    lost: dict[str, str] = {}
    places = [(n, name) for n in race.widths for name in [OURS, *(p for p in race.peers if p != OURS)]]
    for n, name in tqdm(places, unit="row", desc="peers", disable=None, leave=False):
        row: Row = {"peer": name, "n_qubits": n, "n_layers": race.n_layers, "batch": race.batch}
        row |= {"reason": lost[name]} if name in lost else _one(race, n, name)
        if row.get("reason") and name not in lost:
            lost[name] = f"{row['reason']} at {n} qubits"
        rows.append(row)
    return {"what": "value and gradient", "cores": os.cpu_count(), "load": os.getloadavg()[0], "rows": _compared(rows)}


def _one(race: Race, n: int, name: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        case, out = Path(folder, "case.npz"), Path(folder, "row.json")
        weights, angles = example(n, race.n_layers, race.batch)
        np.savez(case, weights=weights, angles=angles)
        command = [race.pythons.get(name, sys.executable), "-m", "qcxr.bench.peers", name, str(case), str(out)]
        here = str(Path(__file__).parents[2])  # other environments find this package, and in it nothing of ours
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=race.limit, env={**os.environ, "PYTHONPATH": here}
            )
        except subprocess.TimeoutExpired:
            return {"reason": f"not done in {race.limit:g} s"}
        if out.exists():
            return dict(json.loads(out.read_text()))
        said = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return {"reason": said[-1][:200]}


def _compared(rows: list[Row]) -> list[Row]:
    """Rows with the largest difference from ours in place of what was computed, and the ratio of times."""
    ours = {row["n_qubits"]: row for row in rows if row["peer"] == OURS}
    found = []
    for row in rows:
        first = ours[row["n_qubits"]]
        kept = {key: value for key, value in row.items() if key not in ("values", "gradients")}
        if "values" in row and "values" in first:
            kept["difference"] = _difference(row["values"], first["values"])
            kept["gradients"] = row["gradients"] is not None
            if row["gradients"] is not None:
                pairs = zip(row["gradients"], first["gradients"], strict=True)
                kept["gradient_difference"] = max(_difference(*pair) for pair in pairs)
            kept["ratio"] = row["median_ms"] / first["median_ms"]
        found.append(kept)
    return found


def _difference(a: Any, b: Any) -> float:
    return float(np.max(np.abs(np.asarray(a) - np.asarray(b))))


def table(found: Mapping[str, Any]) -> str:
    """The rows as a table in Markdown."""
    head = ["qubits", "peer", "first call, s", "step, ms", "times ours", "values differ by", "gradients differ by"]
    lines = [head, ["---:", "---", *["---:"] * 5]]
    for row in found["rows"]:
        cells = [str(row["n_qubits"]), _named(row)]
        if "median_ms" not in row:
            lines.append([*cells, row["reason"], *[""] * 4])
            continue
        gradients = f"{row['gradient_difference']:.0e}" if row.get("gradients") else "none"
        ratio = f"{row['ratio']:,.0f}" if row["ratio"] >= 10 else f"{row['ratio']:.1f}"
        times = [f"{row['first_s']:.1f}", _three(row["median_ms"]), ratio]
        lines.append([*cells, *times, f"{row['difference']:.0e}", gradients])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _three(value: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def _named(row: Row) -> str:
    versions = row.get("versions", {})
    return row["peer"] + (f" {next(iter(versions.values()))}" if versions and row["peer"] != OURS else "")


def _interpreter(pair: str) -> tuple[str, str]:
    name, _, path = pair.partition("=")
    if not shutil.which(path):
        raise InputError(f"--python must be a peer and an interpreter, like quimb=peers/bin/python, got {pair!r}")
    return name, path


def main(argv: list[str] | None = None) -> None:
    """Command line of this benchmark."""
    parser = argparse.ArgumentParser(prog="qcxr bench peers", description="Race other simulators of the circuit.")
    parser.add_argument("--widths", type=arguments.widths, metavar="N,N,...", default=Race.widths)
    parser.add_argument("--layers", type=arguments.positive, default=Race.n_layers)
    parser.add_argument("--batch", type=arguments.positive, default=Race.batch)
    parser.add_argument("--peers", type=lambda text: text.split(","), metavar="NAME,...", default=list(PEERS))
    said = "interpreter of a peer's own environment; may be given several times"
    parser.add_argument("--python", action="append", metavar="NAME=PATH", default=[], help=said)
    parser.add_argument("--limit", type=float, default=Race.limit, help="seconds until a peer is stopped (default 600)")
    parser.add_argument("--json", metavar="FILE", help="write the rows there")
    given = parser.parse_args(argv)
    pythons = dict(_interpreter(pair) for pair in given.python)
    if unknown := [name for name in (*given.peers, *pythons) if name not in PEERS]:
        raise InputError(f"peers are {', '.join(PEERS)}, got {unknown[0]!r}; correct --peers or --python")
    found = run(Race(given.widths, given.layers, given.batch, given.peers, pythons, given.limit))
    if given.json:
        write_text(json.dumps(found, indent=1) + "\n", given.json)
    print(table(found))


if __name__ == "__main__":
    main()
