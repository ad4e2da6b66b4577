"""`kind: table`: any data set that a table describes, by the names of its columns; presets are tables too."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qcxr.study.columns import By, Cell, Column, Draw, Findings, Join, Label, Split, Uncertain, Words
from qcxr.study.fields import Path, wrong
from qcxr.study.labels import canonical
from qcxr.study.preset import PRESETS, preset
from qcxr.study.source import Source
from qcxr.study.values import Labels, meanings, spellings, told

KINDS = ("table", *PRESETS)
# of a manifest's columns, those that are not labels
NOT_LABELS = ("image_id", "patient_id", "path", "split", "view", "age", "sex")
Files = Path | Annotated[list[Path], Field(min_length=1)]


def _kind(value: str) -> str:
    if value not in KINDS:
        raise PydanticCustomError("must", "must be one of {kinds}", {"kinds": ", ".join(KINDS)})
    return value


class Table(Source):
    """Films of any origin, described by a table: which column is what. A preset has all keys but images set."""

    kind: Annotated[str, AfterValidator(_kind), Field(json_schema_extra={"enum": list(KINDS)})] = Field(
        description="A table of your own, or a public data set whose keys are a preset: each may be written over.",
        examples=["table", "chexpert"],
    )
    images: Path = Field(description="Folder below which all films lie.", examples=["data/films"])
    files: Files | dict[Split, Files] = Field(
        description="The table: CSV (with commas, semicolons or tabs), TSV or parquet, also .gz; a list of such files, "
        "or files by split.",
        examples=["data/films.csv", {"train": "data/train.tsv", "test": ["data/test1.tsv", "data/test2.tsv"]}],
    )
    path: Cell = Field(
        description="Where a film lies below images: a column, or a text with columns in braces; {split} is the film's "
        "split as told by files or split.",
        examples=["file", "{ward}/{film}.png", {"column": "Path", "pattern": "CheXpert-v1.0[^/]*/(.*)"}],
    )
    folders: list[str] | None = Field(
        None,
        description="Folders below images (patterns like images_*/images) in which a film of path's name is looked up, "
        "where no column tells them; null: path is the whole path.",
        examples=[["images", "images_*/images"]],
    )
    id: Cell | None = Field(
        None,
        description="A name for each film, given once; null is its path without the suffix.",
        examples=["film", "{study}-{view}"],
    )
    patient: Cell | None = Field(
        None,
        description="Whose film it is; null takes each film for a patient of its own, so that two films of one patient "
        "may come into training and test.",
        examples=["patient", {"column": "Path", "pattern": "(patient[0-9]+)"}],
    )
    split: Column | By | None = Field(
        None,
        description="Split of a film: a column that says train, val or test, or how it or lists tell it. Null: as "
        "files say, else all films are training films.",
        examples=["set", {"column": "set", "words": {"train": ["A", "B"], "test": ["C"]}}],
    )
    draw: Draw | None = Field(
        None,
        description="Patients to draw out of the training films for validation or test; null draws none.",
        examples=[{"val": 0.1, "test": 0.2, "seed": 0}],
    )
    labels: Annotated[list[str], Field(min_length=1)] | dict[str, str | list[str] | Label] = Field(
        description="Our labels by name, each with its column, or columns any of which may say it; a list where the "
        "columns are called as the labels are. With findings: its words in place of columns.",
        examples=[{"Effusion": "pleural_fluid", "Fracture": ["rib_fracture", "clavicle_fracture"]}, ["Mass", "Nodule"]],
    )
    findings: Findings | None = Field(
        None,
        description="The one column that lists a film's findings in words; null where each label has a column.",
        examples=[{"column": "Finding Labels", "separator": "|"}],
    )
    positive: Words = Field(
        [1, "true", "yes", "y", "positive", "present"],
        description="Values of a label that mean: it is there. Case does not matter, and 1.0 is 1.",
        examples=[["yes"], [1, 2]],
    )
    negative: Words = Field(
        [0, "false", "no", "n", "negative", "absent"],
        description="Values of a label that mean: it is not there. Any other value is refused.",
        examples=[["no"], [0]],
    )
    uncertain: Literal["zero", "one", "missing"] | Uncertain | None = Field(
        None,
        description="What a label of -1 (CheXpert's uncertain) is taken for, or values of your own; null refuses it.",
        examples=["missing", {"values": ["possible"], "taken_as": "zero"}],
    )
    blank: Literal["refuse", "zero", "missing", "drop"] = Field(
        "refuse",
        description="What an empty cell of a label is: refused, negative, not known (missing), or a film left out.",
        examples=["zero"],
    )
    rows: Literal["refuse", "any", "majority"] = Field(
        "refuse",
        description="What is made of several rows of a film (readers, boxes): refused, a label that any row has, or "
        "one that more than half of the rows have.",
        examples=["majority"],
    )
    keep: dict[str, Words] = Field(
        default={},
        description="Rows to keep: columns with the values that they must have; others are left out and counted.",
        examples=[{"Frontal/Lateral": ["Frontal"]}],
    )
    join: Join | None = Field(
        None,
        description="A second table with further columns of the same films or patients; null has none. A change of it "
        "reads the films again and trains again, also where only age, sex or view are taken from it.",
        examples=[{"file": "data/patients.csv", "by": "patient"}],
    )
    age: Column | None = Field(None, description="Column of the age in years (or 058Y, 013M, 004D).", examples=["Age"])
    sex: Column | None = Field(None, description="Column of the sex.", examples=["Sex"])
    view: Column | None = Field(None, description="Column of the view.", examples=["AP/PA"])

    @model_validator(mode="before")
    @classmethod
    def _laid_over_the_preset(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and given.get("kind") in PRESETS:
            return {**preset(given["kind"], given.get("images")), **given}
        return given

    @model_validator(mode="after")
    def _labels_fit(self) -> Table:
        names = [canonical(name) for name in self.labels]
        if not names:
            raise wrong("labels", "must name a label", {})
        if not_labels := [name for name in names if not name or name in NOT_LABELS]:
            raise wrong("labels", f"must have other names than {', '.join(NOT_LABELS)} and none", not_labels[0])
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise wrong("labels", f"must name {twice[0]} once", list(self.labels))
        for name, label in self.told().items():
            if not label.listed or not all(column.strip() for column in label.listed):
                raise wrong("labels", f"must give {name} a column", label.listed)
        own = [name for name, label in self._by_name().items() if isinstance(label, Label)]
        if self.findings is not None and own:
            must = f"must be null where a label has columns of its own ({own[0]})"
            raise wrong("findings", must, self.findings.column)
        if self.findings is not None and self.uncertain is not None:
            raise wrong("uncertain", "must be null with findings, whose words are there or not", self.uncertain)
        return self

    @model_validator(mode="after")
    def _values_fit(self) -> Table:
        for name, label in self.told().items():
            meant = dict(zip(("positive", "negative", "uncertain"), self.meanings(label), strict=True))
            for other, key in combinations(meant, 2):
                if not (both := sorted(meant[other] & meant[key])):
                    continue
                if label in self._by_name().values():
                    raise wrong("labels", f"must have no value of {name} that is {other} and {key}", both[0])
                key, other = (key, other) if key in self.model_fields_set else (other, key)
                raise wrong(key, f"must have no value of {other}", both[0])
        return self

    @model_validator(mode="after")
    def _splits_fit(self) -> Table:
        if not self.by_split():
            raise wrong("files", "must name a file", self.files)
        if isinstance(self.files, dict) and self.split is not None:
            raise wrong("split", "must be null where files name the splits", self.split)
        for folder in self.folders or ():
            parts = PurePosixPath(folder).parts
            if folder.startswith("/") or ".." in parts or not (parts or folder == "."):
                raise wrong("folders", "must be folders below images", folder)
            if any("**" in part and part != "**" for part in parts):
                raise wrong("folders", "must have ** only between slashes", folder)
        if (by := self.split_by()) and by.words is not None:
            meant: dict[str, str] = {}
            for split, words in by.words.items():
                for word in sorted(spellings(words)):
                    if (other := meant.setdefault(word, split)) != split:
                        raise wrong("split", f"must have a word for one split, not for {other} and {split}", word)
        return self

    def _by_name(self) -> dict[str, str | list[str] | Label]:
        return self.labels if isinstance(self.labels, dict) else {name: name for name in self.labels}

    def told(self) -> Labels:
        """Each label by its canonical name, with its columns (or words of findings) and their values."""
        return told(self._by_name(), self.positive, self.negative)

    def meanings(self, label: Label) -> tuple[set[str], set[str], set[str]]:
        """The values of a label that mean yes, no and neither: `qcxr.study.values.meanings`."""
        neither = [] if self.uncertain is None else self.uncertainty().values
        return meanings(label, neither, own=label in self._by_name().values())

    def uncertainty(self) -> Uncertain:
        """What is neither yes nor no, and what it is taken for."""
        assert self.uncertain is not None
        return self.uncertain if isinstance(self.uncertain, Uncertain) else Uncertain(taken_as=self.uncertain)

    def by_split(self) -> list[tuple[str | None, str]]:
        """(split, file) of all files; the split is None where `files` does not tell it."""
        groups: Mapping[Any, str | list[str]] = self.files if isinstance(self.files, dict) else {None: self.files}
        return [
            (split, file) for split, files in groups.items() for file in ([files] if isinstance(files, str) else files)
        ]

    def split_by(self) -> By | None:
        """How a column tells the splits; None where none does."""
        return By(column=self.split) if isinstance(self.split, str) else self.split

    def splits(self) -> set[str] | None:
        """The splits of `files`, or train alone, and those drawn; None where a column tells them."""
        if self.split is not None:
            return None
        there = {split or "train" for split, _ in self.by_split()}
        return there | {split for split in ("val", "test") if self.draw and getattr(self.draw, split)}

    def reader_options(self) -> dict[str, Any]:
        """The films' folder and the section itself."""
        return {"images": self.images, "table": self}

    def input_files(self) -> list[str]:
        """The tables, lists and the joined table."""
        return [file for files in list(self._tables().values()) for file in files]

    def attribute_files(self) -> dict[str, str]:
        """The same tables, if a column of them tells age, sex or view."""
        return {file: file for file in self.input_files()} if self.attribute_options() else {}

    def attribute_options(self) -> dict[str, Any]:
        """The columns of age, sex and view."""
        return {key: column for key in ("age", "sex", "view") if (column := getattr(self, key)) is not None}

    def patients_known(self) -> bool:
        """Whether a column tells."""
        return self.patient is not None

    def paths(self) -> dict[str, list[str]]:
        """All paths by key."""
        return {"images": [self.images], **self._tables()}

    def _tables(self) -> dict[str, list[str]]:
        lists = by.lists if (by := self.split_by()) else None
        return {
            "files": [file for _, file in self.by_split()],
            **({"split.lists": list(lists.values())} if lists else {}),
            **({"join.file": [self.join.file]} if self.join else {}),
        }

    def decides(self) -> dict[str, Any]:
        """All keys that are not at their defaults, a preset's among them, but the columns of age, sex and view."""
        told = self.model_dump(mode="json", exclude={"age", "sex", "view"}, exclude_defaults=True)
        return {**told, "kind": self.kind, "images": self.images}
