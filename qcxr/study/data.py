"""`data:` and `generate:` in the configuration: which films, and where they are."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from qcxr.study.fields import AsNumber, Fraction, Name, Path, Section

KIND_FILES = {
    "nih": ("miccai2023_nih-cxr-lt_labels", ("train", "val", "test")),
    "mimic": ("miccai2023_mimic-cxr-lt_labels", ("test",)),
}
# The module of each layout, whose `read(images=, labels=, ...)` gives the manifest's frame.
SOURCES = {"nih": "qcxr.data.nih", "mimic": "qcxr.data.mimic"}
LABEL_SUFFIXES = (".csv", ".csv.gz")
# The words of a label file's name that tell its split, as `qcxr.data.csvfile` reads them.
SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "development"), "val"),
    "test": "test",
}


class Source(Section):
    """One data set as it was downloaded. Paths are relative to the folder in which the study runs."""

    kind: Literal["nih", "mimic"] = Field(
        description="Whose folder layout and label format the data set has: NIH ChestX-ray14's or MIMIC-CXR-JPG's.",
        examples=["nih"],
    )
    images: Path = Field(
        description="Folder of the films: for nih the one with images/ or images_001/images/ ... in it, for mimic "
        "MIMIC-CXR-JPG's root with files/ in it.",
        examples=["data/nih"],
    )
    labels: Path | Annotated[list[Path], Field(min_length=1)] = Field(
        description="Label files: a folder that holds PruneCXR's files under their official names, one CSV, or a list "
        "of CSVs; a file's name tells its split (train, val or test).",
        examples=["data/nih/labels", ["labels/a_train.csv", "labels/a_val.csv", "labels/a_test.csv"]],
    )
    metadata: Path | None = Field(
        None,
        description="Of a mimic source only: MIMIC-CXR-JPG's metadata table, for ViewPosition (AP and PA are kept); "
        "null where the label files have that column.",
        examples=["data/mimic/mimic-cxr-2.0.0-metadata.csv.gz"],
    )
    entries: Path | None = Field(
        None,
        description="Of a nih source only: NIH's Data_Entry_2017*.csv, for age, sex and view; null does without them.",
        examples=["data/nih/Data_Entry_2017_v2020.csv"],
    )
    patients: Path | None = Field(
        None,
        description="Of a mimic source only: MIMIC-IV's patients table, for age and sex; null does without them.",
        examples=["data/mimic/patients.csv.gz"],
    )
    max_missing: Fraction = Field(
        0.0,
        description="Fraction of the listed films that may be missing or unreadable; with more of them the study "
        "stops.",
        examples=[0.01],
    )

    def label_files(self) -> list[str]:
        """The label files: those listed, or a folder's three files under their official PruneCXR names."""
        if isinstance(self.labels, list):
            return list(self.labels)
        if self.labels.endswith(LABEL_SUFFIXES):
            return [self.labels]
        stem, splits = KIND_FILES[self.kind]
        return [f"{self.labels}/{stem}_{split}.csv" for split in splits]

    def splits(self) -> set[str] | None:
        """The splits that the label files' names tell, or None where that cannot be known (a folder in a list)."""
        files = self.label_files()
        if not all(file.endswith(LABEL_SUFFIXES) for file in files):
            return None
        return {split for file in files for split in splits_named(file)}

    def reader_options(self) -> dict[str, Any]:
        """Keywords for `qcxr.data.sources.read`, without tables that say nothing of which films there are."""
        extra = {"metadata": self.metadata} if self.kind == "mimic" else {}
        return {"images": self.images, "labels": self.label_files(), **extra}

    def input_files(self) -> list[str]:
        """Every table the manifest is made from."""
        return self.label_files() + ([self.metadata] if self.metadata else [])

    def attribute_files(self) -> dict[str, str]:
        """The tables of age, sex and view by key, of those that this kind of source has."""
        keys = ("metadata", "patients") if self.kind == "mimic" else ("entries",)
        return {key: file for key in keys if (file := getattr(self, key))}

    def paths(self) -> dict[str, list[str]]:
        """All paths by key."""
        given = {"metadata": self.metadata, "entries": self.entries, "patients": self.patients}
        return {
            "images": [self.images],
            "labels": self.label_files(),
            **{key: [value] for key, value in given.items() if value is not None},
        }


def splits_named(file: str) -> set[str]:
    """The splits that a label file's name tells.

    >>> splits_named("labels/miccai2023_nih-cxr-lt_labels_val.csv")
    {'val'}
    """
    name = file.rpartition("/")[2].lower()
    words = "".join(c if c.isalnum() else " " for c in name).split()
    return {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}


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
    sources: dict[Name, Source] = Field(
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
