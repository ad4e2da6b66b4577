"""What the answers to a checklist rest on: a study's results, configuration, counts and manifests, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from qcxr.analysis.facts import Facts, Study
from qcxr.analysis.names import head_name
from qcxr.analysis.origin import official
from qcxr.analysis.results import Results


@dataclass(frozen=True)
class Known:
    """results, study: as a report has them. cohort: a row per data set and split (`qcxr.analysis.cohort.cohort`).

    shared_patients: how many patients are in two splits of one data set, None where no manifest was read. left_out:
    sentences about films that were left out or flagged.
    """

    results: Results
    study: Study = field(default_factory=Study)
    cohort: pd.DataFrame | None = None
    shared_patients: int | None = None
    left_out: Sequence[str] = ()

    @cached_property
    def facts(self) -> Facts:
        """The facts that sentences may rest on."""
        return self.results.facts(self.study)

    @cached_property
    def base(self) -> Results:
        """The results at the base variant."""
        return self.results.at_base()

    @property
    def demo(self) -> bool:
        """The films were drawn by a program."""
        return self.study.demo

    @cached_property
    def origins(self) -> dict[str, str | None]:
        """Data set -> `nih` or `mimic` where its counts are the official ones, else None."""
        counts = self.results.counts
        return {} if counts is None else {name: official(counts, name) for name in counts["dataset"].unique()}

    @cached_property
    def layouts(self) -> dict[str, str]:
        """Data set that the study uses -> its layout, `nih` or `mimic`, as configured."""
        data = self.section("data")
        used = [*self.training, *(data.get("test_on") or [])]
        sources = data.get("sources") or {}
        return {name: source.get("kind", "") for name, source in sources.items() if name in used}

    def section(self, name: str) -> Mapping[str, Any]:
        """A section of the study's configuration, empty where there is none."""
        found = (self.study.config or {}).get(name)
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """What the reference head's runs were made with, by section: image, augment, backbone, train, data."""
        of = {run["head"]: run["config"] for run in reversed(self.results.runs) if run.get("config")}
        first = next((head for head in self.facts.heads if head in of), None)
        return of[first] if first is not None else {}

    def setting(self, section: str, key: str) -> Any:
        """One setting of the reference head's runs, None where it is not known."""
        return (self.settings.get(section) or {}).get(key)

    @cached_property
    def exceptions(self) -> str:
        """The heads that differ from the reference, in a sentence; "" where none does or nothing is known."""
        told = [f"{head_name(head)} ({what})" for head, what in self.results.outline.heads.items() if what]
        return f" What differs from {head_name(self.facts.heads[0])}: {'; '.join(told)}." if told else ""

    @cached_property
    def external(self) -> list[str]:
        """The test sets that are not of the data set that was trained on; empty where that is not known."""
        return [name for name in self.facts.datasets if name not in self.training] if self.training else []

    @property
    def training(self) -> list[str]:
        """The data sets that were trained on; empty where that is not known."""
        named = self.section("data").get("train_on") or []
        return [named] if isinstance(named, str) else list(named)
