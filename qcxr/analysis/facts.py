"""What a study is, as far as its results tell: a sentence is printed only where these facts carry it.

`qcxr.analysis.results.Results.facts` gathers them. Imported by the workflow's plan, so without pandas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcxr.analysis.names import PAPER_HEADS
from qcxr.analysis.paper import TASKS

CIRCUITS = ("dqc", "product")  # heads of this package that hold a circuit


@dataclass(frozen=True)
class Study:
    """What a report says of its study that no result holds.

    config: the resolved configuration. protocol: it is the paper's. demo: the films were drawn by a program. notes:
    sentences about data and comparisons. title: of the page, by default one that names the heads.
    """

    config: Mapping[str, Any] | None = None
    protocol: bool = False
    demo: bool = False
    notes: Sequence[str] = ()
    title: str | None = None


@dataclass(frozen=True)
class Facts:
    """What sentences may rest on.

    seeds: the fewest and the most of any task and head. compared: there is a pair of heads; tested: with p-values.
    patients: there are intervals over patients. mined: labels are the published ones of NIH and MIMIC. trained: the
    runs were trained by this package, so that what holds for its trainings holds for them. same_settings: with the
    same settings for every head. circuits: options of each trained head that holds a circuit.
    """

    tasks: tuple[str, ...]
    heads: tuple[str, ...]
    datasets: tuple[str, ...]
    seeds: tuple[int, int]
    compared: bool
    tested: bool
    patients: bool
    mined: bool
    trained: bool
    same_settings: bool
    circuits: Mapping[str, Mapping[str, Any]]
    demo: bool = False
    protocol: bool = False

    @property
    def foreign(self) -> bool:
        """Predictions were made elsewhere: nothing is known of their models."""
        return not self.trained

    @property
    def several(self) -> bool:
        """More heads than two."""
        return len(self.heads) > 2

    @property
    def like_paper(self) -> bool:
        """The paper's two heads on one of its tasks: its figures may be laid beside these."""
        return set(PAPER_HEADS) <= set(self.heads) and bool(set(TASKS) & set(self.tasks))


@dataclass(frozen=True)
class If:
    """A sentence for studies of which a fact (a name in `Facts`) is true."""

    fact: str
    text: str


def said(parts: Iterable[str | If], facts: Facts) -> str:
    """Join the sentences that the facts carry."""
    texts = [part if isinstance(part, str) else part.text * bool(getattr(facts, part.fact)) for part in parts]
    return " ".join(text for text in texts if text)
