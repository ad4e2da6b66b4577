"""What a study is, as far as its results tell: a sentence is printed only where these facts carry it.

`qcxr.analysis.results.Results.facts` gathers them. Imported by the workflow's plan, so without pandas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcxr.analysis.inference import p_called
from qcxr.analysis.names import FEW

CIRCUITS = ("dqc", "product", "random", "permuted", "circuit")  # kinds of heads of this package that hold a circuit
ENTANGLING = tuple(kind for kind in CIRCUITS if kind != "product")


@dataclass(frozen=True)
class Study:
    """What a report says of its study that no result holds.

    config: the resolved configuration. protocol: it is the paper's. demo: the films were drawn by a program. notes:
    sentences about data and comparisons. title: of the page, by default one that names the heads. read: what was read
    of predictions made elsewhere, name -> in words (films, patients, files, version). analysis: settings of the
    comparison (keys of the configuration's `analysis`) where there is no configuration. learned, leaks: sentences of
    `qcxr.analysis.learned`. patientless: data sets of which nobody knows which films are of one patient.
    """

    config: Mapping[str, Any] | None = None
    protocol: bool = False
    demo: bool = False
    notes: Sequence[str] = ()
    title: str | None = None
    read: Mapping[str, str] = field(default_factory=dict)
    analysis: Mapping[str, Any] = field(default_factory=dict)
    learned: Sequence[str] = ()
    leaks: Sequence[str] = ()
    patientless: Sequence[str] = ()

    @property
    def compared_by(self) -> Mapping[str, Any]:
        """The settings of the comparison: alpha, margin, power, adjust, family; those given, no defaults."""
        return self.analysis or (self.config or {}).get("analysis") or {}


@dataclass(frozen=True)
class Facts:
    """What sentences may rest on.

    seeds: the fewest and the most of any task and head. compared: there is a pair of heads; tested: with p that words
    and marks follow; t_tested: with p of the paired t-test over seeds, the paper's. thresholds: those of balanced
    accuracy were chosen, by a study that trained. grouped: by what subgroups are of, in words; "" where by nothing.
    patients: there are intervals over patients. mined: labels are the published ones of NIH and MIMIC. trained: the
    runs were trained by this package, so that what holds for its trainings holds for them. same_settings: with the same
    settings for every head. kinds: of each trained head. circuits: options of each trained head that holds a circuit.
    references: heads that others are compared with. base: the variant, in words, that figures of one variant show; ""
    where nothing varies. searched: settings were chosen among trials. bases: what the tests of means rest on, of "seeds
    and patients", "seeds", "patients". tested, t_tested and bases are of the base variant. adjust, family: how p-values
    are adjusted that marks and words follow, and over what. alpha, margin, power: as in the configuration.
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
    t_tested: bool = False
    thresholds: bool = False
    grouped: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    base: str = ""
    searched: bool = False
    demo: bool = False
    protocol: bool = False
    bases: tuple[str, ...] = ()
    adjust: str = "holm"
    family: str = "labels"
    alpha: float = 0.05
    margin: float = 0.01
    power: float = 0.8

    @property
    def foreign(self) -> bool:
        """Predictions were made elsewhere: nothing is known of their models."""
        return not self.trained

    @property
    def adjusted(self) -> bool:
        """Marks and words follow p adjusted within its family, not p as the tests give it."""
        return self.adjust != "none"

    @property
    def unadjusted(self) -> bool:
        """As configured, no p is adjusted: sentences say so, and none speaks of an adjusted one."""
        return not self.adjusted

    @property
    def words(self) -> Mapping[str, str]:
        """What stands for the names in braces in captions: what p is called, alpha, and by what films are grouped."""
        by = f" by {self.grouped}" if self.grouped else ""
        return {"p": p_called(self.adjust), "alpha": f"{self.alpha:g}", "by": by}

    def kind(self, head: str) -> str:
        """The kind of a trained head; its name, where nothing else is known."""
        return self.kinds.get(head, head)

    @property
    def varied(self) -> bool:
        """The study varies something: figures of single runs show one variant."""
        return bool(self.base)

    @property
    def several(self) -> bool:
        """More heads than two."""
        return len(self.heads) > 2

    @property
    def few(self) -> bool:
        """Few enough heads for every run of each to be seen in one panel."""
        return len(self.heads) <= FEW

    @property
    def joined(self) -> bool:
        """A few heads are compared: figures join their runs by seed."""
        return self.compared and self.few

    @property
    def alike(self) -> bool:
        """Heads are compared whose runs of one seed began alike, as this package trains them."""
        return self.compared and self.trained

    @property
    def many(self) -> bool:
        """Too many heads for that: figures show them one by one, or their means."""
        return not self.few

    @property
    def like_paper(self) -> bool:
        """The paper's heads, tasks and settings: its figures may be laid beside these."""
        return self.protocol


@dataclass(frozen=True)
class If:
    """A sentence for studies of which a fact (a name in `Facts`), or each of several, is true."""

    fact: str | tuple[str, ...]
    text: str

    @property
    def facts(self) -> tuple[str, ...]:
        """The names of what must be true."""
        return (self.fact,) if isinstance(self.fact, str) else self.fact


def said(parts: Iterable[str | If], facts: Facts) -> str:
    """Join the sentences that the facts carry; names in braces become the study's `Facts.words`."""
    texts = [
        part if isinstance(part, str) else part.text
        for part in parts
        if isinstance(part, str) or all(getattr(facts, name) for name in part.facts)
    ]
    return " ".join(texts).format_map(facts.words)
