"""One run of a study: which it is, how it is made, and where its files lie."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from qcxr.errors import InputError
from qcxr.study import processor, slices
from qcxr.study.arms import TRIAL, Arm
from qcxr.study.config import Config
from qcxr.study.labels import ordered
from qcxr.study.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """One task, head, variant and seed: it travels from the workflow's script down to the training step.

    `config` (the canonical text of the configuration slice) and `code` (the hash of the code) decide its weights
    together with its films. Finished files go to `out`, resumable state to `work`, events to `progress`. `searched`: a
    search chose its settings, or tries them.
    """

    task: str
    head: str
    seed: int
    labels: tuple[str, ...]
    recipe: Recipe
    config: str
    code: str
    out: Path
    work: Path
    progress: Path | None = None
    variant: str = ""
    searched: bool = False

    def __str__(self) -> str:
        return f"{self.task}/{Arm(self.head, self.variant, {}).path}/seed{self.seed}"

    @property
    def keys(self) -> dict[str, Any]:
        """What tells this run from the study's others, and the kind of its head."""
        variant = {"variant": self.variant} if self.variant else {}
        return {"task": self.task, "head": self.head, "kind": self.recipe.kind, **variant, "seed": self.seed}

    @property
    def lock(self) -> Path:
        """The file whose lock the run's one trainer holds; it outlives the work folder."""
        return (self.progress or self.work).with_suffix(".lock")


def features(cfg: Config) -> dict[str, Recipe]:
    """The frozen backbones' features that the study needs, by their folder below `results/features` ("": itself).

    Those of the study's own backbone lie in the folder itself, those of heads or variants with another one below it.
    """
    found: dict[str, Recipe] = {}
    for recipe in (_own(cfg), *cfg.arms.values(), *cfg.trials.values()):
        if recipe.backbone.kept_views:
            found.setdefault(_folder(cfg, recipe), recipe)
    return found


def films(cfg: Config, recipe: Recipe) -> Path:
    """The folder of what runs with this recipe read: packed films, or a frozen backbone's features."""
    if recipe.backbone.kept_views is None:
        return Path(cfg.results, "packed")
    return Path(cfg.results, "features", _folder(cfg, recipe))


def _folder(cfg: Config, recipe: Recipe) -> str:
    name = slices.features_name(recipe)
    return "" if name == slices.features_name(_own(cfg)) else name


def _own(cfg: Config) -> Recipe:
    """What the study's own sections make, for whichever head."""
    return Recipe("", {}, cfg.backbone, processor.resolved(cfg.prepared, cfg.backbone), cfg.augment, cfg.train)


def arm(cfg: Config, head: str, variant: str = "") -> tuple[Arm, Recipe]:
    """The study's arm, or its trial, of that head and name. Raises `InputError` if there is none."""
    wanted = Arm(head, variant, {})
    for arms in (cfg.arms, cfg.trials):
        if wanted in arms:
            return next((found, recipe) for found, recipe in arms.items() if found == wanted)
    known = ", ".join(found.variant or "(none)" for found in cfg.arms if found.head == head)
    raise InputError(f"variant of {head} must be one of {known}, got {variant or '(none)'}; correct it")


def run(
    cfg: Config, task: str, head: str, seed: int, *, variant: str = "", chosen: Mapping[str, Any] | None = None
) -> Run:
    """The study's run of that task, head, variant and seed, with its files where the workflow's rules put them.

    `chosen` are the values that a search chose for the task and head. Raises `InputError` for a variant that the study
    does not have.
    """
    found, recipe = arm(cfg, head, variant)
    if chosen:
        recipe = cfg.recipe(head, {**chosen, **found.at})
    labels = ordered(cfg.labels(task), recipe.data.label_order)
    name = f"{task}/{found.path}/seed{seed}"
    return Run(
        task=task,
        head=head,
        seed=seed,
        labels=labels,
        recipe=recipe,
        config=slices.training(recipe, labels),
        code=slices.training_code(recipe),
        out=Path(cfg.results, "runs", name),
        work=Path(cfg.results, "work", name),
        progress=Path(cfg.results, "progress", f"{name}.jsonl"),
        variant=variant,
        searched=bool(chosen) or variant.startswith(TRIAL),
    )


class Planned(NamedTuple):
    """A run by what tells it from the others."""

    task: str
    arm: Arm
    seed: int

    @property
    def name(self) -> str:
        """Its folder below `runs`, `work` and `progress`."""
        return f"{self.task}/{self.arm.path}/seed{self.seed}"


def every(cfg: Config) -> list[Planned]:
    """All runs of the study: the trials of its search, if it has one, and the seeds of every arm."""
    trials = [Planned(task, arm, cfg.search.run_seed) for task in cfg.tasks for arm in cfg.trials if cfg.search]
    return trials + [Planned(task, arm, seed) for task in cfg.tasks for arm in cfg.arms for seed in cfg.seeds]


def choice_file(cfg: Config, task: str, head: str) -> Path | None:
    """Where the workflow writes what the search chose for a task and head; None for a head without trials."""
    searched = any(arm.head == head for arm in cfg.trials)
    return Path(cfg.results, "search", task, f"{head}.json") if searched else None


def chosen(file: Path | str) -> dict[str, Any]:
    """The values that a search chose, of its file. Raises `InputError` if it is not there or not whole."""
    try:
        return dict(json.loads(Path(file).read_text(encoding="utf-8"))["values"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{file} is not the choice of a search; make it first: snakemake {file}") from None


def named(cfg: Config, task: str, head: str, seed: int, *, variant: str = "") -> Run:
    """The run that a person names, with what the search chose for it. Raises `InputError` if there is no such run."""
    of_trial = cfg.search is not None and variant.startswith(TRIAL)
    seeds = [cfg.search.run_seed] if cfg.search is not None and of_trial else cfg.seeds
    for name, value, allowed in (("task", task, cfg.tasks), ("head", head, cfg.names), ("seed", seed, seeds)):
        if value not in allowed:
            raise InputError(f"{name} must be one of {', '.join(map(str, allowed))} (the study's), got {value}")
    file = None if of_trial else choice_file(cfg, task, head)
    return run(cfg, task, head, seed, variant=variant, chosen=chosen(file) if file else None)
