"""Which of a study's result files an archive holds, and which of them are not there."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qcxr.analysis.layout import ANSWERS, Layout
from qcxr.errors import InputError
from qcxr.study.runs import Planned

Weights = Literal["all", "best", "none"]
PAGES = ("report.html", "summary.txt", "model-card.md", "data-card.md", "data-card.json", "checklist.md")
TABLES = ("metrics.csv", "tests.csv", "estimates.csv", "parameters.csv", *(f"{name}.csv" for name in ANSWERS))
RECORDS = ("run.json", "history.csv", "steps.csv")
WEIGHTS = "best.safetensors"


@dataclass(frozen=True)
class Contents:
    """Paths below the results folder: `there` exist, `missing` a finished study has, and this one has not."""

    there: tuple[Path, ...]
    missing: tuple[Path, ...]


def contents(layout: Layout, *, weights: Weights = "best", films: bool = True) -> Contents:
    """What of the results belongs in an archive.

    weights: of all runs, trials of a search too, of the best seed of every task, head and variant (by the loss on
    validation), or of none. films: with what names single films or patients: predictions, their attributes, what audit
    and leak checks list. Raises `InputError` for a damaged run.json.
    """
    wanted = [*_of_study(layout, films), *_of_runs(layout, films)]
    wanted += [layout.folder(run) / WEIGHTS for run in _weighed(layout, weights)]
    named = [path.relative_to(layout.root) for path in dict.fromkeys(wanted)]
    missing = tuple(path for path in named if not (layout.root / path).is_file())
    there = [path for path in named if path not in set(missing)]
    return Contents(tuple(sorted({*there, *_beside(layout)})), missing)


def _of_study(layout: Layout, films: bool) -> Iterator[Path]:
    """What there is once."""
    study, root = layout.study, layout.root
    yield from (root / name for name in (*PAGES, *TABLES))
    for kind in ("patients", "counts", *(["bootstrap"] if study.analysis.bootstrap else []), "subgroups"):
        yield from layout.many(kind)
    if study.timed:
        yield root / "benchmark.csv"
    if study.trials:
        yield root / "search.csv"
        yield from (root / f"search/{task}/{head}.json" for task in study.tasks for head in layout.searched)
    if films:
        yield from layout.audits
        yield from layout.leaks
        yield from (layout.attributes(dataset) for dataset in (study.test_on if study.grouped else ()))
    for name in layout.figures:
        yield from (root / f"figures/{name}{suffix}" for suffix in (".pdf", ".png"))
    if study.circuit:
        yield from (root / f"figures/circuit{suffix}" for suffix in (".png", ".txt"))


def _of_runs(layout: Layout, films: bool) -> Iterator[Path]:
    """Each run's records, scores and predictions."""
    tests = ["validation", *layout.study.test_on]
    tested = [(run, tests) for run in layout.study.runs] + [(run, tests[:1]) for run in layout.study.searching]
    for run, datasets in tested:
        yield from (layout.folder(run) / name for name in RECORDS)
        # how the compared runs do on validation is in no table: nothing scores them there
        scored = datasets if run in layout.study.searching else datasets[1:]
        yield from (layout.scores(run, dataset) for dataset in scored)
        if films:
            yield from (layout.predictions(run, dataset) for dataset in datasets)


def _beside(layout: Layout) -> Iterator[Path]:
    """What is archived where it is there: all tables, and what energy runs took."""
    found = [path for path in (layout.root / "tables").glob("*") if not path.name.startswith(".")]
    runs = (*layout.study.runs, *layout.study.searching)
    found += [path for run in runs if (path := layout.folder(run) / "energy.json").is_file()]
    yield from (path.relative_to(layout.root) for path in found)


def _weighed(layout: Layout, weights: Weights) -> list[Planned]:
    """The runs whose weights are archived."""
    study = layout.study
    if weights == "none":
        return []
    if weights == "all":
        return [*study.runs, *study.searching]
    best: dict[tuple[str, str], tuple[float, Planned]] = {}
    for run in study.runs:
        loss = _validation_loss(layout.folder(run) / "run.json")
        if loss < best.get(key := (run.task, run.arm.path), (math.inf, run))[0] or key not in best:
            best[key] = loss, run
    return [run for _, run in best.values()]


def _validation_loss(record: Path) -> float:
    """Of a run's best epoch; infinity if there is none, or no such run."""
    if not record.is_file():
        return math.inf
    try:
        loss = json.loads(record.read_text(encoding="utf-8"))["best_val_loss"]
        return math.inf if loss is None else float(loss)
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{record} is damaged: it holds no best_val_loss; train the run again: snakemake") from None
