"""What a search chose: the best of a head's trials on the validation split, and all trials as one tidy table."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError, one_line
from qcxr.study.files import write_csv, write_json

LOWER = ("loss",)  # metrics of which the lowest is the best


def best(scores: Mapping[int, float], *, lower: bool = False) -> int:
    """Return the trial with the best score, the first of equals; trials without a score (NaN) are passed over.

    Raises InputError if none has one.
    """
    known = {trial: score for trial, score in sorted(scores.items()) if not math.isnan(score)}
    if not known:
        raise InputError(
            "none of the trials has a score on the validation split: no label of the task has positive and negative "
            "films there; choose by loss (search.choose.metric)"
        )
    return (min if lower else max)(known, key=lambda trial: known[trial])


def choose(
    folders: Sequence[str | Path], out: str | Path, *, trials: Mapping[int, Mapping[str, Any]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Write which trial of a task and head is the best, its values, and every trial's score, as JSON; return it.

    folders: of each trial's run, in the order of `trials` (number -> values). about: task, head, seed and metric. A
    trial that diverged has no score, however good an epoch of it was: the seeds would diverge with its settings.
    """
    metric = about["metric"]
    scores = {n: _score(Path(folder), metric) for n, folder in zip(trials, folders, strict=True)}
    chosen = best(scores, lower=metric in LOWER)
    content = {
        **about,
        "lower_is_better": metric in LOWER,
        "trial": chosen,
        "values": dict(trials[chosen]),
        "trials": [
            {"trial": n, "value": None if math.isnan(score) else score, "values": dict(trials[n])}
            for n, score in scores.items()
        ],
    }
    write_json(content, out)
    return content


def collect(files: Sequence[str | Path], out: str | Path) -> pd.DataFrame:
    """Write the choices of all tasks and heads as one tidy CSV, a row per trial; return it.

    Columns: task, head, trial, seed, metric, value, lower_is_better, chosen, and one per searched key, empty where a
    head does not have it.
    """
    rows = []
    for file in files:
        try:
            rows += _trials(json.loads(Path(file).read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            reason = f"lacks {error}" if isinstance(error, KeyError) else one_line(error)
            raise InputError(
                f"{file} is not the choice of a search ({reason}); choose again: remove it and run snakemake"
            ) from None
    frame = pd.DataFrame(rows)
    first = ["task", "head", "trial", "seed", "metric", "value", "lower_is_better", "chosen"]
    frame = frame[[*first, *sorted(set(frame) - set(first))]]
    write_csv(frame, out)
    return frame


def _trials(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of each trial of a search's choice."""
    keys = {key: found[key] for key in ("task", "head", "seed", "metric", "lower_is_better")}
    if not found["trials"]:
        raise ValueError("no trials")
    return [
        {**keys, "trial": one["trial"], "value": one["value"], "chosen": one["trial"] == found["trial"]}
        | dict(one["values"])
        for one in found["trials"]
    ]


def _score(folder: Path, metric: str) -> float:
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if run["stopped"] == "diverged":
        return math.nan
    if metric == "loss":
        return float(run["best_val_loss"])
    rows = read_table(folder / "metrics/validation.csv")
    return float(rows[(rows["label"] == "mean") & (rows["metric"] == metric)]["value"].iloc[0])
