"""What `snakemake bench` runs: groups of rows, each a job that can be run again alone. In two sizes, full and small.

A group of steps or networks is one contest (`qcxr.bench.race`): all its peers take turns. A group of circuits goes
along an axis, qubits or layers, one contest for each point; a peer that ran out of time or memory at a point is not
asked at the larger ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qcxr.bench.machine import load
from qcxr.bench.models import DEMO, SHAPES, drawn
from qcxr.bench.peers.case import Case
from qcxr.bench.peers.known import CIRCUITS, KINDS, NOISY, OURS, Known
from qcxr.bench.race import Contest, Entry, Row, Turns, described, race
from qcxr.study.files import write_json

FULL, SMALL = "full", "small"
TASKS = (8, 14, 19)  # labels of the paper's tasks
FRAMEWORKS = ("torch", "torch.compile", "TensorFlow")  # with both heads
PAPERS = ("JAX, default.qubit",)  # the circuit only: its CDL would be ours
ENGINES = (
    *("qcxr chain", "qcxr statevector", "qcxr bfloat16"),
    *("JAX, TensorCircuit", "torch, lightning.qubit", "TensorFlow, TensorCircuit"),
)
NETWORKS = ("torch", "torch.compile", "torch bfloat16")
CARDS = ("torch TF32", "torch.compile bfloat16")  # raced by `qcxr bench card`, on a GPU


class Axis(NamedTuple):
    """Circuits of growing size: of `widths` qubits with `layers`, or of one width with more and more layers."""

    widths: Sequence[int]
    layers: Sequence[int] = (3,)
    batch: int = 32
    noise: float = 0.0

    def cases(self) -> Iterator[Case]:
        """From the smallest on."""
        for n in self.widths:
            for n_layers in self.layers:
                yield Case.draw(n, n_layers, self.batch, self.noise)


class Size(NamedTuple):
    """How much is run. rooms: options of commands `qcxr bench ROOM`, whose rows are taken too. without: these peers."""

    turns: Turns
    circuit_turns: Turns
    steps: Mapping[str, Any]  # of a Model, but for head and labels
    tasks: Sequence[int]
    engines: Sequence[int]
    networks: Mapping[str, Mapping[str, Any]]
    axes: Mapping[str, Axis]
    rooms: Mapping[str, Sequence[str]]
    without: Sequence[str] = ()


RESNET50: dict[str, Any] = {"section": {"name": "resnet50"}, "batch": 32, "size": 224}
SIZES = {
    FULL: Size(
        turns=Turns(timed=30, burst=3, seconds=30, limit=600),
        circuit_turns=Turns(timed=100, burst=10, seconds=4, limit=120),
        steps=RESNET50,
        tasks=TASKS,
        engines=TASKS[-1:],  # they differ most there
        networks={
            "resnet50": {"section": {"name": "resnet50"}, "batch": 8},
            "efficientnet-lite0": {"section": {"name": "efficientnet-lite0"}, "batch": 8},
            "vit-s16": {"section": SHAPES["vit-s16"], "batch": 4},
            "densenet121": {"section": {"name": "densenet121"}, "batch": 4},
        },
        axes={
            "qubits": Axis((4, 8, 14, 19, 25, 45, 100)),
            "qubits-256": Axis((4, 8, 14, 19, 45, 100), batch=256),
            "layers": Axis((19,), (1, 2, 3, 5, 10, 15)),
            "noise": Axis((4, 6, 8, 19, 45, 100), noise=0.01),
        },
        rooms={"training": (), "data": ("--memory",)},
    ),
    SMALL: Size(
        turns=Turns(timed=3, burst=3, seconds=20, limit=200),
        circuit_turns=Turns(timed=3, burst=3, seconds=5, limit=120),
        steps={"section": DEMO, "batch": 4, "size": 32, "batch_norm": "batch"},
        tasks=(4,),
        engines=(4,),
        networks={"resnet": {"section": DEMO, "batch": 4, "size": 32}},
        axes={
            "qubits": Axis((3,), (2,), batch=4),
            "noise": Axis((3,), (1,), batch=4, noise=0.01),
        },
        rooms={"training": ("--backbones", "demo", "--repeats", "1", "--films", "64")},
        without=("torch.compile",),  # more than a minute for a network of any size
    ),
}


def groups(size: str) -> list[str]:
    """The names of all groups of a size, of which each is a job."""
    found = SIZES[size]
    steps = [f"frameworks-{n}" for n in found.tasks] + [f"engines-{n}" for n in found.engines]
    return [*steps, *(f"network-{n}" for n in found.networks), *(f"circuits-{a}" for a in found.axes), *found.rooms]


def run(group: str, size: str, pythons: Mapping[str, str], out: str | Path) -> None:
    """Run one group and write its rows as JSON: {group, load, rows}.

    pythons: environment of peers -> its interpreter, or `not run: ` and the reason.
    """
    before = load()
    write_json({"group": group, "load": before, "rows": rows(group, SIZES[size], pythons)}, out)


def rows(group: str, size: Size, pythons: Mapping[str, str]) -> list[Row]:
    """The rows of a group."""
    kind, _, which = group.partition("-")
    if group in size.rooms:
        return _room(group, size.rooms[group])
    if kind == "circuits":
        axis = size.axes[which]
        peers = NOISY if axis.noise else [peer for peer in CIRCUITS if peer != "default.mixed"]
        return along(axis, peers, size.circuit_turns, pythons)
    entries = {"frameworks": _frameworks, "engines": _engines, "network": _network}[kind](size, which)
    return race(Contest(entries, pythons, size.turns))


def _frameworks(size: Size, labels: str) -> list[Entry]:
    """CDL and DQC beside each other, ours and in the other frameworks (the paper's Table III)."""
    linear, circuit = (drawn(head=head, n_labels=int(labels), **size.steps) for head in ("cdl", "dqc"))
    both = [Entry(case, peer) for peer in (OURS, *_among(size, FRAMEWORKS)) for case in (linear, circuit)]
    return [*both, *(Entry(circuit, peer) for peer in _among(size, PAPERS))]


def _engines(size: Size, labels: str) -> list[Entry]:
    """DQC with each of our engines, in bfloat16, and with the circuit in other simulators' hands."""
    case = drawn(head="dqc", n_labels=int(labels), **size.steps)
    return [Entry(case, peer) for peer in (OURS, *_among(size, ENGINES))]


def _network(size: Size, name: str) -> list[Entry]:
    """A backbone with a linear head of 14 labels, ours and torch's."""
    case = drawn(head="cdl", n_labels=14, **size.networks[name])
    return [Entry(case, peer) for peer in (OURS, "qcxr bfloat16", *_among(size, NETWORKS))]


def _among(size: Size, peers: Sequence[str]) -> list[str]:
    return [peer for peer in peers if peer not in size.without]


def along(axis: Axis, peers: Sequence[str], turns: Turns, pythons: Mapping[str, str]) -> list[Row]:
    """The rows of peers along an axis; what is lost at a point is not asked at later ones."""
    found: list[Row] = []
    lost: dict[str, str] = {}
    for case in axis.cases():
        at = f"at {case.n_qubits} qubits and {len(case.weights)} layers"
        found += race(Contest([Entry(case, peer) for peer in peers if peer not in lost], pythons, turns))
        found += [{"peer": peer, **described(case), "reason": reason} for peer, reason in lost.items()]
        for row in found:
            if "reason" in row and row["peer"] not in lost:
                lost[row["peer"]] = f"{row['reason']} ({at})"
    return found


def _room(room: str, options: Sequence[str]) -> list[Row]:
    """The rows of `qcxr bench ROOM`, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "rows.json")
        command = [sys.executable, "-P", "-m", "qcxr.cli", "bench", room, *options, "--json", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)
        return list(json.loads(out.read_text(encoding="utf-8")))


def known(row: Row) -> Known:
    """What is known of a row's peer."""
    return KINDS["circuit" if "n_qubits" in row else "model"][row["peer"]]


def environments(group: str, size: str) -> list[str]:
    """Environments, but ours, that the peers of a group live in."""
    kind = "circuit" if group.startswith("circuits-") else "model"
    if group in SIZES[size].rooms:
        return []
    return sorted({known.environment for known in KINDS[kind].values()} - {"own"})
