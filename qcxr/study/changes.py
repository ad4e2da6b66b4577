"""What changed between two of a job's parameters: settings key by key, the code, page templates. Pure, and in words."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from qcxr.study.outline import said

Reason = dict[str, Any]  # as JSON: its `kind`, and what that kind has to tell

# slices name some keys after what they are to their rule; a person knows them by the configuration's names
IMAGE = dict.fromkeys(("resize", "crop", "fit", "resample", "levels"), "image.")
NAMES = {
    "*": {"head_options.": "head.", "config.": "", "options.": "analysis.", "outline.heads": "heads"},
    "benchmark": {"steps": "timed_steps"},
    "bootstrap": {"against": "analysis.", "replicates": "analysis.bootstrap", "seed": "analysis.bootstrap_seed"},
    "cache": {**IMAGE, "images": "data.sources.{dataset}."},
    "choose": {"metric": "search.choose.", "seed": "search.run_seed", "trials.": "search.trials."},
    "compare": {"inference.": "analysis.", "against": "analysis.", "own": "analysis.metrics"},
    "manifest": {"source.": "data.sources.{dataset}."},
    "pack": IMAGE,
    "patients": dict.fromkeys(("against", "head_over", "quantiles", "tail_under"), "analysis."),
    "attributes": {"kind": "data.sources.{dataset}.", "entries": "data.sources.{dataset}."}
    | dict.fromkeys(("metadata", "patients", "age", "sex", "view"), "data.sources.{dataset}."),
    "subgroups": dict.fromkeys(("adjust", "against", "age_borders", "inference"), "analysis.")
    | dict.fromkeys(("small_group", "subgroups"), "analysis."),
    "tables": {"inference.": "analysis.", "sd": "analysis."},
    "questions": dict.fromkeys(("adjust", "against"), "analysis."),
    "score": dict.fromkeys(("head_over", "tail_under", "quantiles"), "analysis.")
    | {"own": "analysis.metrics", "own.": "analysis.metrics."},
}
SHOWN = 40  # characters of a value
HEADS = 4  # named one by one
ENTRIES = ("heads", "tasks", "label_sets")  # sections whose keys are names


def reasons(rule: str, wildcards: Mapping[str, str], *, before: Iterable[str], now: Iterable[str]) -> list[Reason]:
    """Why a job with other parameters than before runs again, from the texts of those on either side only."""
    sides = [[_value(text) for text in sorted(texts)] for texts in (before, now)]
    found: list[Reason] = []
    slices = [next((v for v in reversed(values) if isinstance(v, Mapping)), None) for values in sides]
    if slices != [None, None]:
        found.append({"kind": "settings", "changes": settings(rule, wildcards, *(part or {} for part in slices))})
    rest = [[value for value in values if not isinstance(value, Mapping)] for values in sides]
    if any(_is_hash(value) for value in rest[1]):
        found.append({"kind": "code"})
    if any(isinstance(value, list) and value and all(map(_is_hash, value)) for value in rest[1]):
        found.append({"kind": "templates"})
    if not found:
        found.append({"kind": "parameters", "before": [*map(str, rest[0])], "now": [*map(str, rest[1])]})
    return found


def settings(
    rule: str, wildcards: Mapping[str, str], before: Mapping[str, Any], now: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The keys that differ, by their dotted names, each with its value on the sides that have it.

    >>> settings("train", {}, {"train": {"epochs": 1, "loss": "bce"}}, {"train": {"epochs": 2, "loss": "bce"}})
    [{'key': 'train.epochs', 'before': 1, 'now': 2}]
    """
    return [{**change, "key": named(rule, wildcards, change["key"])} for change in _differing("", before, now)]


def _differing(under: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Down to where both sides no longer have keys; a section that one side lacks is one change."""
    for key in dict.fromkeys([*before, *now]):
        sides = {side: values[key] for side, values in (("before", before), ("now", now)) if key in values}
        if len(sides) == 2 and all(isinstance(value, Mapping) for value in sides.values()):
            yield from _differing(f"{under}{key}.", sides["before"], sides["now"])
        elif len(sides) < 2 or sides["before"] != sides["now"]:
            yield {"key": f"{under}{key}", **sides}


def named(rule: str, wildcards: Mapping[str, str], key: str) -> str:
    """A slice's key as the configuration names it.

    >>> named("train", {}, "head_options.layers"), named("manifest", {"dataset": "nih"}, "source.labels")
    ('head.layers', 'data.sources.nih.labels')
    >>> named("parameters", {}, "heads.dqc.head_options.layers"), named("compare", {}, "inference.alpha")
    ('heads.dqc.head.layers', 'analysis.alpha')
    """
    for start, name in {**NAMES["*"], **NAMES.get(rule, {})}.items():
        whole = not start.endswith(".")
        if key == start if whole else key.startswith(start):
            name = name.format_map(wildcards)
            if whole:
                return name + key if name.endswith(".") else name
            key = name + key.removeprefix(start)
    return key.replace(".head_options.", ".head.")


def in_words(changes: Collection[Mapping[str, Any]]) -> list[str]:
    """Changed keys as one says them, one that many heads share once.

    >>> in_words([{"key": "seeds", "before": [0, 1], "now": [0, 1, 2]}, {"key": "heads.cdl.train.epochs", "now": 2}])
    ['seeds + 2', 'train.epochs (unset) -> 2 (cdl)']
    """
    heads: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        first, *rest = change["key"].split(".", 2)
        if first in ENTRIES and len(rest) == 1 and not {"before", "now"} <= change.keys():
            words, head = (first, f"{'+' if 'now' in change else '-'} {rest[0]}"), ""
        elif first == "heads" and len(rest) == 2:
            words, head = (rest[1], _moved(change)), rest[0]
        else:
            words, head = (change["key"], _moved(change)), ""
        heads.setdefault(words, []).append(head)
    told = []
    for (key, moved), names in heads.items():
        who = f" ({len(names)} heads)" if len(names) > HEADS else f" ({', '.join(names)})" if any(names) else ""
        told.append(f"{key} {moved}{who}")
    return told


def _moved(change: Mapping[str, Any]) -> str:
    sides = [change[side] for side in ("before", "now") if side in change]
    if len(sides) == 2 and all(isinstance(side, list) for side in sides):
        before, now = sides
        moved = [("+", [v for v in now if v not in before]), ("-", [v for v in before if v not in now])]
        if any(values for _, values in moved):
            return " ".join(f"{sign} {_short(said([*map(_name, values)]))}" for sign, values in moved if values)
    # of a head's options a slice has those that are not the default
    unset = "(default)" if "head." in change["key"] else "(unset)"
    words = [_short(said(change[side])) if side in change else unset for side in ("before", "now")]
    return f"{words[0]} -> {words[1]}"


def _name(value: Any) -> Any:
    """A named head by its name: in the configuration it is a mapping, in an outline it stands before what differs."""
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value):
        return value[0]
    return next(iter(value)) if isinstance(value, Mapping) and len(value) == 1 else value


def _short(text: str) -> str:
    return (text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…") or '""'


def _value(text: str) -> Any:
    """A parameter from the text that Snakemake stores of it; a slice as what it says."""
    try:
        value = ast.literal_eval(text)
        return json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except (ValueError, SyntaxError):
        return text


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{16,64}", value) is not None


def settled(changes: Collection[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The changes without those that others imply: `outline.arms` is the heads crossed with the variants."""
    own = [change for change in changes if change["key"] != "outline.arms"]
    return own or list(changes)
