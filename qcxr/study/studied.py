"""What of a study its analysis must know, apart from its configuration: an archive carries it as JSON.

A configuration can be read only where its checkpoints and plug-ins lie, and by the version whose keys it has; this can
be read anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from qcxr.errors import InputError
from qcxr.study import plugged, refusals
from qcxr.study.arms import Arm
from qcxr.study.config import Config
from qcxr.study.fields import Name, Section
from qcxr.study.outline import outline
from qcxr.study.protocol import is_papers
from qcxr.study.runs import Planned
from qcxr.study.sections import Analysis

Variant = Annotated[str, Field(pattern=r"^([A-Za-z0-9][^/\\]*~[^/\\]+)?$")]  # a part of a path, and no way up


class Standing(Section):
    """The runs of one head at one point of what is varied, or one trial of its search."""

    head: Name
    variant: Variant
    at: dict[str, Any]


class Outlined(Section):
    """`qcxr.study.outline.outline`, checked: its names become names of files."""

    heads: list[list[str]]
    axes: dict[str, list[Any]]
    variants: list[list[Any]]
    arms: list[Standing]
    base: Variant

    @field_validator("variants")
    @classmethod
    def _are_named(cls, given: list[list[Any]]) -> list[list[Any]]:
        for name, point in given:
            Standing(head="any", variant=name, at=point)
        return given


class Studied(Section):
    """results: the folder's name, as the study's report has it. tasks, seeds, outline: what is compared.

    trials, trial_seed: the runs of its search. training, test_on, datasets: by their names; datasets are all that films
    come from. grouped: something is known of films by which results are broken down. timed: steps were timed. circuit:
    one is drawn. papers: it is the paper's. demo: films were drawn. patientless: as of `Config`. plugins: as listed.
    """

    results: str
    tasks: list[Name]
    seeds: list[int]
    outline: Outlined
    trials: list[Standing]
    trial_seed: int
    training: list[Name]
    test_on: list[Name]
    datasets: list[Name]
    grouped: bool
    timed: bool
    circuit: bool
    papers: bool
    demo: bool
    patientless: list[Name]
    plugins: list[str]
    analysis: Analysis

    @property
    def heads(self) -> list[str]:
        """The heads by name, in their order."""
        return [name for name, _ in self.outline.heads]

    @property
    def trained_on(self) -> str:
        """The name of what is trained on in files and tables."""
        return "+".join(self.training)

    @property
    def own(self) -> list[str]:
        """The metrics and figures of plug-ins: to do the analysis again runs their code."""
        return [*self.analysis.metrics, *self.analysis.figures]

    @cached_property
    def runs(self) -> list[Planned]:
        """The runs that are compared, without the trials of a search, in the order of `metrics.csv`."""
        arms = [Arm(arm.head, arm.variant, arm.at) for arm in self.outline.arms]
        return [Planned(task, arm, seed) for task in self.tasks for arm in arms for seed in self.seeds]

    @cached_property
    def searching(self) -> list[Planned]:
        """The runs of the search."""
        arms = [Arm(arm.head, arm.variant, arm.at) for arm in self.trials]
        return [Planned(task, arm, self.trial_seed) for task in self.tasks for arm in arms]


def studied(cfg: Config) -> Studied:
    """What of a study its analysis must know."""
    known = [cfg.data.sources[name].attributed() for name in cfg.data.test_on]
    return Studied(
        results=cfg.results,
        tasks=cfg.tasks,
        seeds=cfg.seeds,
        outline=Outlined.model_validate(outline(cfg)),
        trials=[Standing(head=arm.head, variant=arm.variant, at=dict(arm.at)) for arm in cfg.trials],
        trial_seed=cfg.search.run_seed if cfg.search else 0,
        training=cfg.data.training,
        test_on=cfg.data.test_on,
        datasets=list(cfg.splits()),
        grouped=bool(cfg.analysis.subgroups) and any(known),
        timed=bool(cfg.timed_steps),
        circuit=any(entry.kind in ("dqc", "circuit") for entry in cfg.heads),
        papers=is_papers(cfg),
        demo=cfg.generate is not None,
        patientless=cfg.patientless(),
        plugins=cfg.plugins,
        analysis=cfg.analysis,
    )


def read(raw: Mapping[str, Any], *, source: str) -> Studied:
    """It again from JSON. Its plug-ins are put in force and not run. Raises `InputError`, which names `source`."""
    listed = raw.get("plugins")
    sound = isinstance(listed, list) and all(isinstance(entry, str) for entry in listed)
    plugged.use(listed if sound and listed else [])
    try:
        return Studied.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{source} is none of this version's: {refusals.line(error, raw)}") from None
