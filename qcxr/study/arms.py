"""The arms of a study: a head under a variant (`vary:`), or one trial of a head's search (`search:`).

A variant's folder is named by the keys in which it differs from the configuration, as Snakemake's `Paramspace` writes
them (`data.fraction~0.1`): the point at which nothing differs has no folder, and so a finished study that begins to
vary something, or adds a value or a key, keeps all that it has.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcxr.study.entry import Entry
from qcxr.study.recipe import SECTIONS, Recipe, Values, has

TRIAL = "trial~"  # before a trial's number, where a variant's name stands


@dataclass(frozen=True, eq=False)
class Arm:
    """What a run is but its task and its seed: a head, and the values of what is varied.

    `at` has a value for each varied key that the head has; `variant` is "" where all of them are the configuration's.
    """

    head: str
    variant: str
    at: Mapping[str, Any]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arm) and (self.head, self.variant) == (other.head, other.variant)

    def __hash__(self) -> int:
        return hash((self.head, self.variant))

    @property
    def path(self) -> str:
        """Its folder below the task's."""
        return self.head + below(self.variant)


def named(at: Values, base: Values) -> str:
    """The name of the variant with these values: those of the keys that differ from `base`, in the keys' order."""
    return ",".join(f"{key}~{written(value)}" for key, value in at.items() if value != base[key])


def below(name: str) -> str:
    """What stands for a variant in a path of the workflow: nothing, or its folder below the head's.

    >>> below(""), below("data.fraction~0.1")
    ('', '/data.fraction~0.1')
    """
    return f"/{name}" if name else ""


def written(value: Any) -> str:
    """A value as a part of a folder's name: as YAML writes it if that is safe there, else a digest.

    >>> written(0.1), written(None), written("shuffled:1"), written(True)
    ('0.1', 'null', 'shuffled-1', 'true')
    """
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    safe = text.replace(":", "-")
    if re.fullmatch(r"[A-Za-z0-9.+_-]{1,40}", safe):
        return safe
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Crossing:
    """Heads crossed with points: `arms` with what their runs are made with, and `variants`, the points, by name.

    A variant has a value for every varied key; one at which all are the configuration's is "".
    """

    arms: dict[Arm, Recipe]
    variants: dict[str, Values]


def crossed(entries: Sequence[Entry], points: Sequence[Values], recipe: Callable[[Entry, Values], Recipe]) -> Crossing:
    """Every head at every point, a head's points that are the same to it once.

    `recipe(entry, values)` resolves values. Raises ValueError with one line for a key that cannot be varied, and for
    points or heads that are the same.
    """
    keys = sorted({key for point in points for key in point})
    for key in keys:
        _may_vary(key, entries)
    plain = {entry.name: recipe(entry, {}) for entry in entries}
    base = {key: next(plain[e.name].value(key) for e in entries if has(e.kind, key)) for key in keys}
    found: dict[Arm, Recipe] = {}
    variants: dict[str, Values] = {}
    seen: dict[tuple[str, ...], Values] = {}
    for point in points:
        here = {}
        for entry in entries:
            made = recipe(entry, {key: value for key, value in point.items() if has(entry.kind, key)})
            at = {key: made.value(key) for key in keys if has(entry.kind, key)}
            here[Arm(entry.name, named(at, base), at)] = made
        _differ(here)
        if (names := tuple(arm.variant for arm in here)) in seen:
            raise ValueError(f"vary must not name the same runs twice, got {seen[names]} and {point}; take one out")
        seen[names] = point
        whole = {key: next((arm.at[key] for arm in here if key in arm.at), base[key]) for key in keys}
        variants[named(whole, base)] = whole
        found.update({arm: made for arm, made in here.items() if arm not in found})
    if keys and all(not arm.variant for arm in found):
        raise ValueError(f"vary changes nothing: its only point, {points[0]}, is the configuration's; take it out")
    order = {entry.name: i for i, entry in enumerate(entries)}
    return Crossing(dict(sorted(found.items(), key=lambda item: order[item[0].head])), variants if keys else {})


def _may_vary(key: str, entries: Sequence[Entry]) -> None:
    section, _, rest = key.partition(".")
    if section not in ("head", *SECTIONS) or not rest:
        raise ValueError(
            f"vary may hold keys of head, train, augment and backbone, data.fraction and data.label_order, got {key}; "
            "take it out, or make it a study of its own"
        )
    if not any(has(entry.kind, key) for entry in entries):
        who = "none of the heads compared here has it" if section == "head" else f"{section} has no such key to vary"
        raise ValueError(f"vary.{key}: {who}; correct the key, or take it out")
    for entry in entries:
        own = entry.options if section == "head" else getattr(entry, section)
        if rest.split(".")[0] in own:
            raise ValueError(
                f"vary.{key} and heads.{entry.name} both set {rest.split('.')[0]}; take it out of one of them"
            )


def _differ(here: Mapping[Arm, Recipe]) -> None:
    """Refuse two heads whose runs are the same."""
    known: dict[str, str] = {}
    for arm, made in here.items():
        text = json.dumps(made.decides(), sort_keys=True)
        if text in known:
            raise ValueError(
                f"heads {known[text]} and {arm.head} are the same, {made.kind} with equal settings; take one out, or "
                "change it"
            )
        known[text] = arm.head
