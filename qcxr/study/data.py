"""`data:` and `generate:` in the configuration: which films, and where they are."""

from __future__ import annotations

import re
from typing import Annotated

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


class Data(Section):
    """Which data set is trained on, which are tested on, and where they are."""

    train_on: Name = Field(
        "nih",
        description="The source whose train split trains and whose val split stops early and chooses thresholds.",
        examples=["nih"],
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
    cache: Path = Field(
        "cache",
        description="Folder of decoded films, features and compiled programs; safe to delete, shared by all studies.",
        examples=["/scratch/cache"],
    )
    fraction: PartOfPatients = 1.0
    label_order: LabelOrder = "given"


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
