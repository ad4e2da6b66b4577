"""Parts of the sentences that say what tests show: where something holds, by how much, by which p."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from qcxr.analysis.charts.scale import signed
from qcxr.analysis.facts import Facts
from qcxr.analysis.formats import p_value
from qcxr.analysis.inference import ADJUSTMENTS, UNADJUSTED
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, task_name

TOGETHER = "pairs of task and test set"
ONE = {"tasks": "task", "test sets": "test set", TOGETHER: "pair of task and test set"}
RULE = "significant is "  # what begins a sentence on which p is called so
Row = dict[str, Any]  # of `qcxr.analysis.evidence`


def at_place(row: Row, facts: Facts) -> str:
    """Task and test set of a row, as far as the study has several."""
    task = task_name(row["task"]) if len(facts.tasks) > 1 else ""
    dataset = dataset_name(row["dataset"]) if len(facts.datasets) > 1 else ""
    return ", ".join(filter(None, (task, dataset)))


def _all(rows: list[Row], facts: Facts) -> str:
    what = "tasks" if len(facts.datasets) == 1 else "test sets" if len(facts.tasks) == 1 else TOGETHER
    return f"{len(rows)} {what}"


def any_of(rows: list[Row], facts: Facts) -> str:
    """Of something that holds nowhere."""
    if len(rows) > 2:
        return f"any of {_all(rows, facts)}"
    return f"either {ONE[_all(rows, facts)[2:]]}"


def where(found: list[Row], rows: list[Row], facts: Facts) -> str:
    """Where something holds: everywhere, at a place or two by name, or at how many."""
    if len(found) == len(rows):
        return f"both {_all(rows, facts)[2:]}" if len(rows) == 2 else f"all {_all(rows, facts)}"
    if len(found) <= 2:
        return listed([at_place(row, facts) for row in found])
    return f"{len(found)} of {_all(rows, facts)}"


def both_means(row: Row, joined: str = " against ") -> str:
    """The means of both heads, the higher first where they are set against each other."""
    means = [row["mean_a"], row["mean_b"]]
    named = [f"{mean:.3f} ({head_name(row[f'head_{side}'])})" for mean, side in zip(means, "ab", strict=True)]
    return joined.join(named if means[0] >= means[1] or "and" in joined else named[::-1])


def interval(row: Row, *, flip: bool = False) -> str:
    if pd.isna(row["low"]):
        return ""
    low, high = (-row["high"], -row["low"]) if flip else (row["low"], row["high"])
    return f" (95 % interval {signed(low)} to {signed(high)} over {row['basis']})"


def p_said(row: Row, facts: Facts) -> str:
    """The p that words follow, and whether it was adjusted."""
    without = f", {UNADJUSTED}" * facts.unadjusted
    return f"{'adjusted ' * bool(row['adjusted'])}p {p_value(row['p_read'])}{without}"


def untested(rows: Iterable[Row]) -> str:
    """That there is no test, and why, as the rows themselves say it: each reason once."""
    reasons = "; ".join(dict.fromkeys(row["reason"] for row in rows if row["reason"]))
    return "there is no test" + f" ({reasons})" * bool(reasons)


def smallest_to_largest(rows: list[Row], facts: Facts, a: str, b: str) -> str:
    """The smallest and the largest difference, each with its interval."""
    texts, known = [], []
    for row in (min(rows, key=_difference), max(rows, key=_difference)):
        interval = "" if pd.isna(row["low"]) else f" [{signed(row['low'])}, {signed(row['high'])}]"
        texts.append(f"{signed(row['difference'])}{interval} on {at_place(row, facts)}")
        known += [row["basis"]] * bool(interval)
    over = f" (95 % intervals over {' or '.join(dict.fromkeys(known))})" * bool(known)
    return f"{a} minus {b} is {' to '.join(dict.fromkeys(texts))}{over}"


def _difference(row: Row) -> float:
    return float(row["difference"])


def rule(facts: Facts) -> str:
    """By which p something is called significant."""
    if facts.unadjusted:
        return f"{RULE}p < {facts.alpha:g}, as configured {UNADJUSTED}"
    return f"{RULE}adjusted p < {facts.alpha:g}, {ADJUSTMENTS[facts.adjust]}"


def power(rows: Iterable[Row], facts: Facts) -> str:
    """What would have been found where nothing was; "" if it is not known."""
    found = sorted(row["detectable"] for row in rows if pd.notna(row["detectable"]))
    if not found:
        return ""
    ends = " to ".join(dict.fromkeys(f"{value:.3f}" for value in (found[0], found[-1])))
    return f"; where none was found, one of {ends} would have been with {facts.power:.0%} power".replace("%", " %")
