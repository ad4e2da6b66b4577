"""`qcxr verify`: every file of a study against its record (`qcxr.study.digests`). Must not import JAX.

A file is *damaged* if its bytes are not those that were written, *stale* if it was made of other bytes than are there
now, *gone* if its record is all that is left, and a run is *orphaned* if the configuration asks for none of its name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from qcxr.study import digests, runs
from qcxr.study.config import Config
from qcxr.study.digests import FOLDER, DamagedRecord, Record
from qcxr.study.folders import MADE
from qcxr.study.provenance import digest_file
from qcxr.training import resumable
from qcxr.training.named import STAMP

DAMAGED, STALE, GONE, ORPHANED = "damaged", "stale", "gone", "orphaned"
UNRECORDED = ("logs", "progress", "benchmarks", "bench", "work")  # of what is made, these have no records
AT_ONCE = 1 << 20  # bytes


@dataclass(frozen=True)
class Finding:
    """A file or a run's folder that is not as it should be; `remade`: a job makes it again."""

    file: str
    state: str
    why: str
    remade: bool = True


@dataclass
class Inventory:
    """What a walk found. `sound`: files that are what was written. `unrecorded`: those of which nobody knows."""

    sound: int = 0
    unrecorded: int = 0
    bytes: int = 0
    findings: list[Finding] = field(default_factory=list)

    def of(self, *states: str) -> list[Finding]:
        """The findings in one of those states."""
        return [found for found in self.findings if found.state in states]

    def to_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def take(results: Path, cfg: Config | None = None, *, progress: bool = True) -> Inventory:
    """Go through a study's files; with its configuration, look for runs that it does not ask for, too.

    Each recorded file is read once, with a bar over the bytes.
    """
    found = Inventory()
    records, sizes = _records(results, found)
    now: dict[Path, str] = {}
    with tqdm(total=sum(sizes.values()), unit="B", unit_scale=True, desc="verify", disable=not progress) as bar:
        for path, size in sizes.items():
            now[path] = digest_file(path)
            found.bytes += size
            bar.update(size)
    damaged = {path for path in now if now[path] != records[path].sha256}
    found.sound = len(now) - len(damaged)
    for path in sorted(damaged):
        found.findings.append(Finding(str(path), DAMAGED, "its bytes are not those that were written"))
    found.findings += _stale(records, now)
    found.findings += _of_work(results)
    if cfg is not None:
        found.findings += _orphaned(results, cfg)
    return found


def _records(results: Path, found: Inventory) -> tuple[dict[Path, Record], dict[Path, int]]:
    """The records by file, and the sizes of the files that are there."""
    records: dict[Path, Record] = {}
    sizes: dict[Path, int] = {}
    for path in _recordable(results):
        try:
            record = digests.recorded(path)
        except DamagedRecord:
            why = f"its record, {digests.record_file(path)}, is damaged: nobody knows whether it is what was written"
            found.findings.append(Finding(str(path), DAMAGED, why))
            continue
        if not path.is_file():
            found.findings.append(Finding(str(path), GONE, "its record is all that is left"))
        elif record is None:
            found.unrecorded += 1
        else:
            records[path], sizes[path] = record, path.stat().st_size
    return records, sizes


def _recordable(results: Path) -> Iterator[Path]:
    """The files that rules make, and those of which only a record is left, in order."""
    for folder, below, names in os.walk(results):
        here = Path(folder)
        if here == results:
            below[:] = [name for name in below if (name in MADE and name not in UNRECORDED) or name == FOLDER]
        below.sort()
        if here.name == FOLDER:
            names = [name.removesuffix(".json") for name in names if name.endswith(".json")]
            yield from sorted(path for name in names if not (path := here.parent / name).exists())
        else:
            yield from sorted(here / name for name in names if not name.startswith("."))


def _stale(records: Mapping[Path, Record], now: Mapping[Path, str]) -> Iterator[Finding]:
    """Files made of other bytes than are there. What a damaged source was is what its record says."""
    known = {path: record.sha256 for path, record in records.items()}
    for path, record in records.items():
        for relative, digest in record.made_of.items():
            source = Path(os.path.normpath(path.parent / relative))
            if source not in known and source.is_file():
                known[source] = now.get(source) or digest_file(source)
            if known.get(source, digest) != digest:
                yield Finding(str(path), STALE, f"made of another {source} than is there now")
                break


def _of_work(results: Path) -> Iterator[Finding]:
    """What runs would be resumed from: they mend it themselves."""
    for folder in _work_folders(results):
        for path, why in resumable.damages(folder):
            yield Finding(str(path), DAMAGED, f"{why}; the run does without it when it goes on", remade=False)


def _work_folders(results: Path) -> list[Path]:
    return sorted(path.parent for path in (results / "work").rglob(STAMP))


def _orphaned(results: Path, cfg: Config) -> Iterator[Finding]:
    asked = {run.name for run in runs.every(cfg)}
    base = results / "runs"
    trained = {path.parent for name in ("run.json", "best.safetensors") for path in base.rglob(name)}
    found = {folder: folder.relative_to(base) for folder in trained}
    found |= {folder: folder.parent.relative_to(results / "work") for folder in _work_folders(results)}
    for folder, run in sorted(found.items()):
        if run.as_posix() not in asked:
            yield Finding(str(folder), ORPHANED, "the configuration asks for no such run", remade=False)
