"""How long planned jobs may take, from what finished ones took: medians, of a run those of the runs most like it."""

from __future__ import annotations

import csv
import json
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcxr.study.runs import Planned

ALIKE = ("of the same head and variant", "of the same head", "of heads of the same kind", "of other heads")


@dataclass(frozen=True)
class Took:
    """What a finished run took: all its seconds, those of its epochs, and the epochs that its protocol allowed."""

    seconds: float
    training_seconds: float
    epochs: int

    def scaled(self, epochs: int) -> float:
        """The seconds with another number of epochs: starting and compiling take what they took."""
        training = min(self.training_seconds, self.seconds)
        return self.seconds - training + training * epochs / self.epochs


@dataclass(frozen=True)
class Estimate:
    """Seconds of one job, and in words what they are taken from."""

    seconds: float
    basis: str


class Runs:
    """The finished training runs below a study's results."""

    def __init__(self, results: str | Path):
        self._known: dict[tuple[str, ...], list[Took]] = defaultdict(list)
        for record, took in finished(Path(results)):
            task, head, kind = (str(record[key]) for key in ("task", "head", "kind"))
            for alike in _alike(task, head, str(record.get("variant", "")), kind):
                self._known[alike].append(took)

    def estimate(self, run: Planned, *, kind: str, epochs: int) -> Estimate | None:
        """The median of the finished runs most like this one, scaled to its epochs; None where there is none."""
        for words, alike in zip(ALIKE, _alike(run.task, run.arm.head, run.arm.variant, kind), strict=True):
            if known := self._known.get(alike):
                scaled = "" if all(took.epochs == epochs for took in known) else f", scaled to {epochs} epochs"
                return Estimate(statistics.median(took.scaled(epochs) for took in known), f"{words}{scaled}")
        return None


def finished(results: Path) -> Iterator[tuple[dict[str, Any], Took]]:
    """Every finished run's record, and what it took; a record that cannot be read is passed over."""
    for path in sorted(results.glob("runs/**/run.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            epochs = int(json.loads(record["config"])["train"]["epochs"])
            seconds, training = float(record["wall_seconds"]), float(record["training_seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        # the job's own clock counts its start too; the record's counts what came before the run was resumed
        yield record, Took(max(seconds, _job_seconds(results, record)), training, epochs)


def ends(jobs: Sequence[Mapping[str, Any]], seconds: Sequence[float]) -> list[float]:
    """When each job ends if none has to wait but for those that it names in `after`, by number."""
    found: dict[int, float] = {}
    stack = list(range(len(jobs)))  # depth first without recursion: chains may be long
    while stack:
        number = stack[-1]
        waiting = [other for other in jobs[number]["after"] if other not in found]
        if waiting and number not in found:
            stack += waiting
            continue
        before = max((found[other] for other in jobs[number]["after"]), default=0.0)
        found[number] = before + seconds[number]
        stack.pop()
    return [found[number] for number in range(len(jobs))]


def wall_seconds(
    jobs: Sequence[Mapping[str, Any]], seconds: Sequence[float], *, cores: int, devices: int | None
) -> float:
    """What the jobs take at least on so many cores and devices: the longest chain, or all that must share them."""
    busy = sum(each * min(job["threads"], cores) for job, each in zip(jobs, seconds, strict=True)) / cores
    shared = device_seconds(jobs, seconds) / devices if devices else 0.0
    return max([busy, shared, *ends(jobs, seconds)])


def device_seconds(jobs: Sequence[Mapping[str, Any]], seconds: Sequence[float]) -> float:
    """Seconds in which jobs hold a device, one for each that they hold."""
    return sum(each * job["devices"] for job, each in zip(jobs, seconds, strict=True))


def _job_seconds(results: Path, record: Mapping[str, Any]) -> float:
    variant = f"/{record['variant']}" if record.get("variant") else ""
    name = f"{record['task']}-{record['head']}{variant}-seed{record['seed']}.tsv"
    try:
        with open(results / "benchmarks/train" / name, encoding="utf-8", newline="") as table:
            return max(float(row["s"]) for row in csv.DictReader(table, delimiter="\t"))
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _alike(task: str, head: str, variant: str, kind: str) -> list[tuple[str, ...]]:
    """From near to far: what runs share with this one."""
    return [("arm", task, head, variant), ("head", task, head), ("kind", task, kind), ("any",)]
