"""From a machine's benchmarks, one JSON file, to its page."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.bench import suite
from qcxr.bench.agreement import TOLERANCE, marked
from qcxr.bench.peers.known import KINDS, LOOSE, OURS
from qcxr.bench.projection import projection
from qcxr.errors import InputError

Row = Mapping[str, Any]


def read(path: str | Path) -> dict[str, Any]:
    """A machine's benchmarks; raises InputError for a file that is none."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        return {"machine": found["machine"], "groups": found["groups"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a machine's benchmarks ({error}); snakemake bench writes one") from None


def page(found: Mapping[str, Any], name: str) -> str:
    """The page of a machine in Markdown; `name`: of its figure's file, without the suffix."""
    groups = found["groups"]
    parts = [f"# Benchmarks on {where(found['machine'])}", _about(found)]
    frameworks, engines = rows_of(groups, "frameworks-"), rows_of(groups, "engines-")
    if steps := frameworks + engines:
        parts += ["## Training steps", STEPS, step_table(steps), over_linear(frameworks), projection(frameworks)]
    # apart, since each is times ours of its own contest
    for heading, rows in (("Frameworks", frameworks), ("Engines and simulators", engines)):
        parts += [f"### {heading}", case_table(rows, ("head", "n_labels"))] if rows else []
    if networks := rows_of(groups, "network-", named="network"):
        parts += ["## Backbones", NETWORKS, case_table(networks, ("network", "batch"))]
    if along := axes(found):
        parts += ["## The circuit alone", CIRCUITS, f"![Time and memory of a step]({name}.png)"]
    for heading, rows in along.items():
        columns = [key for key in ("n_qubits", "n_layers") if len({row[key] for row in rows}) > 1]
        parts += [f"### {heading}", case_table(rows, columns or ("n_qubits",))]
    for room in ("training", "data"):
        if room in groups:
            parts += [f"## {room.capitalize()}", room_table(groups[room]["rows"])]
    parts += card(groups)
    return "\n\n".join(part for part in parts if part) + "\n"


STEPS = """\
Forward pass, mean BCE, backward pass and Adam on a batch of zeros that lies on the device, as many steps timed as
column n says, fewer where a peer's time was up. Every peer has a process of its own; they take turns of a few steps,
the first of which is not timed, in heats where memory does not hold all of them, with ours in each. All get the same
parameters, and only what gives our logits and the head's gradients on a random batch is timed: to 1e-4 of the largest,
with † to 1e-3, which float32 explains: in a state vector of 19 qubits, or in features that a head enlarges.
In brackets the gradients of the backbone's first and last kernel, to 1e-2: in float32 those of ResNet-50 are 1e-3 from
float64's. Medians; times ours within the heat."""
NETWORKS = "The same step with a linear head of 14 labels."
CIRCUITS = """\
Value and gradient of the sum of all read-outs, with respect to weights and angles. A peer that has no gradients is
timed on the values. Both are ours to 1e-4, with † to 1e-3: float32's own error where there are many amplitudes (those
of `lightning.qubit` are float64, and ours 2e-7 from them at 19 qubits). A line ends where its peer ran out of time or
memory."""


def card(groups: Mapping[str, Any]) -> list[str]:
    """The pieces of `qcxr bench card`: peers of a race, and what, value, asked."""
    parts = []
    for told in (told for group, told in groups.items() if group.startswith("card-")):
        parts.append(f"## {told['what']}")
        peers = [row for row in told["rows"] if "peer" in row]
        parts += [case_table(peers, ("head", "batch"))] if peers else []
        parts.append(room_table([row for row in told["rows"] if "peer" not in row]))
    return parts


def where(machine: Row) -> str:
    """A machine in a few words."""
    cards = f", {', '.join(machine['cards'])}" if machine["cards"] else ", no GPU"
    return f"{machine['processor']}, {machine['cores']} cores{cards}"


def _about(found: Row) -> str:
    machine = found["machine"]
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items() if version)
    loads = [group["load"] for group in found["groups"].values() if "load" in group]
    loaded = f" Load before the groups: {min(loads):g} to {max(loads):g}." if loads else ""
    here = f"{machine['memory_gb']:g} GB, {machine['system']}, Python {machine['python']}, {versions}"
    on_card = any(group.startswith("card-") for group in found["groups"])
    by = "make bench-gpu" if on_card else "snakemake bench"
    absent = [] if on_card else [f"`{group}`" for group in suite.groups(suite.FULL) if group not in found["groups"]]
    lacks = f" Not measured there yet: {', '.join(absent)}." if absent else ""
    return f"{machine['day']}; {here}.{loaded} Made by `{by}`; nothing here is typed by hand.{lacks}"


def rows_of(groups: Mapping[str, Any], prefix: str, named: str = "") -> list[Row]:
    """Rows of the groups of a kind; `named`: a key under which each row gets what follows the prefix."""
    found: list[Row] = []
    for group, told in groups.items():
        if group.startswith(prefix):
            found += [row | ({named: group.removeprefix(prefix)} if named else {}) for row in told["rows"]]
    return found


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
    return MARK if row["peer"] not in LOOSE and marked(row) else ""


def explained(rows: Iterable[Row]) -> str:
    """What the mark means, if one of the rows that were timed has it."""
    if not any("median_s" in row and mark(row) for row in rows):
        return ""
    return f"{MARK.strip()} Farther than {TOLERANCE:g} from ours in float32; the machine's page says how far."


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


def axes(found: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The rows of circuits along each axis, by what is the same in all of them, in the order of the suite."""
    groups = found["groups"]
    order = list(suite.SIZES[suite.FULL].axes)
    names = [name.removeprefix("circuits-") for name in groups if name.startswith("circuits-")]
    rows = [groups[f"circuits-{axis}"]["rows"] for axis in sorted(names, key=order.index)]
    return {_axis(of): of for of in rows}


def _axis(rows: Sequence[Row]) -> str:
    """What an axis is of, as a heading."""
    first = rows[0]
    fixed = [f"{first['batch']} samples"]
    for key, word in (("n_qubits", "qubits"), ("n_layers", "layers")):
        if len({row[key] for row in rows}) == 1:
            fixed.insert(0, f"{first[key]} {word if first[key] > 1 else word[:-1]}")
    noise = f", depolarizing {first['noise']:g} a gate" if first["noise"] else ""
    return ", ".join(fixed) + noise


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
