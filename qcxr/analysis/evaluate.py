"""Predictions made anywhere -> the same metrics, tests, figures and report as the workflow's, by the same functions."""

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from qcxr.analysis import figures, tables
from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.facts import Study
from qcxr.analysis.foreign import read_foreign
from qcxr.analysis.inputs import Paths
from qcxr.analysis.join import Sources, join
from qcxr.analysis.metrics import read_metrics, score_run
from qcxr.analysis.names import head_order
from qcxr.analysis.predictions import RunKey, check
from qcxr.analysis.questions import questions
from qcxr.analysis.replicates import Resampling
from qcxr.analysis.report import write_report
from qcxr.analysis.results import read_results
from qcxr.analysis.runlist import VALIDATION, read_list
from qcxr.analysis.statistics import compare, unpaired
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet, write_text
from qcxr.study.labels import LABEL_SETS

NEED_TRAINING = ("history", "steps", "counts", "search", "trend")  # inputs that predictions alone do not have


@dataclass(frozen=True)
class Evaluation:
    """What is computed from predictions.

    heads: order, the first is the one that others are compared with; by default cdl, dqc, others. alpha: a raw p below
    it is called significant. replicates: of the bootstrap over patients, 0 leaves it out; seed and threads are its own.
    only: figures to draw, names of `qcxr.analysis.figures.FIGURES`; by default all that predictions allow.
    """

    heads: Sequence[str] | None = None
    alpha: float = 0.05
    replicates: int = 2000
    seed: int = 0
    threads: int = 2
    only: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise InputError(f"alpha must be in (0, 1), got {self.alpha}; set --alpha")
        if 0 < self.replicates < 100 or self.replicates < 0:
            raise InputError(f"replicates must be 0 or >= 100, got {self.replicates}; set --bootstrap")

    def draws(self, base: str) -> bool:
        """Whether figure `base` is asked for and can be drawn without a training's files."""
        asked = self.only is None or base in self.only
        entry = figures.FIGURES[base]
        return asked and "axis" not in entry.by and not set(entry.needs) & set(NEED_TRAINING)


def evaluate(
    runs_csv: str | Path,
    out: str | Path,
    options: Evaluation = Evaluation(),
    *,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Evaluate the runs listed in `runs_csv`: metrics.csv, tests.csv, bootstrap, tables, figures and report in `out`.

    runs_csv: columns task, head, seed, dataset, predictions, truth; one row per run and test set, paths relative to it.
    A row whose dataset is `validation` gives the run's thresholds. A task of the paper (cxr8, ...) fixes the labels and
    their order, any other takes the columns of its predictions. say: called with notes, line by line.

    Returns the short result table. Everything is read and checked before anything is written; `out` appears whole or
    not at all. Raises InputError on anything malformed (see `qcxr.analysis.foreign` and `join`), and if `out` exists
    and is not empty.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; give a new folder with --out")
    runs = read_list(runs_csv)
    heads = list(options.heads) if options.heads is not None else head_order(runs["head"])
    prepared, notes = _prepare(runs, Path(runs_csv).parent)
    notes += unpaired(runs[runs["dataset"] != VALIDATION], heads)
    for note in notes:
        say(note)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        summary = _analyse(_save(prepared, partial), heads, options, notes)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return summary


def _prepare(runs: pd.DataFrame, base: Path) -> tuple[dict[RunKey, pd.DataFrame], list[str]]:
    """Read, join and check every run; return the tables, and notes, each once."""
    truths: dict[Path, tuple[pd.DataFrame, pd.Series | None]] = {}
    prepared: dict[RunKey, pd.DataFrame] = {}
    notes: dict[str, None] = {}
    for row in runs.to_dict("records"):
        source, against = base / row["predictions"], base / row["truth"]
        if against not in truths:
            truths[against] = read_foreign(against, role="truth")
        given, _ = read_foreign(source, role="predictions")
        sources = Sources(row["predictions"], row["truth"])
        table, said = join(given, *truths[against], labels=LABEL_SETS.get(row["task"]), sources=sources)
        check(table, source=row["predictions"])
        prepared[RunKey(row["task"], row["head"], row["seed"], row["dataset"])] = table
        notes |= dict.fromkeys(said)
    return prepared, list(notes)


@dataclass(frozen=True)
class _Folder:
    """The results folder, laid out as the workflow's, with the prediction file of every run."""

    root: Path
    files: Mapping[RunKey, Path]

    @property
    def tested(self) -> dict[RunKey, Path]:
        """The prediction files on test sets."""
        return {run: path for run, path in self.files.items() if run.dataset != VALIDATION}

    @property
    def cases(self) -> list[tuple[str, str]]:
        """Every task and test set, in the order of the list."""
        return list(dict.fromkeys((run.task, run.dataset) for run in self.tested))

    def of(self, *case: str) -> dict[RunKey, Path]:
        """The prediction files on test sets of a task, or of a task and test set, or all."""
        return {run: path for run, path in self.tested.items() if (run.task, run.dataset)[: len(case)] == case}


def _save(prepared: Mapping[RunKey, pd.DataFrame], root: Path) -> _Folder:
    files = {}
    for run, table in prepared.items():
        folder = root / "runs" / run.task / run.head / f"seed{run.seed}"
        files[run] = folder / "predictions" / f"{run.dataset}.parquet"
        write_parquet(table, files[run])
        labels = [name[2:] for name in table if name.startswith("p_")]
        about = {"task": run.task, "head": run.head, "seed": run.seed, "labels": labels}
        write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", folder / "run.json")
    return _Folder(root, files)


def _score(folder: _Folder) -> pd.DataFrame:
    scored = []
    for run, path in folder.tested.items():
        scored.append(path.parent.parent / "metrics" / f"{run.dataset}.csv")
        score_run(path, folder.files.get(run._replace(dataset=VALIDATION)), scored[-1], run=run)
    return read_metrics(scored)


def _analyse(folder: _Folder, heads: list[str], options: Evaluation, notes: Sequence[str]) -> str:
    root = folder.root
    metrics = _score(folder)
    tests = compare(metrics, heads=heads, alpha=options.alpha)
    write_csv(metrics, root / "metrics.csv")
    write_csv(tests, root / "tests.csv")
    files: dict[str, Paths] = {"metrics": root / "metrics.csv", "tests": root / "tests.csv"}
    if options.replicates:
        resampling = Resampling(options.replicates, seed=options.seed, threads=options.threads)
        drawn = {case: root / "bootstrap" / f"{'-'.join(case)}.csv" for case in folder.cases}
        for case, path in drawn.items():
            bootstrap_files(list(folder.of(*case).values()), path, heads=heads, resampling=resampling)
        files["bootstrap"] = list(drawn.values())
    questions(files, {"variance": root / "variance.csv"}, heads=heads)  # rarity in training is not known
    files["variance"] = root / "variance.csv"
    pngs = _draw(folder, heads, options, paired_tasks=set(tests["task"]))
    results = read_results(files)
    tables.write_tables(root / "tables", results)
    study = Study(notes=notes, title="Evaluation of predictions")
    write_report(root / "report.html", results, study, figures=pngs)
    return tables.summary_text(tests, metrics)


def _draw(folder: _Folder, heads: list[str], options: Evaluation, *, paired_tasks: set[str]) -> list[Path]:
    """Draw the figures asked for, each with the heads that it has runs of; return the PNG files."""
    pngs = []
    for base, entry in figures.FIGURES.items():
        if not options.draws(base):
            continue
        places = {"task": 0, "dataset": 1}
        for keys in dict.fromkeys(tuple(case[places[by]] for by in entry.by) for case in folder.cases):
            shown = set(keys[:1]) or paired_tasks  # a figure is of one task or of all
            if entry.pair and not shown & paired_tasks:
                continue  # no pair of heads; if others have one, a note says so
            name = "-".join([base, *keys])
            inputs: dict[str, Paths] = {
                "metrics": folder.root / "metrics.csv",
                "tests": folder.root / "tests.csv",
                "predictions": list(folder.of(*keys).values()),
                "variance": folder.root / "variance.csv",
            }
            here = {run.head for run in folder.of(*keys)}
            png = folder.root / "figures" / f"{name}.png"
            drawn = [head for head in heads if head in here]
            figures.draw(name, inputs, out_pdf=png.with_suffix(".pdf"), out_png=png, heads=drawn)
            pngs.append(png)
    return pngs
