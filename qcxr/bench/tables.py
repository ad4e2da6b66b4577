"""Tables of what peers and rooms measured, in Markdown."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qcxr.bench.agreement import TOLERANCE, beyond
from qcxr.bench.peers.known import KINDS, LOOSE, OURS

Row = Mapping[str, Any]


def step_table(rows: Sequence[Row]) -> str:
    """The paper's Table III: a row per peer, a column per head and number of labels."""
    cases = sorted({(row["head"], row["n_labels"]) for row in rows})
    peers = list(dict.fromkeys(row["peer"] for row in rows))
    lines = [["peer", *(f"{head.upper()}-{n}" for head, n in cases)], ["---", *["---:"] * len(cases)]]
    for peer in peers:
        cells = []
        for case in cases:
            of = [row for row in rows if row["peer"] == peer and (row["head"], row["n_labels"]) == case]
            timed = [row["median_s"] for row in of if "median_s" in row]
            cells.append(seconds(timed[0]) + mark(of[0]) if timed else ("not run" if of else ""))
        lines.append([peer, *cells])
    return markdown(lines)


def mark(row: Row) -> str:
    """What stands after a time where results are not ours to `TOLERANCE`, though the peer's precision is."""
    return MARK if row["peer"] not in LOOSE and beyond(row, TOLERANCE) else ""


def explained(rows: Iterable[Row]) -> str:
    """What the mark means, if one of the rows that were timed has it."""
    if not any("median_s" in row and mark(row) for row in rows):
        return ""
    return f"{MARK.strip()} Its results are farther than {TOLERANCE:g} from ours, in float32."


def over_linear(rows: Sequence[Row]) -> str:
    """A sentence per peer: the circuit's step over the linear head's, in the same contest."""
    ratios = ratios_over_linear(rows)
    said = [
        f"{peer} {', '.join(f'{ratio:.2f} ({n} labels)' for n, ratio in of.items())}" for peer, of in ratios.items()
    ]
    papers = " The paper's JAX: 13 at 19 labels." if any(19 in of for of in ratios.values()) else ""
    return f"DQC over CDL: {'; '.join(said)}.{papers}" if said else ""


def ratios_over_linear(rows: Sequence[Row]) -> dict[str, dict[int, float]]:
    """Peer -> labels -> median of DQC's step over CDL's; the linear head of the paper's way in JAX is ours."""
    medians = {
        (row["peer"], row["head"], row["n_labels"]): row["median_s"] for row in reversed(rows) if "median_s" in row
    }
    found: dict[str, dict[int, float]] = {}
    for peer, head, n in sorted(medians, key=lambda key: (key[0] != OURS, key)):
        linear = medians.get((peer if not peer.startswith("JAX") else OURS, "cdl", n))
        if head == "dqc" and linear:
            found.setdefault(peer, {})[n] = medians[peer, head, n] / linear
    return found


def case_table(rows: Sequence[Row], columns: Iterable[str]) -> str:
    """A row per peer and case, with all that was measured, or the reason."""
    columns = list(columns)
    head = [*(WORDS.get(column, column) for column in columns), "peer", *MEASURED]
    lines = [head, [*["---:"] * len(columns), "---", *["---:"] * len(MEASURED)]]
    timed = [row for row in rows if row["peer"] == OURS and "median_s" in row]
    ours = {tuple(row[column] for column in columns): row["median_s"] for row in timed}
    for row in rows:
        place = tuple(row[column] for column in columns)
        cells = [*map(str, place), named_with_version(row)]
        if "head" in columns:
            cells[columns.index("head")] = row["head"].upper()
        if "median_s" not in row:
            reason = f"not run: {row.get('reason', 'no reason given')}"
            lines.append([*cells, reason, *[""] * (len(MEASURED) - 1)])
            continue
        lines.append([*cells, *_measured(row, times_ours(row, ours.get(place)))])
    return markdown(lines)


MARK = " †"
MEASURED = (
    *("step", "10 to 90 %", "times ours", "n", "first step, s", "peak, MB"),
    *("values differ by", "gradients differ by"),
)
WORDS = {"n_qubits": "qubits", "n_layers": "layers", "n_labels": "labels", "network": "backbone"}


def _measured(row: Row, ratio: float | None) -> list[str]:
    values, gradients = (row.get(f"{which}_differ_by") for which in ("values", "gradients"))
    deep = f" ({row['backbone_differs_by']:.0e})" if row.get("backbone_differs_by") is not None else ""
    return [
        seconds(row["median_s"]),
        f"{seconds(row['p10_s'])} to {seconds(row['p90_s'])}",
        "" if ratio is None else times(ratio),
        str(row["timed"]),
        f"{row['first_s']:.1f}",
        f"{row['peak_mb']:,.0f}",
        "" if values is None else _distance(row, values),
        "" if row["peer"] == OURS else "none" if gradients is None else f"{_distance(row, gradients)}{deep}",
    ]


def _distance(row: Row, found: float) -> str:
    return f"{found:.0e}{MARK if row['peer'] not in LOOSE and not found <= TOLERANCE else ''}"


def named_with_version(row: Row) -> str:
    """A peer with the version of its own package."""
    versions = row.get("versions", {})
    kind = "circuit" if "n_qubits" in row else "model"
    known = KINDS[kind].get(row["peer"])
    version = versions.get(known.packages[0]) if known and versions and not row["peer"].startswith(OURS) else None
    return row["peer"] + (f" ({known.packages[0]} {version})" if known and version else "")


def room_table(rows: Sequence[Row]) -> str:
    """What, value, and the bound that was asked for."""
    lines = [["what", "value", "asked"], ["---", "---:", "---"]]
    for row in rows:
        if "reason" in row:
            lines.append([str(row["what"]), str(row["reason"]), ""])
            continue
        asked = str(row.get("asked") or row.get("target") or "")
        said = f"{asked}: **missed**" if _missed(row["value"], asked) else asked
        lines.append([str(row["what"]), f"{_plain(row['value'])} {row['unit']}", said])
    return markdown(lines)


BOUND = re.compile(r"(<=|>=|<|>) ([\d,.]+)")
HOLDS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


def _missed(value: float, asked: str) -> bool:
    """Whether a value is not what was asked for; a bound in words is not looked at."""
    bound = BOUND.fullmatch(asked)
    return bound is not None and not HOLDS[bound[1]](value, float(bound[2].replace(",", "")))


def _plain(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def seconds(value: float) -> str:
    """Three digits, in s or ms."""
    if value >= 100:
        return f"{value:,.0f} s"
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def times_ours(row: Row, ours: float | None) -> float | None:
    """A row's median over ours: of its own heat, or over the median of ours that is given."""
    if "times_ours" in row:
        return float(row["times_ours"])
    return None if ours is None else row["median_s"] / ours


def times(ratio: float) -> str:
    """How many times: two decimals, none from 20 on."""
    return f"{ratio:,.0f}" if ratio >= 20 else f"{ratio:.2f}"


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table of lines of cells, of which the second is the rule below the heads."""
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in lines)
