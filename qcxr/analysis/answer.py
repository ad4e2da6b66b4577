"""The question of a study and its answer, in two sentences with numbers: functions of its tests and facts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from qcxr.analysis import paper
from qcxr.analysis.charts.scale import signed
from qcxr.analysis.evidence import at, bases, evidence
from qcxr.analysis.facts import Facts
from qcxr.analysis.formats import mean_sd, p_value
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, metric_name, task_name
from qcxr.analysis.results import Results

ADJUSTED = {
    "holm": "Holm", "hochberg": "Hochberg", "bonferroni": "Bonferroni", "bh": "Benjamini-Hochberg",
    "by": "Benjamini-Yekutieli",
}  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """question; verdict: the answer in a sentence; numbers: how sure it is; notes: what its reader must know too."""

    question: str
    verdict: str
    numbers: str = ""
    notes: tuple[str, ...] = ()


def answer(results: Results, facts: Facts, *, metric: str = "auroc") -> Answer:
    """Answer by the means over labels of a metric; where something varies, of the base variant."""
    base = results.at_base()
    rows = at(evidence(base.tests, alpha=facts.alpha), metric=metric)
    rows = rows[rows["difference"].notna()]
    name = f"mean {metric_name(metric)}"
    if rows.empty:
        return _alone(base.metrics, facts, metric)
    notes = _notes(rows, facts)
    if rows[["head_a", "head_b"]].drop_duplicates().shape[0] == 1:
        verdict, numbers = _pair(rows.to_dict("records"), facts, name)
        a, b = (head_name(rows[f"head_{side}"].iloc[0]) for side in "ab")
        return Answer(f"Does {b} reach a higher {name} than {a}?", verdict, numbers, notes)
    said = [_many(part, facts, name) for _, part in rows.groupby("head_a", sort=False)]
    others = rows["head_b"].nunique()
    references = listed([head_name(head) for head in rows["head_a"].unique()])
    question = f"Does any of {others} heads reach a higher {name} than {references}?"
    return Answer(question, " ".join(verdict for verdict, _ in said), " ".join(n for _, n in said), notes)


def _alone(metrics: pd.DataFrame, facts: Facts, metric: str) -> Answer:
    """Of heads that are compared with none: what they reach."""
    found = []
    for (head, task, dataset), part in at(metrics, metric=metric).groupby(["head", "task", "dataset"], sort=False):
        place, mean = _place({"task": task, "dataset": dataset}, facts), part["value"].mean()
        if pd.notna(mean):
            number = mean_sd(mean, part["value"].std(ddof=1))
            found.append((mean, f"{head_name(head)}{f' on {place}' * bool(place)} {number}"))
    heads = listed([head_name(head) for head in facts.heads])
    name = f"mean {metric_name(metric)}"
    question = f"Which {name} do{'es' * (len(facts.heads) == 1)} {heads} reach?"
    if not found:
        return Answer(question, f"No {name} is defined.")
    fewest, most = facts.seeds
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    spread = f" (mean ± sd over {seeds} seeds)" * (most > 1)
    shown = listed([text for _, text in found])
    if len(found) > 6:
        shown = f"from {min(found)[1]} to {max(found)[1]}"
    return Answer(question, f"{name[0].upper()}{name[1:]}: {shown}{spread}.", "No pair of heads, so no comparison.")


def _pair(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    return _at_one(rows[0], facts, name) if len(rows) == 1 else _at_several(rows, facts, name)


def _at_one(row: Row, facts: Facts, name: str) -> tuple[str, str]:
    """Two heads on one task and test set."""
    a, b = head_name(row["head_a"]), head_name(row["head_b"])
    gap = f"The difference, {a} minus {b}, is {signed(row['difference'])}{_interval(row)}"
    one = row["basis"] == "patients"
    of = " of these two trained models" * one
    if not row["basis"]:
        winner = a if row["difference"] > 0 else b
        reason = "without a second seed or patients there is no test" if row["n_seeds"] < 2 else row["reason"]
        return f"{winner} has the higher {name}{of}: {_both(row)}.", f"{gap}; {reason or 'it was not tested'}."
    tested = _p(row)
    if row["significant"]:
        winner = a if row["difference"] > 0 else b
        small = f", yet within ±{facts.margin:g}, where two heads count as equivalent" * bool(row["equivalent"])
        return f"{winner} has the higher {name}{of}: {_both(row)}.", f"{gap}, significant ({tested}){small}."
    if row["equivalent"]:
        verdict = f"{a} and {b} are equivalent in {name} within {facts.margin:g}{of}: {_both(row, ' and ')}."
        return verdict, f"{gap}; no difference was found ({tested})."
    verdict = f"No difference in {name}{of} was found between {a} and {b}: {_both(row, ' and ')}."
    return verdict, f"{gap}, not significant ({tested}){_power([row], facts)}."


def _at_several(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    """Two heads on several tasks and test sets."""
    a, b = head_name(rows[0]["head_a"]), head_name(rows[0]["head_b"])
    tested = [row for row in rows if row["basis"]]
    one = {row["basis"] for row in tested} == {"patients"}
    of = " of these trained models" * one
    if not tested:
        better = sum(row["difference"] > 0 for row in rows)
        verdict = f"{a} has the higher {name} on {_count(better, rows, facts)}."
        return verdict, f"{_range(rows, facts, a, b)}; without a second seed or patients there is no test."
    sure_a = [row for row in tested if row["significant"] and row["difference"] > 0]
    sure_b = [row for row in tested if row["significant"] and row["difference"] < 0]
    equal = [row for row in tested if not row["significant"] and row["equivalent"]]
    unsure = [row for row in tested if not row["significant"] and not row["equivalent"]]
    if not sure_a and not sure_b and not equal:
        verdict = f"No difference in {name}{of} was found between {a} and {b} on any of {_all(rows, facts)}."
    else:
        won = [(head, found) for head, found in ((a, sure_a), (b, sure_b)) if found]
        parts = [f"{won[0][0]} has the higher {name}{of} on {_count(len(won[0][1]), rows, facts)}"] if won else []
        parts += [f"{head} on {len(found)}" for head, found in won[1:]]
        if equal:
            where = _count(len(equal), rows, facts) if not parts else str(len(equal))
            parts.append(f"{'they' if parts else f'{a} and {b}'} are equivalent within {facts.margin:g} on {where}")
        if unsure:
            parts.append(f"on {len(unsure)} no difference was found")
        verdict = f"{'; '.join(parts)}."
    return verdict, f"{_range(rows, facts, a, b)}; {_rule(tested, facts)}{_power(unsure, facts)}."


def _many(part: pd.DataFrame, facts: Facts, name: str) -> tuple[str, str]:
    """All heads that are compared with one reference."""
    rows: list[Row] = part.to_dict("records")
    reference, heads = head_name(rows[0]["head_a"]), part["head_b"].nunique() + 1
    places = part.groupby(["task", "dataset"], sort=False)
    best = [frame.loc[frame["mean_b"].idxmax()].to_dict() for _, frame in places]
    first = [head_name(row["head_b"]) if row["mean_b"] > row["mean_a"] else reference for row in best]
    if len(best) == 1:
        row, against = best[0], f"against {reference}'s {best[0]['mean_a']:.3f}"
        if first[0] == reference:
            against = f"{head_name(row['head_b'])} follows with {row['mean_b']:.3f}"
        value = max(row["mean_a"], row["mean_b"])
        verdict = f"{first[0]} has the highest {name} of {heads} heads: {value:.3f}, {against}."
    else:
        counted = sorted(dict.fromkeys(first), key=lambda head: -first.count(head))
        every = len(counted) == 1
        parts = [f"{head} on {'all ' * every}{first.count(head)}" for head in counted[:4]]
        more = f" (and {len(counted) - 4} others on one or few)" * (len(counted) > 4)
        verdict = f"The highest {name} of {heads} heads: {listed(parts)}{more} of {_all(best, facts)}."
    tested = [row for row in rows if row["basis"]]
    if not tested:
        return verdict, "Without a second seed or patients there is no test."
    sure = [row for row in tested if row["significant"]]
    rest = [row for row in tested if not row["significant"]]
    higher = sum(row["difference"] < 0 for row in sure)  # the difference is reference minus head
    if not sure:
        numbers = f"None of {len(tested)} differences from {reference} is significant"
        return verdict, f"{numbers} ({_rule(tested, facts)}){_power(rest, facts)}."
    numbers = (
        f"{len(sure)} of {len(tested)} differences from {reference} {'is' if len(sure) == 1 else 'are'} significant: "
        f"{higher} higher, {len(sure) - higher} lower"
    )
    top = min(tested, key=lambda row: row["difference"])
    if top["difference"] < 0:
        place = _place(top, facts)
        numbers += f"; most above it is {head_name(top['head_b'])}{f' on {place}' * bool(place)}"
        numbers += f" by {-top['difference']:.3f}{_interval(top, flip=True)}"
    return verdict, f"{numbers}; {_rule(tested, facts)}{_power(rest, facts)}."


def _notes(rows: pd.DataFrame, facts: Facts) -> tuple[str, ...]:
    """Base variant, collapsed runs, tests to read instead, trained models, missing intervals."""
    notes = [f"Of what is varied, here at {facts.base}."] if facts.varied else []
    collapsed = list(dict.fromkeys(text for text in rows["collapsed"] if text))
    if collapsed:
        notes.append(f"Collapsed runs, far below the others of their head, are in these numbers: {'; '.join(collapsed)}.")
    for reading, part in rows[rows["reading"] != ""].groupby("reading", sort=False):
        where = list(dict.fromkeys(filter(None, (_place(row, facts) for row in part.to_dict("records")))))
        notes.append(f"{listed(where)}: {reading}." if where else f"{reading[0].upper()}{reading[1:]}.")
    if bases(rows) == ["patients"]:
        notes.append("This speaks of these trained models: another training may differ by more than other patients do.")
    if "seeds" in bases(rows) and rows["total_low"].isna().all():
        notes.append("Intervals are over seeds alone: how other trainings on the same films would differ.")
    if facts.like_paper and (theirs := _papers(rows, facts)):
        notes.append(theirs)
    return tuple(notes)


def _papers(rows: pd.DataFrame, facts: Facts) -> str:
    """What the paper reports at the same places: its differences of rounded means, its raw p."""
    found = []
    for row in rows.to_dict("records"):
        means = [paper.MEAN_AUROC.get((row["task"], row["dataset"], row[f"head_{side}"])) for side in "ab"]
        if row["metric"] == "auroc" and means[0] and means[1]:
            found.append((means[0][0] - means[1][0], paper.P_VALUE[row["task"], row["dataset"]], row))
    if not found:
        return ""
    found.sort(key=lambda item: item[0])
    ends = [f"{signed(gap, 2)} ({_place(row, facts) or 'there'})" for gap, _, row in (found[0], found[-1])]
    p = sorted(value for _, value, _ in found)
    return (
        f"The paper reports differences of {' to '.join(dict.fromkeys(ends))}, p {' to '.join(f'{v:g}' for v in dict.fromkeys((p[0], p[-1])))} "
        "by paired t-tests over five seeds, uncorrected."
    )


def _place(row: Row, facts: Facts) -> str:
    """Task and test set of a row, as far as the study has several."""
    task = task_name(row["task"]) if len(facts.tasks) > 1 else ""
    dataset = dataset_name(row["dataset"]) if len(facts.datasets) > 1 else ""
    return ", ".join(filter(None, (task, dataset)))


def _all(rows: list[Row], facts: Facts) -> str:
    what = "tasks" if len(facts.datasets) == 1 else "test sets" if len(facts.tasks) == 1 else "pairs of task and test set"
    return f"{len(rows)} {what}"


def _count(n: int, rows: list[Row], facts: Facts) -> str:
    if n == len(rows):
        return f"{'both' if n == 2 else 'all'} {_all(rows, facts).removeprefix('2 ' if n == 2 else '')}"
    return f"{n} of {_all(rows, facts)}"


def _both(row: Row, joined: str = " against ") -> str:
    """The means of both heads, the higher first where they are set against each other."""
    means = [row["mean_a"], row["mean_b"]]
    named = [f"{mean:.3f} ({head_name(row[f'head_{side}'])})" for mean, side in zip(means, "ab", strict=True)]
    return joined.join(named if means[0] >= means[1] or "and" in joined else named[::-1])


def _interval(row: Row, *, flip: bool = False) -> str:
    if pd.isna(row["low"]):
        return ""
    low, high = (-row["high"], -row["low"]) if flip else (row["low"], row["high"])
    return f" (95 % interval {signed(low)} to {signed(high)}, over {row['basis']})"


def _p(row: Row) -> str:
    shown = p_value(row["p_read"])
    return f"{'adjusted ' * bool(row['adjusted'])}p {shown}"


def _range(rows: list[Row], facts: Facts, a: str, b: str) -> str:
    low, high = min(rows, key=lambda row: row["difference"]), max(rows, key=lambda row: row["difference"])
    ends = []
    for row in (low, high):
        at_ = f" on {_place(row, facts)}" * bool(_place(row, facts))
        ends.append(f"{signed(row['difference'])}{at_}{_interval(row)}")
    return f"{a} minus {b} is {ends[0]} to {ends[1]}"


def _rule(rows: list[Row], facts: Facts) -> str:
    """By which p something is called significant."""
    if not all(row["adjusted"] for row in rows):
        return f"significant is p < {facts.alpha:g}, not adjusted for the number of comparisons"
    if facts.adjust == "none":
        return f"significant is p < {facts.alpha:g}, by your configuration not adjusted"
    by = f", by {ADJUSTED[facts.adjust]}" if facts.adjust in ADJUSTED else ""
    return f"significant is an adjusted p < {facts.alpha:g}{by}"


def _power(rows: Iterable[Row], facts: Facts) -> str:
    """What would have been found where nothing was; "" if it is not known."""
    found = sorted(row["detectable"] for row in rows if pd.notna(row["detectable"]))
    if not found:
        return ""
    ends = " to ".join(dict.fromkeys(f"{value:.3f}" for value in (found[0], found[-1])))
    return f"; where none was found, one of {ends} would have been with {facts.power:.0%} power".replace("%", " %")
