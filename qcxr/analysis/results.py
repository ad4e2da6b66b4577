"""A study's results in one place: what tables, report and cards are made of, and the facts that they tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from qcxr.analysis.facts import CIRCUITS, Facts, Study
from qcxr.analysis.inputs import Paths, Run, load
from qcxr.analysis.names import dataset_order, head_order, task_order
from qcxr.analysis.origin import official


@dataclass(frozen=True)
class Results:
    """What tables, report and cards are made of, read from a study's files; None or empty is what it does not have.

    metrics, tests: of all runs. runs: their run.json. counts: positives per data set, split and label. parameters: per
    task and head. benchmark: a row per timed step. bootstrap: intervals over patients.
    """

    metrics: pd.DataFrame
    tests: pd.DataFrame
    runs: Sequence[Run] = ()
    counts: pd.DataFrame | None = None
    parameters: pd.DataFrame | None = None
    benchmark: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None

    def facts(self, study: Study) -> Facts:
        """Gather what sentences about the study may rest on."""
        seeds = self.metrics.groupby(["task", "head"])["seed"].nunique()
        configs = {run["head"]: run["config"] for run in self.runs if run.get("config")}
        settings = [run["config"].get("train") for run in self.runs if run.get("config")]
        counted = () if self.counts is None else self.counts["dataset"].unique()
        return Facts(
            tasks=tuple(task_order(self.metrics["task"])),
            heads=tuple(head_order(self.metrics["head"])),
            datasets=tuple(dataset_order(self.metrics["dataset"])),
            seeds=(int(seeds.min()), int(seeds.max())),
            compared=len(self.tests) > 0,
            tested=bool(self.tests["p"].notna().any()),
            patients=self.bootstrap is not None,
            mined=len(counted) > 0 and all(official(self.counts, name) for name in counted),
            trained=len(configs) > 0,
            same_settings=all(found == settings[0] for found in settings),
            circuits={head: configs[head].get("head_options") or {} for head in CIRCUITS if head in configs},
            demo=study.demo,
            protocol=study.protocol,
        )


def read_results(files: Mapping[str, Paths]) -> Results:
    """Read {kind: file or files}, at least metrics and tests; InputError on an unknown kind or a malformed file."""
    return Results(**{kind: load(kind, paths) for kind, paths in files.items()})
