"""A study's analysis done again from its predictions, by the functions of the workflow's rules.

What tables and report need beside predictions is taken as it lies there: the runs' records, the counts of labels, the
parameters, timings, the search, what audit and leak checks found, and the drawing of the circuit.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from tqdm import tqdm

from qcxr.analysis import figures, tables
from qcxr.analysis.bootstrap import bootstrap_files
from qcxr.analysis.cards import left_out
from qcxr.analysis.estimates import estimates
from qcxr.analysis.facts import Study
from qcxr.analysis.inference import Inference
from qcxr.analysis.inputs import Paths, load
from qcxr.analysis.layout import ANSWERS, Layout
from qcxr.analysis.learned import leaked, learned
from qcxr.analysis.metrics import Frequencies, read_metrics, score_run
from qcxr.analysis.ownmetrics import own_metrics
from qcxr.analysis.patients import patients_files
from qcxr.analysis.predictions import RunKey
from qcxr.analysis.questions import questions
from qcxr.analysis.replicates import Resampling
from qcxr.analysis.report import write_report
from qcxr.analysis.results import read_results
from qcxr.analysis.shown import Shown
from qcxr.analysis.statistics import compare
from qcxr.analysis.subgroups import Breakdown, subgroup_files
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError
from qcxr.study.files import write_csv, write_text
from qcxr.study.studied import Studied

MADE = ("metrics", "tests", "estimates", "patients", "bootstrap", "subgroups", *ANSWERS)  # kinds that are made again


@dataclass(frozen=True)
class Reanalysis:
    """The analysis of a study from the files in `given` (a results folder) to a folder `out` of the same layout.

    said: the configuration as the report shows it. threads: of the bootstrap.
    """

    study: Studied
    given: Path
    out: Path
    said: Mapping[str, Any]
    threads: int = 2

    @cached_property
    def old(self) -> Layout:
        """What is taken as it is."""
        return Layout(self.study, self.given)

    @cached_property
    def new(self) -> Layout:
        """What is made."""
        return Layout(self.study, self.out)

    def run(self) -> str:
        """Do all of it; the summary. Raises `InputError` for a file that is missing or malformed."""
        if gone := [path for path in self._needed() if not path.is_file()]:
            raise InputError(
                f"{gone[0]} is not there: the study was not finished; its analysis can be done again when it is"
            )
        self._score()
        self._of_cases()
        self._compare()
        drawn = self._draw()
        return self._tell(drawn)

    def _needed(self) -> Iterator[Path]:
        """All that is taken as it lies there."""
        kinds = [*self.old.studied, *(kind for name in self.old.figures for kind in self.old.drawn_from(name))]
        yield from (path for kind in dict.fromkeys(kinds) if kind not in MADE for path in self.old.many(kind))
        for run in self.study.runs:
            yield from (self.old.predictions(run, dataset) for dataset in ("validation", *self.study.test_on))
        yield from (self.old.attributes(case[1]) for case in self.old.grouped)
        yield from (*self.old.audits, *self.old.leaks)
        if self.study.circuit:
            yield self.given / "figures/circuit.png"

    def _files(self, kind: str) -> Paths:
        return (self.new if kind in MADE else self.old).files(kind)

    @cached_property
    def _frequencies(self) -> Frequencies:
        rules = self.study.analysis
        counts = read_table(self.old.counts(self.study.trained_on)).query("split == 'train'")
        return Frequencies(
            dict(zip(counts["label"], counts["n_positive"], strict=True)),
            head_above=rules.head_over,
            tail_below=rules.tail_under,
            quantiles=(rules.quantiles[0], rules.quantiles[1]) if rules.quantiles else None,
        )

    def _score(self) -> None:
        own = own_metrics(self.study.analysis.metrics)
        for run, dataset in tqdm(self.new.tested, unit="table", desc="score", disable=None, leave=False):
            score_run(
                self.old.predictions(run, dataset),
                self.old.predictions(run, "validation"),
                self.new.scores(run, dataset),
                run=RunKey(run.task, run.arm.head, run.seed, dataset, run.arm.variant),
                frequencies=self._frequencies,
                own=own,
            )

    def _of_cases(self) -> None:
        """What patients vary, intervals over patients, and subgroups, of every task, test set and variant."""
        rules, grouped = self.study.analysis, self.new.grouped
        heads, against = self.study.heads, rules.against
        for case in tqdm(self.new.cases, unit="case", desc="patients", disable=None, leave=False):
            files = [self.old.predictions(run, case[1]) for run in self.old.standing(case)]
            common: dict[str, Any] = {"heads": heads, "against": against, "variant": case[2]}
            patients_files(files, self.new.of_case("patients", case), frequencies=self._frequencies, **common)
            if rules.bootstrap:
                drawn = Resampling(rules.bootstrap, seed=rules.bootstrap_seed, threads=self.threads)
                bootstrap_files(files, self.new.of_case("bootstrap", case), resampling=drawn, **common)
            if case in grouped:
                told = rules.model_dump() | {"heads": heads}
                breakdown = Breakdown(**{field.name: told[field.name] for field in fields(Breakdown)})
                out = self.new.of_case("subgroups", case)
                subgroup_files(files, self.old.attributes(case[1]), out, breakdown=breakdown)

    def _compare(self) -> None:
        rules, outline = self.study.analysis, self.new.outline
        metrics, patients = (
            read_metrics([self.new.scores(*place) for place in self.new.tested]),
            load("patients", self._files("patients")),
        )
        tests = compare(
            metrics,
            heads=list(outline.heads),
            against=rules.against,
            outline=outline,
            patients=patients,
            inference=Inference.of(rules),
            own=rules.metrics,
        )
        known = estimates(metrics, patients=patients, outline=outline, own=rules.metrics)
        for name, frame in {"metrics": metrics, "tests": tests, "estimates": known}.items():
            write_csv(frame, self.out / f"{name}.csv")
        asked = {kind: self._files(kind) for kind in ("metrics", "patients")}
        if self.old.searched:
            asked["search"] = self._files("search")
        answers = {name: self.out / f"{name}.csv" for name in ANSWERS}
        heads = list(outline.heads)
        questions(asked, answers, heads=heads, against=rules.against, outline=outline, adjust=rules.adjust)

    def _draw(self) -> list[Path]:
        """Every figure, and the circuit's as it was drawn: that takes JAX."""
        drawn = []
        if self.study.circuit:
            drawn.append(self.out / "figures/circuit.png")
            drawn[0].parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.given / "figures/circuit.png", drawn[0])
        for name in tqdm(self.new.figures, unit="figure", desc="draw", disable=None, leave=False):
            png = self.out / f"figures/{name}.png"
            figures.draw(
                name,
                {kind: self._files(kind) for kind in self.new.drawn_from(name)},
                out_pdf=png.with_suffix(".pdf"),
                out_png=png,
                outline=self.new.outline,
                options={key: getattr(self.study.analysis, key) for key in figures.spec(name).options},
            )
            drawn.append(png)
        return drawn

    def _tell(self, drawn: list[Path]) -> str:
        """Tables, summary and report."""
        told = self.study
        shown = Shown(Inference.of(told.analysis), told.analysis.sd)
        files = {kind: self._files(kind) for kind in self.new.studied}
        results = read_results(files, outline=self.new.outline, shown=shown)
        tables.write_tables(self.out / "tables", results, protocol=told.papers)
        summary = tables.summary_text(results.tests, results.metrics, outline=results.outline, shown=shown)
        there = Path(told.results, "report.html")  # as the study's own says
        write_text(f"{summary}\nThe report is {there}\n", self.out / "summary.txt")
        study = Study(
            config=self.said,
            protocol=told.papers,
            demo=told.demo,
            notes=left_out(self.old.audits, words="flagged by the audit"),
            learned=learned(results),
            leaks=leaked(self.old.leaks),
            patientless=told.patientless,
        )
        write_report(self.out / "report.html", results, study, figures=drawn)
        return summary
