"""One item of a checklist, and what a study answers to it."""

from collections.abc import Callable
from dataclasses import dataclass

from qcxr.analysis.checklists.known import Known

STANDINGS = ("filled", "in part", "open", "does not apply")


@dataclass(frozen=True)
class Answer:
    """What a study knows of an item.

    text: in sentences, "" for nothing. missing: what its authors must add all the same. applies: whether the item is
    asked of such a study at all; if not, the text says why.
    """

    text: str = ""
    missing: str = ""
    applies: bool = True

    @property
    def standing(self) -> str:
        """One of `STANDINGS`."""
        if not self.applies:
            return "does not apply"
        if not self.text:
            return "open"
        return "in part" if self.missing else "filled"


OPEN = Answer()
Fill = Callable[[Known], Answer]


@dataclass(frozen=True)
class Item:
    """number: as the checklist has it. topic and asks: what the item is about, in our words. fill: who answers it.

    Without a fill the item is the authors': no file of a study can know it.
    """

    number: str
    topic: str
    asks: str
    fill: Fill | None = None

    def answer(self, known: Known) -> Answer:
        """What the study knows of it."""
        return self.fill(known) if self.fill else OPEN


@dataclass(frozen=True)
class Checklist:
    """name and reference: whose it is. sections: title -> its items, in the checklist's order."""

    name: str
    reference: str
    sections: dict[str, tuple[Item, ...]]

    @property
    def items(self) -> list[Item]:
        """All items in order."""
        return [item for items in self.sections.values() for item in items]
