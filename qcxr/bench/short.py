"""Short tables of a machine's benchmarks, for pages that show but a part of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qcxr.bench.pages import rows_of, where
from qcxr.bench.peers.known import CIRCUITS, OURS
from qcxr.bench.projection import projection
from qcxr.bench.tables import (
    explained,
    mark,
    markdown,
    over_linear,
    room_table,
    seconds,
    step_table,
    times,
    times_ours,
)

Row = Mapping[str, Any]
BESIDE = ("default.qubit", "lightning.qubit")  # of a circuit's short table: PennyLane's two


def steps(found: Mapping[str, Any]) -> str:
    """The paper's Table III: a step of ours beside the other frameworks', and what the circuit costs."""
    rows = rows_of(found["groups"], "frameworks-")
    if not rows:
        return _absent(found)
    said = f"A training step of ResNet-50, batch 32, {_when(found)}."
    simulators = [row for row in rows_of(found["groups"], "engines-") if not row["peer"].startswith(OURS)]
    parts = (
        step_table([*rows, *simulators]),
        said,
        explained([*rows, *simulators]),
        over_linear(rows),
        projection(rows),
    )
    return "\n\n".join(part for part in parts if part)


def networks(found: Mapping[str, Any]) -> str:
    """A step of each backbone with a linear head: ours, and times ours of the others."""
    groups = rows_of(found["groups"], "network-", named="network")
    names = list(dict.fromkeys(row["network"] for row in groups))
    if not names:
        return _absent(found)
    peers = [peer for peer in dict.fromkeys(row["peer"] for row in groups) if peer != OURS]
    lines = [["backbone", "films", OURS, *peers], ["---", "---:", *["---:"] * (len(peers) + 1)]]
    for name in names:
        of = {row["peer"]: row for row in groups if row["network"] == name}
        lines.append([name, str(of[OURS]["batch"]), *_beside(of, peers)])
    return f"{markdown(lines)}\n\nA training step, {_when(found)}; in brackets times ours."


def circuits(found: Mapping[str, Any]) -> str:
    """Value and gradient of the circuit along its qubits, beside PennyLane's two simulators."""
    return _along(found, BESIDE)


def simulators(found: Mapping[str, Any]) -> str:
    """Value and gradient of the circuit along its qubits, beside every peer."""
    return _along(found, [peer for peer in CIRCUITS if peer != OURS])


def _room(name: str) -> Callable[[Mapping[str, Any]], str]:
    """What the command `qcxr bench NAME` measured, with the bounds that were asked for."""

    def table(found: Mapping[str, Any]) -> str:
        rows = found["groups"].get(name, {}).get("rows", [])
        return f"{room_table(rows)}\n\n`qcxr bench {name}`, {_when(found)}." if rows else _absent(found)

    return table


def _along(found: Mapping[str, Any], wanted: Sequence[str]) -> str:
    rows = found["groups"].get("circuits-qubits", {}).get("rows", [])
    noisy = found["groups"].get("circuits-noise", {}).get("rows", [])
    if not rows:
        return _absent(found)
    peers = [peer for peer in wanted if any(row["peer"] == peer for row in rows)]
    head = ["qubits", OURS, "10 to 90 %", "first step, s", *peers]
    lines = [head, [*["---:"] * len(head)]]
    # with noise the widest only: the others are there for the density matrices beside them
    for of in (*_points(rows), *(_points(noisy)[-3:] if wanted is BESIDE else ())):
        ours = of[OURS]
        where_ = f"{ours['n_qubits']}{', with noise' if ours['noise'] else ''}"
        step, *others = _beside(of, peers)
        if "median_s" not in ours:
            lines.append([where_, step, "", "", *others])
            continue
        spread = f"{seconds(ours['p10_s'])} to {seconds(ours['p90_s'])}"
        lines.append([where_, step, spread, f"{ours['first_s']:.1f}", *others])
    first = rows[0]
    circuit = f"L = {first['n_layers']}, {first['batch']} samples, float32"
    said = f"Value and gradient, {circuit}, {_when(found)}; in brackets times ours."
    marks = explained(row for row in rows if row["peer"] in peers)
    return "\n\n".join(part for part in (markdown(lines), said, marks) if part)


def _points(rows: Sequence[Row]) -> list[dict[str, Row]]:
    """The rows of each width, by peer."""
    widths = list(dict.fromkeys(row["n_qubits"] for row in rows))
    return [{row["peer"]: row for row in rows if row["n_qubits"] == n} for n in widths]


def _beside(of: Mapping[str, Row], peers: Sequence[str]) -> list[str]:
    """Our step, then the others' with how many times ours they are."""
    ours = of[OURS].get("median_s")
    cells = ["not run" if ours is None else seconds(ours)]
    for row in map(of.get, peers):
        if row is None or "median_s" not in row:
            cells.append("" if row is None else "not run")
        else:
            ratio = times_ours(row, ours)
            cells.append(seconds(row["median_s"]) + (f" ({times(ratio)})" if ratio else "") + mark(row))
    return cells


def _when(found: Mapping[str, Any]) -> str:
    return f"{where(found['machine'])}, {found['machine']['day']}"


def _absent(found: Mapping[str, Any]) -> str:
    return f"Not measured on {where(found['machine'])}."


TABLES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "steps": steps,
    "networks": networks,
    "circuits": circuits,
    "simulators": simulators,
    "training": _room("training"),
    "data": _room("data"),
}
