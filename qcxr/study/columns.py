"""What `kind: table` says of a table's columns: the sections below a source's keys."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qcxr.study.fields import AsNumber, Path, Section, wrong

Value = bool | int | float | str
Words = Annotated[list[Value], Field(min_length=1)]
Split = Literal["train", "val", "test"]


def _hundredths(value: float) -> float:
    if abs(100 * value - round(100 * value)) > 1e-9:
        raise PydanticCustomError("must", "must be a number of hundredths, like 0.1 or 0.25")
    return value


Part = Annotated[float, Field(ge=0, lt=1), AsNumber, AfterValidator(_hundredths)]


def _named(value: str) -> str:
    if not value.strip():
        raise PydanticCustomError("must", "must be the name of a column")
    return value


Column = Annotated[str, AfterValidator(_named)]


def _one_group(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise PydanticCustomError("must", "must be a regular expression ({why})", {"why": str(error)}) from None
    if groups != 1:
        raise PydanticCustomError("must", "must have one group in brackets, the part to take")
    return value


class Pattern(Section):
    """A part of a column's text."""

    column: Column = Field(description="The column.", examples=["Path"])
    pattern: Annotated[str, AfterValidator(_one_group)] = Field(
        description="A regular expression that the text must match from its beginning; its one group is taken.",
        examples=["(patient[0-9]+)/.*", "(.*)[.]png"],
    )


Cell = Column | Pattern


class By(Section):
    """How a column tells a film's split."""

    column: Column = Field(description="The column.", examples=["set"])
    words: dict[Split, Words] | None = Field(
        None,
        description="What the column says, by split; null takes the usual words (train, training, val, valid, "
        "validation, dev, development, test).",
        examples=[{"train": ["A", "B"], "test": ["C"]}],
    )
    lists: dict[Split, Path] | None = Field(
        None,
        description="Files, by split, in which the column's texts stand, one on a line; null has none.",
        examples=[{"train": "data/train_val_list.txt", "test": "data/test_list.txt"}],
    )

    @model_validator(mode="after")
    def _one_way(self) -> By:
        if self.words is not None and self.lists is not None:
            raise ValueError("split must have words or lists, got both; keep one")
        for key, told in (("words", self.words), ("lists", self.lists)):
            if told == {}:
                raise wrong(key, "must name a split, or be null", told)
        return self


class Draw(Section):
    """Patients drawn out of the training films, all their films with them."""

    val: Part = Field(0.0, description="Part of the training films for validation.", examples=[0.1])
    test: Part = Field(0.0, description="Part of the training films for the test.", examples=[0.2])
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Another seed draws other patients.", examples=[0])

    @model_validator(mode="after")
    def _leaves_some(self) -> Draw:
        if not 0 < self.val + self.test < 1:
            raise ValueError(
                f"draw must take more than nothing and less than all of the films, got val {self.val:g} and test "
                f"{self.test:g}; set draw in the source, or leave it out"
            )
        return self


class Label(Section):
    """A label whose columns have values of their own."""

    columns: Column | Annotated[list[Column], Field(min_length=1)] = Field(
        description="Its column, or columns any of which may say it.", examples=["class"]
    )
    positive: Words = Field(description="Values that mean: it is there.", examples=[["Normal"]])
    negative: Words = Field(description="Values that mean: it is not there.", examples=[["Lung Opacity", "Other"]])

    @property
    def listed(self) -> list[str]:
        """Its columns, or words of findings, as a list."""
        return [self.columns] if isinstance(self.columns, str) else self.columns


class Findings(Section):
    """One column that lists a film's findings in words."""

    column: Column = Field(description="The column.", examples=["Finding Labels"])
    separator: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="What stands between two findings; null: a cell is one finding.", examples=["|"]
    )
    strip: str = Field(
        "", description="Characters to take off both ends of each finding, beside blanks.", examples=["[]'"]
    )
    drop: list[str] = Field(
        default=[], description="Findings whose films are left out, and counted.", examples=[["unreadable"]]
    )


class Uncertain(Section):
    """Values of a label that are neither yes nor no."""

    values: Words = Field([-1], description="The values.", examples=[["possible"]])
    taken_as: Literal["zero", "one", "missing"] = Field(description="What they are taken for.", examples=["missing"])


class Join(Section):
    """A second table."""

    file: Path = Field(description="The table, of any format that files may have.", examples=["data/patients.csv"])
    # not `on`, which YAML reads as true
    by: Column = Field(description="The column of both tables by which rows belong together.", examples=["patient"])
