"""A data set in the configuration, whatever its layout: what every kind of source is asked.

A further kind is a section with keys of its own and a reader, and is known once it stands in the registry
(`qcxr.study.kinds.KINDS`, also while a program runs):

    class Ours(Source):
        table: Path = Field(description="...", examples=["data/films.csv"])

        def input_files(self) -> list[str]:
            return [self.table]

    KINDS["ours"] = Kind(Ours, "my_package.ours")

The reader is the named module's `read(*, images, table)`: keywords are `reader_options()`, here the section's own keys;
what it returns is said in `qcxr.data.contract`. Methods below that a kind does not override are right for one table
whose splits are not known before it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from qcxr.study.fields import Fraction, Path, Section


class Source(Section):
    """One data set as it was downloaded. Paths are relative to the folder in which the study runs."""

    kind: str
    images: Path = Field(description="Folder of the films.", examples=["data/films"])
    max_missing: Fraction = Field(
        0.0,
        description="Fraction of the listed films that may be missing or unreadable; with more of them the study "
        "stops.",
        examples=[0.01],
    )

    def splits(self) -> set[str] | None:
        """The splits that the data set will have, as far as its keys tell; None where that cannot be known."""
        return None

    def lacking(self, name: str, needed: Sequence[str]) -> str | None:
        """One line if the source, called `name`, cannot have a split that the study needs; None if it may."""
        there = self.splits()
        if there is None or not (gone := [split for split in needed if split not in there]):
            return None
        return (
            f"data.sources.{name} must have films of the splits {', '.join(needed)}, got none of {gone[0]}; add them, "
            f"or take {name} out of data.{'test_on' if gone[0] == 'test' else 'train_on'}"
        )

    def reader_options(self) -> dict[str, Any]:
        """Keywords for `qcxr.data.sources.read`, without those that say nothing of which films there are."""
        return {key: getattr(self, key) for key in type(self).model_fields if key not in ("kind", "max_missing")}

    def input_files(self) -> list[str]:
        """Every table the manifest is made from."""
        return []

    def attribute_files(self) -> dict[str, str]:
        """The tables of age, sex and view by key, of those that this kind of source has."""
        return {}

    def attribute_options(self) -> dict[str, Any]:
        """What decides age, sex and view beside the manifest, by key."""
        return dict(self.attribute_files())

    def attributed(self) -> bool:
        """Whether anything is known of a film's age, sex or view."""
        return bool(self.attribute_options())

    def patients_known(self) -> bool:
        """Whether it is known which films are of one patient; else each counts as a patient of its own."""
        return True

    def paths(self) -> dict[str, list[str]]:
        """All paths by key."""
        return {"images": [self.images]}

    def decides(self) -> dict[str, Any]:
        """What decides which films the manifest lists, and their labels, as JSON. Age and sex do not."""
        return self.model_dump(mode="json")
