"""A study's results in one place: what tables, report and cards are made of, and the facts that they tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from qcxr.analysis import variants
from qcxr.analysis.evidence import at, bases, evidence
from qcxr.analysis.facts import CIRCUITS, Facts, Study
from qcxr.analysis.inputs import Paths, Run, load, many
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_order, head_order, single, task_order
from qcxr.analysis.origin import official
from qcxr.analysis.outline import Outline
from qcxr.analysis.shown import Shown
from qcxr.study import spent


@dataclass(frozen=True)
class Results:
    """What tables, report and cards are made of, read from a study's files; None or empty is what it does not have.

    metrics, tests: of all runs. runs: their run.json. counts: positives per data set, split and label. parameters: per
    task and head. benchmark: a row per timed step. bootstrap: intervals over patients. search: a row per trial.
    patients: what they vary. estimates: every head's means with their intervals. shown: how tables print them.
    subgroups: groups of films and their gaps, at the base variant.
    trend, variance, interaction: answers to further questions (`qcxr.analysis.questions`).
    outline: the heads in their order, and what varies: of predictions made elsewhere, the names that their list gives.
    """

    metrics: pd.DataFrame
    tests: pd.DataFrame
    runs: Sequence[Run] = ()
    counts: pd.DataFrame | None = None
    parameters: pd.DataFrame | None = None
    benchmark: pd.DataFrame | None = None
    bootstrap: pd.DataFrame | None = None
    search: pd.DataFrame | None = None
    patients: pd.DataFrame | None = None
    estimates: pd.DataFrame | None = None
    shown: Shown = Shown()  # noqa: RUF009  (frozen)
    subgroups: pd.DataFrame | None = None
    trend: pd.DataFrame | None = None
    variance: pd.DataFrame | None = None
    interaction: pd.DataFrame | None = None
    outline: Outline = Outline()  # noqa: RUF009  (frozen)

    @property
    def most_seeds(self) -> int:
        """The most runs that any head has on a task at one variant."""
        keys = [key for key in ("task", "head", "variant") if key in self.metrics]
        return int(self.metrics.groupby(keys)["seed"].nunique().max())

    def at_base(self) -> "Results":
        """These results with the runs of the base variant only, as of a study that varies nothing."""
        if not self.outline.varied:
            return self
        kinds = ("metrics", "tests", "bootstrap", "patients", "estimates", "trend", "variance")
        given = {kind: getattr(self, kind) for kind in kinds}
        kept = variants.at_base({kind: frame for kind, frame in given.items() if frame is not None}, self.outline)
        kept = {kind: frame.drop(columns="variant", errors="ignore") for kind, frame in kept.items()}
        return replace(self, **kept, outline=Outline(self.outline.heads))

    def facts(self, study: Study) -> Facts:
        """Gather what sentences about the study may rest on."""
        seeds = self.metrics.groupby(["task", "head"])["seed"].nunique()
        configs = {run["head"]: run["config"] for run in self.runs if run.get("config")}
        kinds = {run["head"]: run.get("kind") or run["head"] for run in self.runs}
        settings = [run["config"].get("train") for run in self.runs if run.get("config")]
        counted = [] if self.counts is None else single(self.counts["dataset"].unique())
        given = self._compared_by(study.compared_by)
        rows = evidence(self.at_base().tests, adjust=given["adjust"])
        return Facts(
            tasks=tuple(task_order(self.metrics["task"])),
            heads=tuple(head_order(self.metrics["head"], self.outline.heads)),
            datasets=tuple(dataset_order(self.metrics["dataset"])),
            seeds=(int(seeds.min()), int(seeds.max())),
            compared=len(self.tests) > 0,
            tested=bool(rows["p_read"].notna().any()),
            t_tested=bool(rows["p"].notna().any()),
            patients=self.bootstrap is not None,
            mined=len(counted) > 0 and all(official(self.counts, name) for name in counted),
            trained=len(configs) > 0,
            thresholds=len(configs) > 0 and bool(self._values("threshold").notna().any()),
            grouped=self._grouped(),
            same_settings=all(found == settings[0] for found in settings),
            kinds=kinds,
            circuits={
                head: configs[head].get("head_options") or {}
                for head in head_order(configs, self.outline.heads)
                if kinds[head] in CIRCUITS
            },
            references=tuple(dict.fromkeys(self.tests["head_a"])),
            base=self.outline.said(self.outline.base),
            searched=self.search is not None,
            demo=study.demo,
            protocol=study.protocol,
            bases=tuple(bases(at(rows))),
            **given,
        )

    def _values(self, metric: str) -> pd.Series:
        return self.metrics.loc[self.metrics["metric"] == metric, "value"]

    def _grouped(self) -> str:
        """By which attributes of patients and films results are broken down, those that have groups."""
        if self.subgroups is None:
            return ""
        return listed([str(name) for name in dict.fromkeys(self.subgroups["attribute"]) if name])

    def _compared_by(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """How tests were adjusted and what counts as equivalent, of the facts."""
        found = {key: given[key] for key in ("family", "alpha", "margin", "power") if key in given}
        return found | {"adjust": given.get("adjust", "holm")}


def read_results(
    files: Mapping[str, Paths],
    *,
    outline: Outline | Mapping[str, Any] | None = None,
    shown: Shown = Shown(),  # noqa: B008  (frozen)
) -> Results:
    """Read {kind: file or files}, at least metrics and tests; InputError on an unknown kind or a malformed file.

    outline: of the study, as it is or as the workflow's JSON. shown: by which rules the tests were made, and how tables
    print.
    """
    given = outline if isinstance(outline, Outline) else Outline.from_json(outline or {})
    read = {kind: load(kind, paths) for kind, paths in files.items()}
    if "runs" in files:
        read["runs"] = [_weighed(run, path) for run, path in zip(read["runs"], many(files["runs"]), strict=True)]
    return Results(**read, outline=given, shown=shown)


def _weighed(run: dict[str, Any], path: Path) -> dict[str, Any]:
    """The run with its `kwh`, where its energy was measured."""
    taken = spent.of(path if path.is_dir() else path.parent)
    return run | ({"kwh": taken["kwh"]} if taken else {})
