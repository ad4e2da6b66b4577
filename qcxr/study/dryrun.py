"""What Snakemake would run and why, as JSON: `python -m qcxr.study.dryrun FILE [words of the snakemake command]`.

This is `snakemake -n` itself, profile and all; the graph of jobs that it has built is read before it is thrown away.
(Its printed reasons are sentences cut for the screen, without the parameters of before.) In a process of its own, since
Snakemake takes over logging and ends processes. What a later Snakemake tells in another way is an error, not a guess.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from snakemake import api, cli
from snakemake.common import __version__
from snakemake.settings.enums import RerunTrigger

from qcxr.study import changes
from qcxr.study.changes import Reason

SHOWN = 5  # files that a reason names


class Asked(api.SnakemakeApi):
    """Snakemake's API, which keeps what its graph says when it is left without an error."""

    answer: dict[str, Any] | None = None
    _failed = False

    def print_exception(self, ex: Exception) -> None:
        """Say what went wrong, as Snakemake does."""
        self._failed = True
        super().print_exception(ex)

    def __exit__(self, *raised: Any) -> None:
        if not self._failed and raised[0] is None:
            assert self._workflow_api is not None and self._workflow_api._workflow_store is not None
            Asked.answer = answer(self._workflow_api._workflow_store.dag)
        super().__exit__(*raised)


def answer(dag: Any) -> dict[str, Any]:
    """All jobs that would run with their reasons, those they wait for, and what finished ones of their rules took."""
    # rules that run nothing (`all`) are no work
    jobs = sorted((job for job in dag.needrun_jobs() if not job.rule.norun), key=lambda job: str(job.output[0]))
    numbers = {job: number for number, job in enumerate(jobs)}
    return {
        "snakemake": __version__,
        "running": dag.workflow.persistence.locked,
        "jobs": [
            {
                "rule": job.rule.name,
                "output": str(job.output[0]),
                "wildcards": dict(job.wildcards_dict),
                "threads": int(job.threads),
                "devices": int(job.resources.get("gpu", 0)),
                "resources": {name: value for name, value in job.resources.items() if isinstance(value, int)},
                "after": sorted(numbers[other] for other in dag.dependencies[job] if other in numbers),
                "reasons": reasons(job, dag),
            }
            for job in jobs
        ],
        "measured": measured(dag),
    }


def reasons(job: Any, dag: Any) -> list[Reason]:
    """Why a job would run: all that holds, where Snakemake stops at the first."""
    why, store, triggers = dag.reason(job), dag.workflow.persistence, dag.workflow.rerun_triggers
    wildcards = job.wildcards_dict
    records = {str(file): store.metadata(file) for file in job.output}
    found: list[Reason] = []
    if why.forced:
        found.append({"kind": "forced" if dag.forcefiles.isdisjoint(job.output) else "unfinished"})
    if missing := sorted(map(str, why.missing_output)):
        known = any(records.get(file) for file in missing)
        found.append({"kind": "gone", **_files(missing)} if known else {"kind": "new"})
    if RerunTrigger.PARAMS in triggers and (changed := store.params_changed(job)):
        found += changes.reasons(job.rule.name, wildcards, before=changed.only_old, now=changed.only_new)
    if RerunTrigger.INPUT in triggers and any(store.input_changed(job)):
        found.append(_other_inputs(job, records))
    if newer := sorted(map(str, why.updated_input - why.updated_input_run)):
        found.append({"kind": "newer", **_files(newer)})
    if why.code_changed:
        found.append({"kind": "script"})
    if why.software_stack_changed:
        found.append({"kind": "software"})
    if why.updated_input_run:
        again = {other.rule.name for other in dag.dependencies[job] if dag.needrun(other)}
        found.append({"kind": "remade", "rules": sorted(again)})
    return found or [{"kind": "other", "text": str(why)}]


def measured(dag: Any) -> dict[str, dict[str, float]]:
    """Of each rule: the median of the seconds that its finished jobs took, by Snakemake's records, and their number."""
    seconds = defaultdict(list)
    for job in dag.jobs:
        records = [record for file in job.output if (record := dag.workflow.persistence.metadata(file))]
        ends = [record.endtime - record.starttime for record in records if record.starttime and record.endtime]
        if ends and max(ends) > 0:
            seconds[job.rule.name].append(max(ends))
    return {
        rule: {"seconds": round(statistics.median(each), 2), "jobs": len(each)}
        for rule, each in sorted(seconds.items())
    }


def _other_inputs(job: Any, records: dict[str, Any]) -> Reason:
    now = set(map(str, job.input))
    before = {file for record in records.values() if record and record.input is not None for file in record.input}
    gained, lost = sorted(now - before), sorted(before - now)
    return {"kind": "inputs", "more": len(gained), "fewer": len(lost), "gained": gained[:SHOWN], "lost": lost[:SHOWN]}


def _files(files: list[str]) -> dict[str, Any]:
    return {"files": files[:SHOWN], "number": len(files)}


def main(file: str, *words: str) -> int:
    """Write the answer to `file`; the status is 0 if there is one."""
    cli.SnakemakeApi = Asked
    parser, arguments = cli.parse_args(["--dry-run", "--quiet", *words])
    arguments.quiet = cli.parse_quietness([])  # the profile's does not count: without it every job would be printed
    try:
        cli.args_to_api(arguments, parser)
    except (AttributeError, TypeError, KeyError) as error:
        print(
            f"error: Snakemake {__version__} tells its reasons in another way than is understood here "
            f"({type(error).__name__}: {error}); use snakemake -n, and see qcxr/study/dryrun.py",
            file=sys.stderr,
        )
        return 1
    if Asked.answer is None:
        return 1
    Path(file).write_text(json.dumps(Asked.answer), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
