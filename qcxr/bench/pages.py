"""From a machine's benchmarks, one JSON file, to its page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.bench import suite
from qcxr.bench.projection import projection
from qcxr.bench.tables import case_table, explained, over_linear, room_table, step_table
from qcxr.errors import InputError

Row = Mapping[str, Any]


def read(path: str | Path) -> dict[str, Any]:
    """A machine's benchmarks, groups in the order of the suite; raises InputError for a file that is none."""
    order = {group: k for k, group in enumerate(suite.groups(suite.FULL))}  # the file's is the alphabet's
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        groups = sorted(found["groups"].items(), key=lambda item: order.get(item[0], len(order)))
        return {"machine": found["machine"], "groups": dict(groups)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
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
        parts += [case_table(peers, ("head", "batch")), explained(peers)] if peers else []
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


def axes(found: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The rows of circuits along each axis, by what is the same in all of them."""
    groups = found["groups"]
    return {_axis(groups[name]["rows"]): groups[name]["rows"] for name in groups if name.startswith("circuits-")}


def _axis(rows: Sequence[Row]) -> str:
    """What an axis is of, as a heading."""
    first = rows[0]
    fixed = [f"{first['batch']} samples"]
    for key, word in (("n_qubits", "qubits"), ("n_layers", "layers")):
        if len({row[key] for row in rows}) == 1:
            fixed.insert(0, f"{first[key]} {word if first[key] > 1 else word[:-1]}")
    noise = f", depolarizing {first['noise']:g} a gate" if first["noise"] else ""
    return ", ".join(fixed) + noise
