"""Peers side by side: each in a process of its own, on the same case, with the same results, taking turns.

Only what gives our results is timed: a peer whose values or gradients differ by more than float32 explains has a row
that says by how much. One that is not installed, takes too long or runs out of memory has a row that says so. Peers
that do not fit into the memory beside each other step in heats, with ours in each of them.
"""

import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from tqdm import tqdm

from qcxr.bench.agreement import beyond, differences, read
from qcxr.bench.peers.case import Case
from qcxr.bench.peers.known import KINDS, LOOSE, OURS
from qcxr.bench.peers.model import Model
from qcxr.bench.process import Gone, Process

Row = dict[str, Any]
# of the memory, what the peaks of all in a heat may take, the next one's taken for as large as the largest so far: near
# its end the machine is busy with memory, and a step's time tells of the others
ROOM = 0.85


@dataclass(frozen=True)
class Turns:
    """How often a step is taken.

    timed: steps; burst: so many of them in a turn, after one that is not timed, since a process that was idle is slow
    to go on; seconds: of one peer's steps in all, after which it takes no more than it has; limit: seconds until a
    process that has not answered is stopped.
    """

    timed: int = 30
    burst: int = 3
    seconds: float = 300.0
    limit: float = 600.0


class Entry(NamedTuple):
    """A peer on a case."""

    case: Case | Model
    peer: str

    @property
    def kind(self) -> str:
        """A key of `KINDS`."""
        return "circuit" if isinstance(self.case, Case) else "model"


@dataclass(frozen=True)
class Contest:
    """What takes turns. entries: peers on one or several cases; ours is put before the first other of each case.

    pythons: environment -> its interpreter, or in its place a text that starts with `not run:`. loose: peers that
    compute in another precision, whose results need not be ours. aside: whether torch's peers are built beside ours,
    which are built one after another (their compilation measures what is fastest on a card).
    """

    entries: Sequence[Entry]
    pythons: Mapping[str, str]
    turns: Turns = Turns()
    loose: Sequence[str] = LOOSE
    aside: bool = False

    def whole(self) -> list[Entry]:
        """The entries, with ours on each of the cases."""
        cases = list({id(entry.case): entry.case for entry in self.entries}.values())
        wanted = [Entry(case, OURS) for case in cases]
        return [*wanted, *(entry for entry in self.entries if entry.peer != OURS)]


def race(contest: Contest) -> list[Row]:
    """A row per entry, ours first: times of its steps in seconds, or the reason why there are none.

    `times_ours`: its median over ours in the same heat.
    """
    entries = contest.whole()
    rows: list[Row] = [{"peer": entry.peer, **described(entry.case)} for entry in entries]
    running: dict[int, Process] = {}
    stepped: dict[int, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:

        def build(k: int) -> None:
            process, told = _started(contest, entries[k], Path(folder, str(k)))
            rows[k] |= told
            if process is not None:
                running[k] = process

        try:
            for _ in _heats(contest, entries, rows, running, build):
                _compare(contest, entries, rows, running)
                _step(contest.turns, entries, rows, running, stepped)
                for k in [k for k in running if entries[k].peer != OURS]:
                    running.pop(k).end()
        finally:
            for process in running.values():
                process.end()
    return rows


def _heats(
    contest: Contest,
    entries: Sequence[Entry],
    rows: Sequence[Row],
    running: Mapping[int, Process],
    build: Callable[[int], None],
) -> Iterator[None]:
    """Build ours, then as many of the others as there is room for, and so on until all have had their heat."""
    if contest.aside:
        _aside(entries, build)
        yield
        return
    waiting = [*range(len(entries))]
    with tqdm(total=len(entries), unit="peer", desc="building", disable=None, leave=False) as bar:
        while waiting:
            alone = True
            while waiting and (alone or _room(rows, running)):
                build(k := waiting.pop(0))
                bar.update()
                alone = alone and entries[k].peer == OURS  # ours come first
            yield


def _room(rows: Sequence[Row], running: Iterable[int]) -> bool:
    """Whether a peer as large as the largest so far fits into the memory beside those that run."""
    largest: float = max((row["peak_mb"] for row in rows if "peak_mb" in row), default=0.0)
    held: float = sum(rows[k]["peak_mb"] for k in running)
    return held + largest < ROOM * psutil.virtual_memory().total / 2**20


def _aside(entries: Sequence[Entry], build: Callable[[int], None]) -> None:
    """Build all, those of torch in a second line beside the others."""
    lines = [[k for k, e in enumerate(entries) if e.peer.startswith("torch") is theirs] for theirs in (False, True)]
    with (
        tqdm(total=len(entries), unit="peer", desc="building", disable=None, leave=False) as bar,
        ThreadPoolExecutor(len(lines)) as pool,
    ):

        def one_after_another(line: Sequence[int]) -> None:
            for k in line:
                build(k)
                bar.update()

        list(pool.map(one_after_another, lines))


def _step(
    turns: Turns,
    entries: Sequence[Entry],
    rows: list[Row],
    running: dict[int, Process],
    stepped: dict[int, list[float]],
) -> None:
    """Step in turns and write the times into the rows; `stepped` keeps those of ours from heat to heat."""
    times = _turns(turns, rows, running)
    ours = {id(entries[k].case): statistics.median(times[k]) for k in times if entries[k].peer == OURS}
    for k, seconds in times.items():
        stepped.setdefault(k, []).extend(seconds)
        rows[k] |= _spread(stepped[k])
        if entries[k].peer != OURS and id(entries[k].case) in ours:
            rows[k]["times_ours"] = statistics.median(seconds) / ours[id(entries[k].case)]


def _started(contest: Contest, entry: Entry, folder: Path) -> tuple[Process | None, Row]:
    python = contest.pythons[KINDS[entry.kind][entry.peer].environment]
    if python.startswith("not run:"):
        return None, {"reason": python.removeprefix("not run:").strip()}
    folder.mkdir()
    case = folder / "case.npz"
    entry.case.write(case)
    process = Process(entry.kind, entry.peer, case, folder / "results.npz", python=python)
    try:
        return process, process.ready(contest.turns.limit)
    except Gone as gone:
        process.end()
        return None, {"reason": str(gone)}
    finally:
        case.unlink()  # a network's arrays: the process has read them


def _compare(contest: Contest, entries: Sequence[Entry], rows: list[Row], running: dict[int, Process]) -> None:
    """Write into the rows how far each is from ours on its case, and end what is too far."""
    ours = {id(entry.case): k for k, entry in enumerate(entries) if entry.peer == OURS and k in running}
    for k in [k for k in running if entries[k].peer != OURS]:
        entry = entries[k]
        if (first := ours.get(id(entry.case))) is None:
            continue
        found = differences(read(running[k].out), read(running[first].out), relative=entry.kind == "model")
        rows[k].update(found)
        if (far := beyond(found)) and entry.peer not in contest.loose:
            rows[k]["reason"] = f"its results differ from ours by {max(far):.0e}"
            running.pop(k).end()


def _turns(turns: Turns, rows: list[Row], running: dict[int, Process]) -> dict[int, list[float]]:
    """Seconds of the timed steps of each, which take turns.

    Every other turn goes backwards, so that no peer always follows the same one.
    """
    timed: dict[int, list[float]] = {k: [] for k in running}
    spent = dict.fromkeys(running, 0.0)
    for turn in tqdm(range(-(-turns.timed // turns.burst)), unit="turn", desc="steps", disable=None, leave=False):
        for k in sorted(running, reverse=turn % 2 == 1):
            if spent[k] >= turns.seconds:
                continue
            try:
                first, *others = _turn(turns, running[k], turns.seconds - spent[k])
            except Gone as gone:
                rows[k]["reason"] = str(gone)
                running.pop(k).end()
                del timed[k]
                continue
            timed[k] += others
            spent[k] += first + sum(others)
    return timed


def _turn(turns: Turns, process: Process, left: float) -> list[float]:
    """Seconds of the steps of one turn, at least two; no more once what is left of its seconds is over."""
    taken = [process.step(turns.limit) for _ in range(2)]
    while len(taken) <= turns.burst and sum(taken) < left:
        taken.append(process.step(turns.limit))
    return taken


def _spread(seconds: Sequence[float]) -> Row:
    p10, p90 = np.quantile(seconds, [0.1, 0.9])
    return {
        "median_s": statistics.median(seconds),
        "p10_s": float(p10),
        "p90_s": float(p90),
        "timed": len(seconds),
    }


def described(case: Case | Model) -> Row:
    """What a row says of its case."""
    if isinstance(case, Case):
        n_layers, n = case.weights.shape
        return {"n_qubits": n, "n_layers": n_layers, "batch": len(case.angles), "noise": case.noise}
    about = asdict(case)
    return {key: about[key] for key in ("head", "n_labels", "batch", "size", "batch_norm")}
