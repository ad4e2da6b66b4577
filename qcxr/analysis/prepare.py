"""Runs from a list, one after the other: read, joined to their truth, checked, written as the workflow does, scored.

Of a run nothing stays in memory but where its files lie.
"""

import ctypes
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow
from tqdm import tqdm

from qcxr.analysis.counted import as_table
from qcxr.analysis.metrics import Frequencies, score_run
from qcxr.analysis.outline import Outline
from qcxr.analysis.predictions import Predictions, RunKey
from qcxr.analysis.reading import Reading, Row
from qcxr.analysis.runlist import VALIDATION
from qcxr.study.files import write_csv, write_json, write_parquet


@dataclass(frozen=True)
class Folder:
    """A results folder, laid out as the workflow's.

    files: the predictions of every run on every test set. scored: their metrics. frequencies: by task, where training
    was counted. attributes: by task and test set, where groups of films are known. read: what was read, name -> in
    words. notes: what must be said of it, each once.
    """

    root: Path
    outline: Outline
    files: Mapping[RunKey, Path]
    scored: Mapping[RunKey, Path]
    frequencies: Mapping[str, Frequencies]
    attributes: Mapping[tuple[str, str], pd.DataFrame]
    read: Mapping[str, str]
    notes: Sequence[str]

    @property
    def cases(self) -> list[tuple[str, str]]:
        """Every task and test set, in the order of the list."""
        return list(dict.fromkeys((run.task, run.dataset) for run in self.files))

    def counts(self, task: str) -> Path:
        """Where the training counts of a task lie, if they are known."""
        return self.root / "counts" / f"{task}.csv"

    def of(self, *case: str) -> dict[RunKey, Path]:
        """The predictions of a task, or of a task and test set, or all."""
        return {run: path for run, path in self.files.items() if (run.task, run.dataset)[: len(case)] == case}

    def standing(self, variant: str, *case: str) -> list[Path]:
        """The predictions of a task and test set by the runs that stand at a variant."""
        arms = {head: self.outline.standing(head, variant) for head in self.outline.heads}
        found = self.of(*case).items()
        return [path for run, path in found if (arm := arms[run.head]) and arm.variant == run.variant]


def prepare(runs: pd.DataFrame, base: Path, root: Path, *, heads: Sequence[str]) -> Folder:
    """Read, check, write to `root` and score every run of the list; files are named relative to `base`.

    heads: all that are looked at, in their order; others' rows are passed over. Raises InputError on anything
    malformed.
    """
    runs = runs[runs["head"].isin(heads)]
    reading = Reading(base)
    files: dict[RunKey, Path] = {_key(row): Path() for row in _rows(runs) if row["dataset"] != VALIDATION}
    scored = dict(files)  # both in the order of the list
    with tqdm(total=len(runs), unit="table", desc="read and score", disable=None, leave=False) as bar:
        for _, rows in runs.groupby(["task", "head", "variant", "seed"], sort=False):
            for run, predictions, metrics in _one_run(rows, reading, root):
                if run in files:
                    files[run], scored[run] = predictions, metrics
                bar.update()
            let_go()
    for task, frequencies in reading.frequencies.items():
        write_csv(as_table(dict(frequencies.train_counts)), root / "counts" / f"{task}.csv")
    found = Outline.of_runs((run.head, run.variant) for run in sorted(files, key=lambda run: heads.index(run.head)))
    known = reading.frequencies, reading.attributes
    return Folder(root, found, files, scored, *known, reading.said(files), list(reading.notes))


def _rows(runs: pd.DataFrame) -> list[Row]:
    return runs.to_dict("records")


def _key(row: Row) -> RunKey:
    return RunKey(row["task"], row["head"], int(row["seed"]), row["dataset"], row["variant"])


def _one_run(rows: pd.DataFrame, reading: Reading, root: Path) -> Iterator[tuple[RunKey, Path, Path]]:
    """Read, write and score one run; validation comes first, since it gives the thresholds of its test sets.

    Yields of each table its key, its predictions and (but for validation) its metrics.
    """
    chosen: Predictions | None = None
    for row in sorted(_rows(rows), key=lambda row: bool(row["dataset"] != VALIDATION)):
        run = _key(row)
        table, checked = reading.run(row)
        folder = root / "runs" / run.task / run.head / run.variant / f"seed{run.seed}"
        predictions, metrics = (folder / f"predictions/{run.dataset}.parquet", folder / f"metrics/{run.dataset}.csv")
        write_parquet(table, predictions)
        if run.dataset == VALIDATION:
            chosen = checked
        else:
            about = {"task": run.task, "head": run.head, "seed": run.seed, "labels": list(checked.labels)}
            write_json(about | ({"variant": run.variant} if run.variant else {}), folder / "run.json")
            reading.groups(row, checked.image_id)
            score_run(checked, chosen, metrics, run=run, frequencies=reading.counts(row))
        yield run, predictions, metrics


def let_go() -> None:
    """Give back the memory of tables that are no longer there: the allocators would keep some 100 MB of them."""
    pyarrow.default_memory_pool().release_unused()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's, with an arena for every thread
        trim(0)
