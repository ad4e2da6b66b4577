"""Tables made elsewhere, one run at a time: what runs share is read and checked once, and what was read is counted."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from qcxr.analysis.attributes import read_groups
from qcxr.analysis.counted import of_task, read_counts
from qcxr.analysis.foreign import read_foreign
from qcxr.analysis.join import Truth, join
from qcxr.analysis.metrics import Frequencies
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.predictions import Predictions, RunKey, check, few
from qcxr.analysis.runlist import VALIDATION
from qcxr.errors import InputError
from qcxr.study.labels import LABEL_SETS

Row = dict[Any, Any]  # of the list of runs


class Reading:
    """Reads the tables that a list of runs names, relative to `base`."""

    def __init__(self, base: Path):
        self.base = base
        self.notes: dict[str, None] = {}  # each once, in order
        self.labels: dict[str, tuple[str, ...]] = {}  # of each task
        self.frequencies: dict[str, Frequencies] = {}  # of each task whose training was counted
        self.attributes: dict[tuple[str, str], pd.DataFrame] = {}  # of a task's test set whose groups are known
        self._truths: dict[str, Truth] = {}
        self._tables = 0
        self._sizes: dict[tuple[str, str], tuple[int, int]] = {}  # task, test set -> films, patients

    def run(self, row: Row) -> tuple[pd.DataFrame, Predictions]:
        """One row's table of our form and what it holds, checked; InputError names the file at fault."""
        source = row["predictions"]
        given, _ = read_foreign(self.base / source, role="predictions")
        labels = LABEL_SETS.get(row["task"])
        table, notes = join(given, self._truth(row["truth"]), labels=labels, source=source)
        checked = check(table, source=source)
        self._same_labels(row["task"], checked.labels, source)
        self.notes |= dict.fromkeys(notes)
        self._tables += 1
        self._sizes[row["task"], row["dataset"]] = len(checked.image_id), len(set(checked.patient_id))
        return table, checked

    def _truth(self, source: str) -> Truth:
        if source not in self._truths:
            self._truths[source] = Truth(*read_foreign(self.base / source, role="truth"), source)
        return self._truths[source]

    def _same_labels(self, task: str, labels: tuple[str, ...], source: str) -> None:
        """All runs of a task predict the same labels, in whatever order their columns stand."""
        known = self.labels.setdefault(task, labels)
        if set(known) != set(labels):
            differ = ", ".join(sorted(set(known) ^ set(labels)))
            raise InputError(f"{source}: task {task} must have the same labels in every run, here {differ} differ")

    def counts(self, row: Row) -> Frequencies | None:
        """The training counts of a row's task, once its labels are known; None where the list names none."""
        task, source = row["task"], row["train_counts"]
        if source and task not in self.frequencies:
            counts = read_counts(self.base / source)
            self.frequencies[task] = Frequencies(of_task(counts, self.labels[task], source))
        return self.frequencies.get(task)

    def groups(self, row: Row, films: Shaped[np.ndarray, " films"]) -> None:
        """Read what the list says of a test set's films beside their labels; InputError if it knows none of them."""
        place, source = (row["task"], row["dataset"]), row["groups"]
        if not source or place in self.attributes:
            return
        frame = read_groups(self.base / source)
        lacking = [film for film in films if film not in frame.index]
        if len(lacking) == len(films):
            raise InputError(
                f"{source}: none of the films of {row['truth']} is in it, got {few(frame.index, 2)}; name films alike"
            )
        if lacking:
            self.notes[
                f"{source}: {len(lacking):,} of {len(films):,} films are not in it: their groups are unknown"
            ] = None
        for column, reason in frame.attrs.get("passed_over", {}).items():
            self.notes[f"{source}: column {column} is passed over: {reason}"] = None
        self.attributes[place] = frame

    def said(self, runs: Iterable[RunKey]) -> dict[str, str]:
        """What was read, name -> in words."""
        runs = [run for run in runs if run.dataset != VALIDATION]
        trained = {(run.task, run.head, run.variant, run.seed) for run in runs}
        heads = [head_name(head) for head in dict.fromkeys(run.head for run in runs)]
        labels = [f"{task_name(task)} {len(names)}" for task, names in self.labels.items()]
        sets: dict[str, dict[tuple[int, int], list[str]]] = {}
        order = [*dict.fromkeys(run.dataset for run in runs), VALIDATION]
        for (task, dataset), size in sorted(self._sizes.items(), key=lambda found: order.index(found[0][1])):
            sets.setdefault(dataset, {}).setdefault(size, []).append(task_name(task))
        return {
            "Runs": f"{len(trained):,} of {', '.join(heads)}",
            "Tables": f"{self._tables:,} of predictions, {len(self._truths):,} of truth",
            "Labels": ", ".join(labels),
            "Films": "; ".join(_films(dataset, sizes) for dataset, sizes in sets.items()),
        }


def _films(dataset: str, sizes: dict[tuple[int, int], list[str]]) -> str:
    """How many films and patients a test set has, by task where tasks differ."""
    parts = []
    for (films, patients), tasks in sizes.items():
        of = f" ({', '.join(tasks)})" if len(sizes) > 1 else ""
        parts.append(f"{films:,} of {patients:,} patient{'s' * (patients != 1)}{of}")
    return f"{dataset_name(dataset)} {', '.join(parts)}"
