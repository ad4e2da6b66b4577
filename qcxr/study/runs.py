"""One run of a study: which it is, how it is made, and where its files lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study import slices
from qcxr.study.arms import Arm
from qcxr.study.config import Config
from qcxr.study.labels import ordered
from qcxr.study.recipe import Recipe

__all__ = ["Recipe", "Run", "run"]


@dataclass(frozen=True)
class Run:
    """One task, head, variant and seed: it travels from the workflow's script down to the training step.

    `config` (the canonical text of the configuration slice) and `code` (the hash of the code) decide its weights
    together with its films. Finished files go to `out`, resumable state to `work`, events to `progress`.
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


def run(
    cfg: Config, task: str, head: str, seed: int, *, variant: str = "", chosen: Mapping[str, Any] | None = None
) -> Run:
    """The study's run of that task, head, variant and seed, with its files where the workflow's rules put them.

    `chosen` are the values that a search chose for the task and head. Raises `InputError` for a variant that the study
    does not have.
    """
    arm = next((known for known in (*cfg.arms, *cfg.trials) if (known.head, known.variant) == (head, variant)), None)
    if arm is None:
        known = ", ".join(arm.variant or "(none)" for arm in cfg.arms if arm.head == head)
        raise InputError(f"variant of {head} must be one of {known}, got {variant}; correct it")
    recipe = cfg.trials[arm] if arm in cfg.trials else cfg.arms[arm]
    if chosen:
        recipe = cfg.recipe(head, {**chosen, **arm.at})
    labels = ordered(cfg.labels(task), recipe.data.label_order)
    name = f"{task}/{arm.path}/seed{seed}"
    return Run(
        task=task,
        head=head,
        seed=seed,
        labels=labels,
        recipe=recipe,
        config=slices.training(recipe, labels),
        code=slices.training_code(recipe.kind),
        out=Path(cfg.results, "runs", name),
        work=Path(cfg.results, "work", name),
        progress=Path(cfg.results, "progress", f"{name}.jsonl"),
        variant=variant,
    )
