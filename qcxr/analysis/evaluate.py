"""Predictions made anywhere -> the same metrics, tests, figures and report as the workflow's, by the same functions."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from qcxr import __version__
from qcxr.analysis import tables
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.checklists.page import write_checklists
from qcxr.analysis.computed import compute
from qcxr.analysis.drawings import draw_all
from qcxr.analysis.evaluation import Evaluation
from qcxr.analysis.facts import Study
from qcxr.analysis.inference import ADJUSTMENTS
from qcxr.analysis.metrics import read_metrics
from qcxr.analysis.outline import pairs
from qcxr.analysis.prepare import Folder, prepare
from qcxr.analysis.report import write_report
from qcxr.analysis.results import read_results
from qcxr.analysis.runlist import check_seeds, read_list
from qcxr.analysis.shown import Shown
from qcxr.analysis.statistics import unpaired
from qcxr.errors import InputError
from qcxr.study import folders


def evaluate(
    runs_csv: str | Path,
    out: str | Path,
    options: Evaluation = Evaluation(),  # noqa: B008  (frozen)
    *,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Evaluate the runs listed in `runs_csv`: metrics, tests, tables, figures, report, checklists, all in `out`.

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
    with folders.whole(out) as partial:
        folder = prepare(runs, Path(runs_csv).parent, partial, heads=heads)
        return _analyse(folder, heads, options, say)


def _analyse(folder: Folder, heads: list[str], options: Evaluation, say: Callable[[str], None]) -> str:
    root, outline = folder.root, folder.outline
    metrics = read_metrics(list(folder.scored.values()))
    notes = [*folder.notes, *unpaired(metrics, heads, outline=outline)]
    read = {**folder.read, **settings(options), "Version": f"qcxr {__version__}"}
    for line in (*(f"{name}: {text}" for name, text in read.items()), *notes):
        say(line)
    files = compute(folder, metrics, heads, options)
    pngs = draw_all(folder, files, heads, options)
    results = read_results(files, outline=outline, shown=Shown(options.rules))
    tables.write_tables(root / "tables", results)
    about = {name: text for name, text in read.items() if name != "Runs"}  # which the report counts itself
    study = Study(notes=notes, title="Evaluation of predictions", read=about, analysis=asdict(options.rules))
    write_report(root / "report.html", results, study, figures=pngs)
    write_checklists(root / "checklist.md", Known(results, study))
    return tables.summary_text(results.tests, metrics, outline=outline)


def settings(options: Evaluation) -> dict[str, str]:
    """By what rules heads are compared, name -> in words."""
    over = {"both": "seeds and patients together", "seeds": "seeds"}[options.inference]
    adjusted = "not adjusted"
    if options.adjust != "none":
        adjusted = f"adjusted by {ADJUSTMENTS[options.adjust]} over {options.family}"
    drawn = f"{options.replicates:,} replicates, seed {options.seed}" if options.replicates else "none"
    return {
        "Comparison": f"over {over}, alpha {options.alpha:g}, {adjusted}, margin {options.margin:g}, "
        f"power {options.power:g}",
        "Bootstrap": drawn,
    }
