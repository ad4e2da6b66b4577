"""Where the files of a study lie below its results, by kind: what the workflow's rules say, for those who run no rule.

Imports neither pandas nor matplotlib, since an archive is listed with it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from qcxr.analysis import figures
from qcxr.analysis.outline import Outline
from qcxr.study.arms import Arm, below
from qcxr.study.runs import Planned
from qcxr.study.studied import Studied

Case = tuple[str, str, str]  # a task, a test set, and the name of a variant ("": the configuration's own point)
ANSWERS = ("trend", "variance", "interaction")


@dataclass(frozen=True)
class Layout:
    """The files of a study below `root`, its results folder or another that holds the same files."""

    study: Studied
    root: Path

    @cached_property
    def outline(self) -> Outline:
        """What the study compares and varies."""
        return Outline.from_json(self.study.outline.model_dump())

    @property
    def searched(self) -> list[str]:
        """The heads whose settings a search chose."""
        return list(dict.fromkeys(arm.head for arm in self.study.trials))

    @property
    def cases(self) -> list[Case]:
        """Every task and test set at every variant."""
        variants = list(self.outline.variants) or [""]
        return [(task, data, name) for task in self.study.tasks for data in self.study.test_on for name in variants]

    @property
    def grouped(self) -> list[Case]:
        """The cases whose results are broken down by sex, age and view; all at the base variant."""
        return [case for case in self.cases if case[2] == self.outline.base] if self.study.grouped else []

    @property
    def figures(self) -> list[str]:
        """The names of the figures, but for the circuit's."""
        return figures.names(
            tasks=self.study.tasks,
            datasets=self.study.test_on,
            heads=self.study.heads,
            axes=self.outline.axes,
            searched=bool(self.searched),
            grouped=bool(self.grouped),
            own=self.study.analysis.figures,
        )

    def folder(self, run: Planned) -> Path:
        """Of one run."""
        return self.root / "runs" / run.name

    def predictions(self, run: Planned, dataset: str) -> Path:
        """A run's probabilities on one test set, or on `validation`."""
        return self.folder(run) / f"predictions/{dataset}.parquet"

    def scores(self, run: Planned, dataset: str) -> Path:
        """A run's metrics on one test set, or on `validation`."""
        return self.folder(run) / f"metrics/{dataset}.csv"

    def of_case(self, kind: str, case: Case) -> Path:
        """What patients vary, the bootstrap or the subgroups of one case; the last are of the base variant only."""
        task, dataset, variant = case
        return self.root / kind / f"{task}-{dataset}{'' if kind == 'subgroups' else below(variant)}.csv"

    def counts(self, dataset: str) -> Path:
        """How many films of a data set have each label."""
        return self.root / f"manifest/{dataset}-counts.csv"

    def attributes(self, dataset: str) -> Path:
        """Sex, age and view of a data set's films."""
        return self.root / f"manifest/{dataset}-attributes.parquet"

    @property
    def audits(self) -> list[Path]:
        """What the audit found, of each data set."""
        return [self.root / f"audit/{dataset}-issues.csv" for dataset in self.study.datasets]

    @property
    def leaks(self) -> list[Path]:
        """What films of one split are in another."""
        tests = [f"test-{dataset}" for dataset in self.study.test_on]
        return [self.root / f"leaks/{name}.csv" for name in ("before-training", *tests)]

    def standing(self, case: Case) -> list[Planned]:
        """The runs that stand at a case's variant, all heads and seeds: a head without the varied keys has one arm."""
        task, _, variant = case
        stand = [arm for head in self.study.heads if (arm := self.outline.standing(head, variant))]
        return [Planned(task, Arm(arm.head, arm.variant, arm.at), seed) for arm in stand for seed in self.study.seeds]

    @property
    def tested(self) -> list[tuple[Planned, str]]:
        """Every run with every test set."""
        return [(run, dataset) for run in self.study.runs for dataset in self.study.test_on]

    def files(self, kind: str) -> Path | list[Path]:
        """The files of one kind (see `qcxr.analysis.inputs.READERS`)."""
        of_runs = {"history": "history.csv", "steps": "steps.csv", "runs": "run.json"}
        of_cases = {"patients": self.cases, "bootstrap": self.cases, "subgroups": self.grouped}
        if kind in of_runs:
            return [self.folder(run) / of_runs[kind] for run in self.study.runs]
        if kind in of_cases:
            return [self.of_case(kind, case) for case in of_cases[kind]]
        if kind == "predictions":
            return [self.predictions(*place) for place in self.tested]
        if kind == "counts":
            trained = self.study.trained_on
            return [self.counts(name) for name in dict.fromkeys([trained, *self.study.datasets])]
        return self.root / f"{kind}.csv"

    def many(self, kind: str) -> list[Path]:
        """The same as a list."""
        found = self.files(kind)
        return found if isinstance(found, list) else [found]

    @property
    def studied(self) -> list[str]:
        """The kinds that tables and the report are made of."""
        kinds = ["metrics", "tests", "estimates", "runs", "counts", "parameters", "patients", *ANSWERS]
        compared = self.study.analysis.bootstrap and (len(self.study.heads) > 1 or self.outline.axes)
        there = {
            "benchmark": self.study.timed,
            "bootstrap": compared,
            "search": self.searched,
            "subgroups": self.grouped,
        }
        return kinds + [kind for kind, made in there.items() if made]

    def drawn_from(self, figure: str) -> list[str]:
        """The kinds that a figure is drawn from."""
        spec = figures.spec(figure)
        here = {"metrics", "tests", "estimates", "history", "steps", "runs", "counts", "predictions", "search"}
        here |= {"subgroups", *ANSWERS} | ({"bootstrap"} if self.study.analysis.bootstrap else set())
        needs = {*spec.needs, *(set(spec.also) & here)}
        if needs & {"history", "predictions"}:
            needs.add("runs")  # a run's keys come from its run.json
        return sorted(needs)
