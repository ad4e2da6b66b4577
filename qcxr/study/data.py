"""`data:` and `generate:` in the configuration: which films, and where they are."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from qcxr.study.fields import AsNumber, Name, Path, Section
from qcxr.study.kinds import OfItsKind
from qcxr.study.source import Source

ORDER = r"given|reversed|shuffled:[0-9]+"


def _order(value: str) -> str:
    if not re.fullmatch(ORDER, value):
        raise PydanticCustomError("must", "must be given, reversed or shuffled:K with a whole number K")
    return value


PartOfPatients = Annotated[
    float,
    Field(
        gt=0,
        le=1,
        description="Part of the training patients that a run trains on, with all their films: drawn by the run's "
        "seed, equal for all heads, a smaller part inside a larger one. Validation and tests are whole.",
        examples=[0.1],
    ),
    AsNumber,
]
LabelOrder = Annotated[
    str,
    AfterValidator(_order),
    Field(
        json_schema_extra={"pattern": f"^({ORDER})$"},
        description="Order of a task's labels, which says which qubit is whose: given, reversed, or shuffled:K, drawn "
        "by K.",
        examples=["reversed", "shuffled:1"],
    ),
]


class Sampling(Section):
    """What of the training films a run sees, and in which order its labels stand."""

    fraction: PartOfPatients = 1.0
    label_order: LabelOrder = "given"


def _several(value: str | list[str]) -> str | list[str]:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


TrainOn = Annotated[Name | Annotated[list[Name], Field(min_length=1)], AfterValidator(_several)]


class Data(Section):
    """Which data sets are trained on, which are tested on, and where they are."""

    train_on: TrainOn = Field(
        "nih",
        description="The source whose train split trains and whose val split stops early and chooses thresholds, or a "
        "list of several: their films are trained on together, and a label that a film's source does not cover is "
        "left out of the loss, the class weights and the thresholds.",
        examples=["nih", ["nih", "ours"]],
    )
    test_on: list[Name] = Field(
        default=["nih", "mimic"],
        min_length=1,
        description="The sources whose test splits are predicted and scored; a label that a source does not cover is "
        "left out there.",
        examples=[["nih"]],
    )
    sources: dict[Name, Annotated[Source, OfItsKind()]] = Field(
        description="The data sets by a name of your choice; those that neither train_on nor test_on names are not "
        "read.",
        examples=[{"nih": {"kind": "nih", "images": "data/nih", "labels": "data/nih/labels"}}],
    )
    leaks: Literal["refuse", "allow"] = Field(
        "refuse",
        description="What to do where a test film, or its patient, is also among the training and validation films, or "
        "a validation film among the training films: refuse to train, or allow it and say so in the report.",
        examples=["allow"],
    )
    unlearnable: Literal["refuse", "allow"] = Field(
        "refuse",
        description="What to do with a task's label of which no training film is positive, or none negative: refuse to "
        "train, or allow it and say so in the report. Nothing is learned of it.",
        examples=["allow"],
    )
    cache: Path = Field(
        "cache",
        description="Folder of decoded films, features and compiled programs; safe to delete, shared by all studies.",
        examples=["/scratch/cache"],
    )
    fraction: PartOfPatients = 1.0
    label_order: LabelOrder = "given"

    @property
    def training(self) -> list[str]:
        """The sources that are trained on. Their order decides nothing: it is the alphabet's."""
        return [self.train_on] if isinstance(self.train_on, str) else sorted(self.train_on)

    @property
    def trained_on(self) -> str:
        """The name of what is trained on in files and tables: the source's, or those of several, as `nih+ours`."""
        return "+".join(self.training)


# `qcxr.phantom.cohort.LEAST_FILMS`: fewer films would not hold every label.
Films = Annotated[int, Field(ge=20)]


class Generate(Section):
    """Demo films, drawn by `qcxr.phantom.demo` in NIH's and MIMIC's layout before anything else runs."""

    out: Path = Field(
        description="Folder in which the films are drawn, as nih/ and mimic/ below it.", examples=["demo"]
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of all that is drawn at random.", examples=[20])
    size: Annotated[int, Field(ge=64)] = Field(
        256, description="Length of a film's shorter side in pixels.", examples=[128]
    )
    train: Films = Field(
        1000, description="Films of the training split, of patients with several each.", examples=[1200]
    )
    val: Films = Field(200, description="Films of the validation split.", examples=[240])
    test: Films = Field(400, description="Films of NIH's test split.", examples=[480])
    mimic: Films = Field(
        400, description="Frontal films of MIMIC's test split; lateral films come on top.", examples=[480]
    )
