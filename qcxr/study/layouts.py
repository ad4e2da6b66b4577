"""The data sets of the paper, each in the layout of its own: NIH-CXR-LT and MIMIC-CXR-LT."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from qcxr.study.fields import Path
from qcxr.study.source import Source
from qcxr.study.values import splits_named

LABEL_SUFFIXES = (".csv", ".csv.gz")


class Labelled(Source):
    """A data set with label files in PruneCXR's format, which name their split."""

    stem: ClassVar[str]

    labels: Path | Annotated[list[Path], Field(min_length=1)] = Field(
        description="Label files: a folder that holds PruneCXR's files under their official names, one CSV, or a list "
        "of CSVs; a file's name tells its split (train, val or test).",
        examples=["data/nih/labels", ["labels/a_train.csv", "labels/a_val.csv", "labels/a_test.csv"]],
    )

    def label_files(self) -> list[str]:
        """The label files: those listed, or a folder's files under their official PruneCXR names."""
        if isinstance(self.labels, list):
            return list(self.labels)
        if self.labels.endswith(LABEL_SUFFIXES):
            return [self.labels]
        return self._in_folder(self.labels)

    def _in_folder(self, folder: str) -> list[str]:
        return [f"{folder}/{self.stem}_{split}.csv" for split in ("train", "val", "test")]

    def splits(self) -> set[str] | None:
        """The splits that the label files' names tell, or None where that cannot be known (a folder in a list)."""
        files = self.label_files()
        if not all(file.endswith(LABEL_SUFFIXES) for file in files):
            return None
        return {split for file in files for split in splits_named(file)}

    def lacking(self, name: str, needed: Sequence[str]) -> str | None:
        """One line for a label file that does not name one split, or for a split that none names."""
        there = self.splits()
        if there is None:
            return None
        for file in self.label_files():
            if len(splits_named(file)) != 1:
                return (
                    f"data.sources.{name}.labels must name one split (train, val or test) in each file's name, "
                    f"got {file}; rename it"
                )
        if gone := [split for split in needed if split not in there]:
            return (
                f"data.sources.{name}.labels must have files of the splits {', '.join(needed)}, got none of {gone[0]}; "
                f"add it, or take {name} out of data.{'test_on' if gone[0] == 'test' else 'train_on'}"
            )
        return None

    def reader_options(self) -> dict[str, Any]:
        """Images and label files."""
        return {"images": self.images, "labels": self.label_files()}

    def input_files(self) -> list[str]:
        """The label files."""
        return self.label_files()

    def attribute_files(self) -> dict[str, str]:
        """The tables of age, sex and view by key."""
        keys = [key for key in type(self).model_fields if key in ("metadata", "patients", "entries")]
        return {key: file for key in keys if (file := getattr(self, key))}

    def paths(self) -> dict[str, list[str]]:
        """All paths by key."""
        tables = {key: [file] for key, file in self.attribute_files().items()}
        return {"images": [self.images], "labels": self.label_files(), **tables}

    def decides(self) -> dict[str, Any]:
        """Images and labels, and of which views; the tables of age and sex stand there as unset."""
        unset = dict.fromkeys(("entries", "metadata"))
        return {**unset, **self.model_dump(mode="json", exclude={"entries", "patients"})}


class Nih(Labelled):
    """NIH ChestX-ray14 with the labels of NIH-CXR-LT."""

    stem = "miccai2023_nih-cxr-lt_labels"

    kind: Literal["nih"] = Field(
        description="Whose folder layout and label format the data set has: NIH ChestX-ray14's with PruneCXR's labels.",
        examples=["nih"],
    )
    images: Path = Field(
        description="Folder of the films, with images/ or images_001/images/ ... in it.", examples=["data/nih"]
    )
    entries: Path | None = Field(
        None,
        description="NIH's Data_Entry_2017*.csv, for age, sex and view; null does without them.",
        examples=["data/nih/Data_Entry_2017_v2020.csv"],
    )


class Mimic(Labelled):
    """MIMIC-CXR-JPG with the labels of MIMIC-CXR-LT or of the CXR-LT challenge."""

    stem = "miccai2023_mimic-cxr-lt_labels"

    kind: Literal["mimic"] = Field(
        description="Whose folder layout and label format the data set has: MIMIC-CXR-JPG's.", examples=["mimic"]
    )
    images: Path = Field(description="MIMIC-CXR-JPG's root, with files/ in it.", examples=["data/mimic"])
    metadata: Path | None = Field(
        None,
        description="MIMIC-CXR-JPG's metadata table, for ViewPosition (AP and PA are kept); null where the label files "
        "have that column.",
        examples=["data/mimic/mimic-cxr-2.0.0-metadata.csv.gz"],
    )
    patients: Path | None = Field(
        None,
        description="MIMIC-IV's patients table, for age and sex; null does without them.",
        examples=["data/mimic/patients.csv.gz"],
    )

    def _in_folder(self, folder: str) -> list[str]:
        # people who only test on MIMIC have its test file alone
        files = super()._in_folder(folder)
        return [file for file in files if os.path.exists(file)] or files[-1:]

    def reader_options(self) -> dict[str, Any]:
        """Images, label files and the table of views."""
        return {**super().reader_options(), "metadata": self.metadata}

    def input_files(self) -> list[str]:
        """The label files and the table of views."""
        return self.label_files() + ([self.metadata] if self.metadata else [])

    def attributed(self) -> bool:
        """The view is always known: it is in the manifest."""
        return True
