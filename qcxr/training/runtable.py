"""`qcxr runs`: every run of a study as one tidy table: which it is, its state, in what it differs, how it ended.

A finished run's settings are those of its own record, so that a row is true when the configuration has changed since:
its state is then `outdated`. Must not import JAX.
"""

from __future__ import annotations

import csv
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study import recipe as recipes
from qcxr.study import runs, spent
from qcxr.study.arms import TRIAL
from qcxr.study.config import Config
from qcxr.study.heads import options_of
from qcxr.study.outline import flat
from qcxr.study.runs import Planned, Run
from qcxr.training.status import run_row

Row = dict[str, Any]
Maker = Callable[[str, str, str, bool], tuple[Run, list[str]]]
KEYS = ("task", "head", "kind", "variant", "seed", "state")
FACTS = ("best_epoch", "best_val_loss", "epochs", "wall_seconds", "parameters", "device")
KWH = "kwh"  # a column where some run's energy was measured
SCORES = ("auroc", "average_precision")  # means over labels


def rows(cfg: Config) -> list[Row]:
    """One row for each run: KEYS (and `trial`, where there is a search), settings, FACTS, KWH, and scores.

    A setting is a column if runs that have it differ in it. None: there is no value (yet).
    """
    made: Maker = functools.cache(functools.partial(_run, cfg))
    found = [_parts(cfg, planned, made) for planned in runs.every(cfg)]
    values: dict[str, set[str]] = {}
    for _, settings, _ in found:
        for key, value in settings.items():
            if value is not None:
                values.setdefault(key, set()).add(json.dumps(value, sort_keys=True))
    varied = [key for key, each in values.items() if len(each) > 1]
    scores = [f"{name}.{metric}" for name in cfg.evaluations() for metric in SCORES]
    ends_with = [column for column in (*FACTS, KWH, *scores) if any(column in ends for _, _, ends in found)]
    return [
        keys | {key: settings.get(key) for key in varied} | {column: ends.get(column) for column in ends_with}
        for keys, settings, ends in found
    ]


def _parts(cfg: Config, planned: Planned, made: Maker) -> tuple[Row, Row, Row]:
    """What a run is, its settings, and how it ended."""
    of_trial = planned.arm.variant.startswith(TRIAL)
    run, unknown = made(planned.task, planned.arm.head, planned.arm.variant, of_trial)
    folder = Path(cfg.results, "runs", planned.name)
    record = _record(folder / "run.json")
    state = run_row(Path(cfg.results, "progress", f"{planned.name}.jsonl"), finished=bool(record))["state"]
    if record and state in ("done", "waiting") and not unknown and record.get("config") != run.config:
        state = "outdated"
    keys: Row = {"task": planned.task, "head": planned.arm.head, "kind": run.recipe.kind}
    keys |= {"variant": "" if of_trial else planned.arm.variant, "seed": planned.seed}
    if cfg.search is not None:
        keys["trial"] = int(planned.arm.variant.removeprefix(TRIAL)) if of_trial else None
    settings = _settings(record) or {**flat(_resolved(run)), **dict.fromkeys(unknown)}
    ends: Row = {fact: record.get(fact) for fact in FACTS}
    if isinstance(ends["parameters"], Mapping):
        parts = ends["parameters"]
        ends["parameters"] = sum(parts.values()) - parts.get("fixed", 0)  # numbers that never train are no parameters
    if taken := spent.of(folder):
        ends[KWH] = taken["kwh"]
    return keys | {"state": state}, settings, ends | _scores(cfg, folder)


def _run(cfg: Config, task: str, head: str, variant: str, of_trial: bool) -> tuple[Run, list[str]]:
    """A run of any seed, and the keys that a search has yet to choose for it."""
    file = None if of_trial else runs.choice_file(cfg, task, head)
    try:
        chosen, unknown = runs.chosen(file) if file else {}, []
    except InputError:
        assert cfg.search is not None  # said to mypy: without one there is no such file
        kind = cfg.recipe(head).kind
        chosen, unknown = {}, [key for key in cfg.search.space if recipes.has(kind, key)]
    return runs.run(cfg, task, head, 0, variant=variant, chosen=chosen), unknown


def _resolved(run: Run) -> dict[str, Any]:
    decides = run.recipe.decides()
    return {key: decides[key] for key in decides if key not in ("kind", "head_options", "plugins")} | {
        "head": run.recipe.options()
    }


def _settings(record: Mapping[str, Any]) -> Row:
    """The settings that a finished run was made with, as its record has them; empty without one."""
    try:
        decides = json.loads(record["config"])
        section = options_of(decides["kind"])
        options = section.model_validate(decides.pop("head_options")).model_dump(mode="json")
    except (KeyError, TypeError, ValueError):  # no record, or one of a key that is no more
        return {}
    return flat(
        {key: decides[key] for key in decides if key not in ("kind", "labels", "checkpoint", "plugins")}
        | {"head": options}
    )


def _record(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # not there, or damaged: not finished
        return {}


def _scores(cfg: Config, folder: Path) -> Row:
    """The means of a run's metrics; those that are older than the run's own record are of weights that are no more."""
    found: Row = {}
    for dataset in cfg.evaluations():
        table, record = folder / f"metrics/{dataset}.csv", folder / "run.json"
        if not table.is_file() or (record.is_file() and table.stat().st_mtime_ns < record.stat().st_mtime_ns):
            continue
        for metric, value in _means(table):
            found[f"{dataset}.{metric}"] = value
    return found


def _means(path: Path) -> Iterator[tuple[str, float]]:
    """The means over labels in a run's table of metrics; an undefined one is empty there and left out here."""
    with open(path, encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if row.get("label") == "mean" and row.get("metric") in SCORES and row.get("value"):
                yield row["metric"], float(row["value"])
