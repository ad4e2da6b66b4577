"""A plan as a person reads it: training runs by task, head and seed, jobs by rule, reasons in words, and the time."""

from __future__ import annotations

import shutil
import textwrap
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.study import changes
from qcxr.study.arms import TRIAL
from qcxr.study.changes import Reason
from qcxr.study.plan import Plan
from qcxr.study.runs import Planned, every

LINES = 20  # of a section
KEYS = 3  # of settings that changed
WHYS = 3  # reasons of a rule
HEADS = 6  # named one by one
PLAIN = {
    "new": "never made yet",
    "gone": "its files are gone",
    "unfinished": "was not finished last time",
    "forced": "forced",
    "code": "its code changed",
    "templates": "its page templates changed",
    "script": "its rule changed",
    "software": "its software environment changed",
    "parameters": "its parameters changed",
}
# what a reader asks first; a job that is new has no other reason
ORDER = ("forced", "unfinished", "new", "gone", "settings", "code", "templates", "parameters", "script", "newer")


def text(plan: Plan) -> str:
    """The whole plan."""
    if not plan.jobs:
        return "nothing to do: all files of the study are there and up to date"
    width = shutil.get_terminal_size((120, 40)).columns
    runs = f", with {len(plan.trained)} of the study's {len(every(plan.cfg))} training runs" if plan.trained else ""
    lines = [f"{_count(len(plan.jobs), 'job')} to run{runs}"]
    if plan.running:
        lines.append("another workflow runs in this folder: what it is making is counted too")
    if plan.trained:
        lines += ["", "training runs", *_columns(_run_rows(plan), width)]
    lines += ["", "jobs by rule", *_columns(_rule_rows(plan), width), "", *_expected(plan)]
    return "\n".join(lines)


def why(reasons: Sequence[Reason], *, run: str = "") -> str:
    """The reasons of one job in words; `run` says what a run that is new is, in place of "never made yet"."""
    ranked = sorted(reasons, key=lambda reason: ORDER.index(reason["kind"]) if reason["kind"] in ORDER else len(ORDER))
    if ranked[0]["kind"] == "new":
        return run or PLAIN["new"]
    if any(reason["kind"] != "remade" for reason in ranked):
        # that another job runs first is worth a word only where it is the reason
        ranked = [reason for reason in ranked if reason["kind"] != "remade"]
    if any(reason["kind"] == "settings" for reason in ranked):
        # nor that there are other inputs, which follow from the settings
        ranked = [reason for reason in ranked if reason["kind"] != "inputs"]
    return "; ".join(map(_said, ranked))


def _said(reason: Reason) -> str:
    kind = reason["kind"]
    if kind == "settings":
        changed = changes.in_words(changes.settled(reason["changes"]))
        more = f" and {_count(len(changed) - KEYS, 'more key')}" if len(changed) > KEYS else ""
        return f"settings changed: {', '.join(changed[:KEYS])}{more}"
    if kind == "newer":
        names = list(dict.fromkeys(Path(file).name for file in reason["files"]))
        return f"newer than what was made of it: {_some(names, reason['number'])}"
    if kind == "inputs":
        if reason["more"] + reason["fewer"] == 1:
            return f"other inputs: {'with' if reason['more'] else 'without'} {[*reason['gained'], *reason['lost']][0]}"
        moved = [f"{reason[side]} {side}" for side in ("more", "fewer") if reason[side]]
        return f"other inputs: {' and '.join(moved) or 'in another order'}"
    if kind == "remade":
        return f"its inputs are made again by {', '.join(reason['rules'])}"
    return PLAIN.get(kind) or str(reason.get("text", kind))


def _rule_rows(plan: Plan) -> list[tuple[str, str]]:
    rows = []
    for rule, jobs in plan.rules.items():
        counts = Counter(why(job["reasons"], run="never run yet" if rule == "train" else "") for job in jobs)
        told = [words if len(counts) == 1 else f"{words} ({n})" for words, n in counts.most_common(WHYS)]
        more = sum(counts.values()) - sum(n for _, n in counts.most_common(WHYS))
        rows.append((f"{rule:<11}{len(jobs):>6}", "; ".join(told) + (f"; other reasons ({more})" if more else "")))
    return rows


def _run_rows(plan: Plan) -> list[tuple[str, str]]:
    """One row for all runs that can be named together: same reason, same seeds and variants, any heads and tasks."""
    reasons: dict[str, dict[tuple[str, str], list[Planned]]] = defaultdict(lambda: defaultdict(list))
    for run, job in plan.trained:
        begun = Path(plan.cfg.results, "work", run.name).is_dir()
        new = "begun, not finished" if begun else "never run yet"
        reasons[why(job["reasons"], run=new)][run.task, run.arm.head].append(run)
    rows = []
    for words, found in reasons.items():
        heads: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (task, head), runs in found.items():
            heads[task, _seeds(runs)].append(head)
        tasks: dict[tuple[str, str], list[str]] = defaultdict(list)
        for (task, seeds), names in heads.items():
            tasks[_heads(names, plan.cfg.names), seeds].append(task)
        rows += [(f"{', '.join(named)}: {names} {seeds}", words) for (names, seeds), named in tasks.items()]
    return rows


def _heads(names: Collection[str], every: Sequence[str]) -> str:
    ordered = [name for name in every if name in names]
    return ", ".join(ordered) if len(ordered) <= HEADS else f"{len(ordered)} heads ({', '.join(ordered[:3])}, …)"


def _seeds(runs: Sequence[Planned]) -> str:
    """The seeds, variants and trials of some runs of one head.

    "seeds 0-4 at 3 variants", "24 trials"
    """
    seeds: dict[str, set[int]] = defaultdict(set)
    trials = [run for run in runs if run.arm.variant.startswith(TRIAL)]
    for run in runs:
        if run not in trials:
            seeds[run.arm.variant].add(run.seed)
    told = [_count(len(trials), "trial")] if trials else []
    if seeds:
        every_one = set.union(*seeds.values())
        part = f"seed{'s' * (len(every_one) > 1)} {_ranges(every_one)}"
        if len(seeds) > 1:
            part += f" at {len(seeds)} variants"
        elif variant := next(iter(seeds)):
            part += f" at {variant}"
        if any(own != every_one for own in seeds.values()):
            part += f" ({sum(map(len, seeds.values()))} runs)"
        told.append(part)
    return " and ".join(told)


def _ranges(numbers: Collection[int]) -> str:
    """Numbers with their runs drawn together: `0-4, 7`."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in found)


def _expected(plan: Plan) -> list[str]:
    """How long it may take, from what was measured here."""
    expected: Mapping[str, Any] = plan.expected
    unmeasured = dict(expected["unmeasured"])
    if sum(unmeasured.values()) == len(plan.jobs):
        return ["expected: no run of this kind has been measured here, nor another of these jobs"]
    cards = f" and {_count(expected['devices'], 'device')}" if expected["devices"] else ""
    lines = [
        f"expected, by medians of finished jobs: {_hours(expected['device_hours'])} device-hours; "
        f"at least {_duration(expected['wall_seconds_at_least'])} on {_count(expected['cores'], 'core')}{cards}"
    ]
    every_one = zip(plan.jobs, plan.estimates, strict=True)
    bases = Counter(known.basis for job, known in every_one if known and job["rule"] == "train")
    if bases:
        told = ", ".join(f"{n} by runs {basis}" for basis, n in bases.most_common(WHYS))
        lines.append(f"  training runs: {told}")
    if runs := unmeasured.pop("train", 0):
        lines.append(f"  no run of this kind has been measured: {_count(runs, 'run')} not counted")
    if unmeasured:
        jobs = ", ".join(f"{n} of {rule}" for rule, n in unmeasured.items())
        lines.append(f"  no job of these rules has been measured, not counted: {jobs}")
    return lines


def _columns(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """Two columns, the second wrapped; rows beyond the section's limit are counted."""
    left = min(max(len(label) for label, _ in rows[:LINES]), 44)
    lines = []
    for label, words in rows[:LINES]:
        first = f"  {label.ljust(left)}  "
        if len(label) > left:
            lines.append(f"  {label}")
            first = " " * (left + 4)
        lines += textwrap.wrap(
            words,
            max(width, left + 40),
            initial_indent=first,
            subsequent_indent=" " * (left + 4),
            break_long_words=False,
        )
    if len(rows) > LINES:
        lines.append(f"  … and {_count(len(rows) - LINES, 'more line')}: --json has all")
    return lines


def _some(names: Sequence[str], number: int) -> str:
    return ", ".join(names[:2]) + (f" and {number - 2} more" if number > 2 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _hours(hours: float) -> str:
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
