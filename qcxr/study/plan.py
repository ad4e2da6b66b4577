"""`qcxr plan`: what Snakemake would run and why. It is asked (`qcxr.study.dryrun`), and its answer put into words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study import measured, runs
from qcxr.study.arms import Arm
from qcxr.study.config import Config
from qcxr.study.measured import Estimate
from qcxr.study.runs import Planned


@dataclass(frozen=True)
class Asking:
    """What Snakemake is asked with: configuration files over the first, cores, and its words for resources."""

    configfiles: Sequence[str] = ()
    cores: int | None = None
    resources: Sequence[str] = ()

    @property
    def words(self) -> list[str]:
        """As words of its command line."""
        words = ["--cores", str(self.usable)]
        for option, values in (("--configfile", self.configfiles), ("--resources", self.resources)):
            words += [option, *values] if values else []
        return words

    @property
    def usable(self) -> int:
        """The cores given, or this machine's."""
        return self.cores or os.cpu_count() or 1

    @property
    def devices(self) -> int | None:
        """The cards given; None without a word about them."""
        for word in self.resources:
            name, _, number = word.partition("=")
            if name == "gpu" and number.isdigit():
                return int(number)
        return None


def ask(asking: Asking) -> dict[str, Any]:
    """Snakemake's answer. Raises `InputError` with its own line if it plans nothing."""
    if not Path("Snakefile").is_file():
        raise InputError("there is no Snakefile in this folder; run qcxr plan where you run snakemake")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answer.json")
        done = subprocess.run(
            [sys.executable, "-m", "qcxr.study.dryrun", str(file), *asking.words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode or not file.is_file():
            lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
            said = next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), None)
            raise InputError(said or f"snakemake cannot plan: {' '.join(lines[-3:])}; see snakemake -n")
        return dict(json.loads(file.read_text(encoding="utf-8")))


@dataclass(frozen=True)
class Plan:
    """Snakemake's answer for a study, and what it may take."""

    answer: Mapping[str, Any]
    cfg: Config
    asking: Asking

    @property
    def jobs(self) -> Sequence[dict[str, Any]]:
        """All jobs that would run."""
        return self.answer["jobs"]

    @cached_property
    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """The jobs by rule, in the order in which rules can begin."""
        depths = measured.ends(self.jobs, [1.0] * len(self.jobs))
        found: dict[str, list[dict[str, Any]]] = {}
        for _, job in sorted(zip(depths, self.jobs, strict=True), key=lambda pair: (pair[0], pair[1]["rule"])):
            found.setdefault(job["rule"], []).append(job)
        return found

    @property
    def running(self) -> bool:
        """Whether a workflow holds this folder: what it is making now is planned too."""
        return bool(self.answer["running"])

    @cached_property
    def trained(self) -> list[tuple[Planned, dict[str, Any]]]:
        """The training runs among the jobs, in the study's order."""
        order = {run.name: number for number, run in enumerate(runs.every(self.cfg))}
        found = [(self._run(job), job) for job in self.jobs if job["rule"] == "train"]
        return sorted(found, key=lambda pair: order[pair[0].name])

    @cached_property
    def estimates(self) -> list[Estimate | None]:
        """What each job may take; None where nothing like it has been measured."""
        known = measured.Runs(self.cfg.results)
        made = {**self.cfg.arms, **self.cfg.trials}
        found: list[Estimate | None] = []
        for job in self.jobs:
            if job["rule"] == "train":
                run = self._run(job)
                recipe = made[run.arm]
                found.append(known.estimate(run, kind=recipe.kind, epochs=recipe.train.epochs))
            else:
                took = self.answer["measured"].get(job["rule"])
                found.append(Estimate(took["seconds"], "of the same rule") if took else None)
        return found

    @property
    def unmeasured(self) -> dict[str, int]:
        """How many jobs of each rule nothing is known of."""
        found: dict[str, int] = {}
        for job, estimate in zip(self.jobs, self.estimates, strict=True):
            if estimate is None:
                found[job["rule"]] = found.get(job["rule"], 0) + 1
        return found

    @cached_property
    def expected(self) -> dict[str, Any]:
        """Device-hours, seconds of all jobs one by one, and seconds until the end at least; of what was measured."""
        seconds = [estimate.seconds if estimate else 0.0 for estimate in self.estimates]
        wall = measured.wall_seconds(self.jobs, seconds, cores=self.asking.usable, devices=self.asking.devices)
        return {
            "device_hours": round(measured.device_seconds(self.jobs, seconds) / 3600, 4),
            "job_seconds": round(sum(seconds), 1),
            "wall_seconds_at_least": round(wall, 1),
            "cores": self.asking.usable,
            "devices": self.asking.devices,
            "unmeasured": self.unmeasured,
        }

    def to_json(self) -> dict[str, Any]:
        """All of it: every job with its reasons and seconds, runs by name, and what is expected."""
        jobs = [
            {key: job[key] for key in ("rule", "output", "wildcards", "reasons")}
            | ({"seconds": round(estimate.seconds, 2), "basis": estimate.basis} if estimate else {"seconds": None})
            for job, estimate in zip(self.jobs, self.estimates, strict=True)
        ]
        return {
            "snakemake": self.answer["snakemake"],
            "running": self.running,
            "rules": {rule: len(jobs) for rule, jobs in self.rules.items()},
            "runs": [run.name for run, _ in self.trained],
            "all_runs": len(runs.every(self.cfg)),
            "jobs": jobs,
            "expected": self.expected,
        }

    def _run(self, job: Mapping[str, Any]) -> Planned:
        given = job["wildcards"]
        return Planned(given["task"], Arm(given["head"], given["variant"].removeprefix("/"), {}), int(given["seed"]))


def plan(cfg: Config, asking: Asking) -> Plan:
    """Ask Snakemake about a study. Raises `InputError`."""
    return Plan(ask(asking), cfg, asking)
