"""Predictions made anywhere -> the same metrics, tests, figures and report as the workflow's, by the same functions."""

import os
import shutil
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pandas as pd

from qcxr import __version__
from qcxr.analysis import tables
from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.drawings import draw_all
from qcxr.analysis.estimates import estimates
from qcxr.analysis.evaluation import Evaluation
from qcxr.analysis.facts import Study
from qcxr.analysis.inputs import Paths
from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.outline import pairs
from qcxr.analysis.patients import patients_files
from qcxr.analysis.prepare import Folder, prepare
from qcxr.analysis.report import write_report
from qcxr.analysis.results import read_results
from qcxr.analysis.runlist import check_seeds, read_list
from qcxr.analysis.statistics import compare, unpaired
from qcxr.errors import InputError
from qcxr.study.files import write_csv

Files = dict[str, Paths]


def evaluate(
    runs_csv: str | Path,
    out: str | Path,
    options: Evaluation = Evaluation(),  # noqa: B008  (frozen)
    *,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Evaluate the runs listed in `runs_csv`: metrics, tests, estimates, tables, figures and report in `out`.

    runs_csv: columns task, head, seed, dataset, predictions, truth, and those of `qcxr.analysis.runlist.OPTIONAL`; one
    row per run and test set, paths relative to it. A row whose dataset is `validation` gives the run's thresholds. A
    task of the paper (cxr8, ...) fixes the labels and their order, any other takes the columns of its predictions.
    say: called line by line with what was read, before anything is compared, and with notes.

    Returns the short result table. Everything is read and checked before anything is compared; `out` appears whole or
    not at all. Raises InputError on anything malformed (see `qcxr.analysis.foreign` and `join`), and if `out` exists
    and is not empty.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; give a new folder with --out")
    runs = read_list(runs_csv)
    heads = options.order(list(runs["head"]))
    check_seeds(runs, pairs(heads, options.reference))
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        folder = prepare(runs, Path(runs_csv).parent, partial, heads=heads)
        summary = _analyse(folder, heads, options, say)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return summary


def _analyse(folder: Folder, heads: list[str], options: Evaluation, say: Callable[[str], None]) -> str:
    root, outline = folder.root, folder.outline
    metrics = read_metrics(list(folder.scored.values()))
    notes = [*folder.notes, *unpaired(metrics, heads, outline=outline)]
    read = {**folder.read, **settings(options), "Version": f"qcxr {__version__}"}
    for line in (*(f"{name}: {text}" for name, text in read.items()), *notes):
        say(line)
    files = _compare(folder, metrics, heads, options)
    pngs = draw_all(folder, files, heads, options)
    results = read_results(files, outline=outline)
    tables.write_tables(root / "tables", results)
    study = Study(
        notes=[*(f"{name}: {text}." for name, text in read.items()), *notes], title="Evaluation of predictions"
    )
    write_report(root / "report.html", results, study, figures=pngs)
    return tables.summary_text(results.tests, metrics, outline=outline)


def settings(options: Evaluation) -> dict[str, str]:
    """By what rules heads are compared, name -> in words."""
    over = {"both": "seeds and patients together", "seeds": "seeds"}[options.inference]
    drawn = f"{options.replicates:,} replicates, seed {options.seed}" if options.replicates else "none"
    return {
        "Comparison": f"over {over}, alpha {options.alpha:g}, adjusted by {options.adjust} over {options.family}, "
        f"margin {options.margin:g}, power {options.power:g}",
        "Bootstrap": drawn,
    }


def _compare(folder: Folder, metrics: pd.DataFrame, heads: Sequence[str], options: Evaluation) -> Files:
    """Everything that is computed of the runs, as files by kind."""
    root, against = folder.root, options.reference
    write_csv(metrics, root / "metrics.csv")
    drawn, parts = [], []
    for case, variant in product(folder.cases, folder.outline.variants or [""]):
        if not (predictions := folder.standing(variant, *case)):
            continue
        name = "-".join(case) + f"/{variant}" * bool(variant)
        parts.append(
            patients_files(
                predictions,
                root / "patients" / f"{name}.csv",
                heads=heads,
                against=against,
                frequencies=folder.frequencies.get(case[0]),
                variant=variant,
            )
        )
        if options.replicates:
            drawn.append(root / "bootstrap" / f"{name}.csv")
            bootstrap_files(
                predictions, drawn[-1], heads=heads, against=against, resampling=options.resampling, variant=variant
            )
    patients = pd.concat(parts, ignore_index=True)
    tests = compare(
        metrics, heads=heads, against=against, outline=folder.outline, patients=patients, inference=options.rules
    )
    write_csv(tests, root / "tests.csv")
    write_csv(estimates(metrics, patients=patients, outline=folder.outline), root / "estimates.csv")
    files: Files = {"metrics": root / "metrics.csv", "tests": root / "tests.csv"}
    return files | ({"bootstrap": drawn} if drawn else {})
