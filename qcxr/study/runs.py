"""One run of a study: which it is, how it is made, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcxr.study import slices
from qcxr.study.config import Config
from qcxr.study.sections import Augment, Backbone, Image, Train


@dataclass(frozen=True)
class Recipe:
    """What makes a classifier and trains it: the sections of the configuration that decide a run's weights."""

    backbone: Backbone
    head_options: dict[str, Any]
    image: Image
    augment: Augment
    train: Train


@dataclass(frozen=True)
class Run:
    """One (task, head, seed): it travels from the workflow's script down to the training step.

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

    def __str__(self) -> str:
        return f"{self.task}/{self.head}/seed{self.seed}"

    @property
    def keys(self) -> dict[str, Any]:
        """What tells this run from the study's others."""
        return {"task": self.task, "head": self.head, "seed": self.seed}

    @property
    def lock(self) -> Path:
        """The file whose lock the run's one trainer holds; it outlives the work folder."""
        return (self.progress or self.work).with_suffix(".lock")


def recipe(cfg: Config, head: str) -> Recipe:
    """How the study makes and trains a classifier with this head."""
    return Recipe(cfg.backbone, cfg.head.get(head, {}), cfg.image, cfg.augment, cfg.train)


def run(cfg: Config, task: str, head: str, seed: int) -> Run:
    """The study's run of that task, head and seed, with its files where the workflow's rules put them."""
    name = f"{task}/{head}/seed{seed}"
    return Run(
        task=task,
        head=head,
        seed=seed,
        labels=cfg.labels(task),
        recipe=recipe(cfg, head),
        config=slices.training(cfg, task, head),
        code=slices.training_code(head),
        out=Path(cfg.results, "runs", name),
        work=Path(cfg.results, "work", name),
        progress=Path(cfg.results, "progress", f"{name}.jsonl"),
    )
