"""Predictions made anywhere -> the same metrics, tests, figures and report as the workflow's, by the same functions."""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis import figures, tables
from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.foreign import join, read_foreign
from qcxr.analysis.inputs import load
from qcxr.analysis.metrics import read_metrics, score_run
from qcxr.analysis.names import head_order
from qcxr.analysis.predictions import check
from qcxr.analysis.report import write_report
from qcxr.analysis.statistics import COLUMNS as TEST_COLUMNS
from qcxr.analysis.statistics import compare
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_parquet, write_text
from qcxr.study.labels import LABEL_SETS

COLUMNS = ("task", "head", "seed", "dataset", "predictions", "truth")
VALIDATION = "validation"
NEED_TRAINING = ("history", "steps", "counts")  # inputs that predictions alone do not have


def evaluate(
    runs_csv: str | Path,
    out: str | Path,
    *,
    heads: Sequence[str] | None = None,
    alpha: float = 0.05,
    replicates: int = 2000,
    seed: int = 0,
    threads: int = 2,
    only: Sequence[str] | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """Evaluate the runs listed in `runs_csv`: metrics.csv, tests.csv, bootstrap, tables, figures and report in `out`.

    runs_csv: columns task, head, seed, dataset, predictions, truth; one row per run and test set, paths relative to it.
    A row whose dataset is `validation` gives the run's thresholds. A task of the paper (cxr8, ...) fixes the labels and
    their order, any other takes the columns of its predictions. heads: order, the first is the reference; by default
    cdl, dqc, others. replicates: of the bootstrap over patients, 0 leaves it out. only: figures to draw, names of
    `qcxr.analysis.figures.FIGURES`; by default all that predictions allow. say: called with notes, line by line.

    Returns the short result table. Everything is read and checked before anything is written; `out` appears whole or
    not at all. Raises InputError on anything malformed (see `qcxr.analysis.foreign`), and if `out` exists and is not
    empty.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; give a new folder with --out")
    if not 0 < alpha < 1:
        raise InputError(f"alpha must be in (0, 1), got {alpha}; set --alpha")
    if 0 < replicates < 100 or replicates < 0:
        raise InputError(f"replicates must be 0 or >= 100, got {replicates}; set --bootstrap")
    runs = read_list(runs_csv)
    heads = list(heads) if heads is not None else head_order(runs["head"])
    prepared, notes = _prepare(runs, Path(runs_csv).parent)
    for note in notes:
        say(note)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        summary = _write(prepared, partial, heads, alpha, replicates, seed, threads, only, notes)
        if out.exists():
            out.rmdir()
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return summary


def read_list(path: str | Path) -> pd.DataFrame:
    """Read and check the list of runs; InputError names the row or column at fault."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; give a CSV with columns {', '.join(COLUMNS)}")
    try:
        frame = pd.read_csv(path, dtype=str, skipinitialspace=True)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise InputError(f"{path} cannot be read as CSV ({error}); give a UTF-8 CSV") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: the file is empty; it must have columns {', '.join(COLUMNS)}") from None
    lacking = [column for column in COLUMNS if column not in frame]
    if lacking:
        raise InputError(f"{path}: columns are missing: {', '.join(lacking)}; it must have {', '.join(COLUMNS)}")
    if not len(frame):
        raise InputError(f"{path}: no rows; list at least one run")
    for column in COLUMNS:
        if frame[column].isna().any():
            row = int(frame[column].isna().argmax()) + 2
            raise InputError(f"{path}: line {row} has no {column}; fill it in")
    wrong = frame[~frame["seed"].str.fullmatch(r"\d+")]
    if len(wrong):
        raise InputError(f"{path}: seed must be a whole number >= 0, got {wrong['seed'].iloc[0]!r}; correct it")
    for column in ("task", "head", "dataset"):  # they become folder names
        wrong = frame[~frame[column].str.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*")]
        if len(wrong):
            raise InputError(
                f"{path}: {column} must be made of letters, digits, '_', '.' and '-', got {wrong[column].iloc[0]!r}"
            )
    frame["seed"] = frame["seed"].astype(int)
    twice = frame[frame.duplicated(["task", "head", "seed", "dataset"])]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(f"{path}: {row['task']}/{row['head']}/seed{row['seed']} on {row['dataset']} is listed twice")
    if (frame["dataset"] == VALIDATION).all():
        raise InputError(f"{path}: only {VALIDATION} rows; list at least one test set")
    return frame


def _prepare(runs: pd.DataFrame, base: Path) -> tuple[dict[tuple, pd.DataFrame], list[str]]:
    """Read, join and check every run: (task, head, seed, dataset) -> table, and notes, each once."""
    truths: dict[Path, tuple] = {}
    prepared, notes = {}, {}
    for row in runs.to_dict("records"):
        source, against = base / row["predictions"], base / row["truth"]
        if against not in truths:
            truths[against] = read_foreign(against, role="truth")
        table, said = join(
            read_foreign(source, role="predictions")[0], *truths[against],
            labels=LABEL_SETS.get(row["task"]), source=row["predictions"], against=row["truth"],
        )  # fmt: skip
        check(table, source=row["predictions"])
        prepared[row["task"], row["head"], row["seed"], row["dataset"]] = table
        notes |= dict.fromkeys(said)
    return prepared, list(notes)


def _write(
    prepared: dict,
    root: Path,
    heads: list[str],
    alpha: float,
    replicates: int,
    seed: int,
    threads: int,
    only: Sequence[str] | None,
    notes: list[str],
) -> str:
    files, scored = {}, []
    for (task, head, run, dataset), table in prepared.items():
        folder = root / "runs" / task / head / f"seed{run}"
        files[task, head, run, dataset] = folder / "predictions" / f"{dataset}.parquet"
        write_parquet(table, files[task, head, run, dataset])
        labels = [name[2:] for name in table if name.startswith("p_")]
        about = {"task": task, "head": head, "seed": run, "labels": labels}
        write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", folder / "run.json")
    tested = {key: path for key, path in files.items() if key[3] != VALIDATION}
    for (task, head, run, dataset), path in tested.items():
        scored.append(path.parent.parent / "metrics" / f"{dataset}.csv")
        score_run(
            path, files.get((task, head, run, VALIDATION)), scored[-1], task=task, head=head, seed=run, dataset=dataset
        )
    metrics = read_metrics(scored)
    tests = compare(metrics, heads=heads, alpha=alpha) if len(heads) > 1 else pd.DataFrame(columns=list(TEST_COLUMNS))
    write_csv(metrics, root / "metrics.csv")
    write_csv(tests, root / "tests.csv")

    cases = list(dict.fromkeys((task, dataset) for task, _, _, dataset in tested))
    of_case = {case: [p for key, p in tested.items() if (key[0], key[3]) == case] for case in cases}
    drawn = []
    if replicates:
        for task, dataset in cases:
            drawn.append(root / "bootstrap" / f"{task}-{dataset}.csv")
            present = [h for h in heads if any(key[:2] == (task, h) and key[3] == dataset for key in tested)]
            bootstrap_files(
                of_case[task, dataset], drawn[-1], heads=present, replicates=replicates, seed=seed, threads=threads
            )
    pngs = _draw(root, cases, of_case, heads, only)
    bootstrap = load("bootstrap", drawn) if drawn else None
    tables.write_tables(root / "tables", metrics=metrics, tests=tests, bootstrap=bootstrap)
    write_report(
        root / "report.html", figure_paths=pngs, metrics=root / "metrics.csv", tests=root / "tests.csv",
        bootstrap=drawn or None, notes=notes, title="Evaluation of predictions",
    )  # fmt: skip
    return tables.summary_text(tests, metrics)


def _draw(root: Path, cases: list[tuple], of_case: dict, heads: list[str], only: Sequence[str] | None) -> list[Path]:
    pngs = []
    for base, entry in figures.FIGURES.items():
        impossible = set(entry.needs) & set(NEED_TRAINING) or (entry.needs == ("tests",) and len(heads) < 2)
        if impossible or (only is not None and base not in only):
            continue
        places = {"task": 0, "dataset": 1}
        for keys in dict.fromkeys(tuple(case[places[by]] for by in entry.by) for case in cases):
            name = "-".join([base, *keys])
            inputs = {"metrics": root / "metrics.csv", "tests": root / "tests.csv", "predictions": of_case.get(keys)}
            pngs.append(root / "figures" / f"{name}.png")
            figures.draw(name, inputs, out_pdf=pngs[-1].with_suffix(".pdf"), out_png=pngs[-1], heads=heads)
    return pngs
