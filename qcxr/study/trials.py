"""The trials of a search among a study's heads: which there are, and whether the search fits the study."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from qcxr.study.arms import TRIAL, Arm
from qcxr.study.entry import Entry
from qcxr.study.recipe import Recipe, Values, has
from qcxr.study.search import Search


def trials(search: Search, entries: Sequence[Entry], recipe: Callable[[Entry, Values], Recipe]) -> dict[Arm, Recipe]:
    """Every head's trials by number (`trial~7`), each with what its run is made with.

    `recipe(entry, values)` resolves values. A head that has none of the space's keys has no trials.
    """
    found = {}
    points = search.points()
    for entry in entries:
        own = [key for key in points[0] if has(entry.kind, key)]
        for number, point in enumerate(points if own else ()):
            values = {key: point[key] for key in own}
            found[Arm(entry.name, f"{TRIAL}{number}", values)] = recipe(entry, values)
    return found


def check(
    search: Search, entries: Sequence[Entry], *, varied: Collection[str], on_features: bool, seeds: Collection[int]
) -> None:
    """Raise ValueError with one line if the search does not fit: its keys, those that are varied, its runs' seed.

    `on_features`: some runs read features, in which the training films' augmentation is fixed.
    """
    for key in search.space:
        if not any(has(entry.kind, key) for entry in entries):
            raise ValueError(f"search.space.{key}: none of the heads compared here has it; correct it, or take it out")
        if key in varied:
            raise ValueError(f"{key} must be in one of search.space and vary, got it in both; take it out of one")
        if key.startswith("augment.") and on_features:
            raise ValueError(
                "search.space must leave the augmentation alone with backbone.views (features are computed once), got "
                f"{key}; take it out"
            )
    if search.run_seed in seeds:
        raise ValueError(
            f"search.run_seed must be none of seeds, got {search.run_seed}; set search.run_seed in the config"
        )
