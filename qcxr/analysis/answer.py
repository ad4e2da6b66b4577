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
TOGETHER = "pairs of task and test set"
ONE = {"tasks": "task", "test sets": "test set", TOGETHER: "pair of task and test set"}
RULE = "significant is "  # what begins a sentence on which p is called so
Row = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """question; verdict: the answer in a sentence; numbers: how sure it is; notes: what its reader must know too.

    more: the same of further references, for a place below the first screen.
    """

    question: str
    verdict: str
    numbers: str = ""
    notes: tuple[str, ...] = ()
    more: tuple[str, ...] = ()


def answer(results: Results, facts: Facts, *, metric: str = "auroc") -> Answer:
    """Answer by the means over labels of a metric; where something varies, of the base variant."""
    base = results.at_base()
    rows = at(evidence(base.tests, alpha=facts.alpha, adjust=facts.adjust), metric=metric)
    rows = rows[rows["difference"].notna()]
    name = f"mean {metric_name(metric)}"
    if rows.empty:
        return _alone(base.metrics, facts, metric)
    notes = _notes(rows, facts)
    if rows[["head_a", "head_b"]].drop_duplicates().shape[0] == 1:
        verdict, numbers = _pair(rows.to_dict("records"), facts, name)
        a, b = (head_name(rows[f"head_{side}"].iloc[0]) for side in "ab")
        return Answer(f"Does {b} reach a higher {name} than {a}?", verdict, numbers, notes)
    first, *more = [_many(part.to_dict("records"), facts, name) for _, part in rows.groupby("head_a", sort=False)]
    reference = rows[rows["head_a"] == rows["head_a"].iloc[0]]
    question = f"Does any of {reference['head_b'].nunique()} heads reach a higher {name} than "
    question += f"{head_name(reference['head_a'].iloc[0])}?"
    return Answer(question, *first, notes, tuple(numbers for _, numbers in more))


def _alone(metrics: pd.DataFrame, facts: Facts, metric: str) -> Answer:
    """Of heads that are compared with none: what they reach."""
    found = []
    for (head, task, dataset), part in at(metrics, metric=metric).groupby(["head", "task", "dataset"], sort=False):
        named = (head_name(head) if len(facts.heads) > 1 else "", _place({"task": task, "dataset": dataset}, facts))
        mean, where = part["value"].mean(), " on ".join(filter(None, named))
        if pd.notna(mean):
            found.append((mean, f"{mean_sd(mean, part['value'].std(ddof=1))}{f' ({where})' * bool(where)}"))
    heads = listed([head_name(head) for head in facts.heads])
    name, one = f"mean {metric_name(metric)}", len(facts.heads) == 1
    question = f"Which {name} do{'es' * one} {heads} reach?"
    if not found:
        return Answer(question, f"No {name} is defined.")
    fewest, most = facts.seeds
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    shown = listed([text for _, text in found]) if len(found) < 4 else f"{min(found)[1]} to {max(found)[1]}"
    spread = f"Mean ± sd over {seeds} seeds. " * (most > 1)
    return Answer(
        question, f"{heads} reach{'es' * one} a {name} of {shown}.", f"{spread}No pair of heads, so no comparison."
    )


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
        better = [row for row in rows if row["difference"] > 0]
        winner, found = (a, better) if better else (b, rows)
        verdict = f"{winner} has the higher {name}{of} on {_where(found, rows, facts)}."
        return verdict, f"{_range(rows, facts, a, b)}; without a second seed or patients there is no test."
    sure = {
        a: [row for row in tested if row["significant"] and row["difference"] > 0],
        b: [row for row in tested if row["significant"] and row["difference"] < 0],
    }
    equal = [row for row in tested if not row["significant"] and row["equivalent"]]
    unsure = [row for row in tested if not row["significant"] and not row["equivalent"]]
    if len(unsure) == len(rows):
        verdict = f"No difference in {name}{of} was found between {a} and {b} on {_any(rows, facts)}."
    else:
        won = [(head, found) for head, found in sure.items() if found]
        parts = [f"{head} has the higher {name}{of} on {_where(found, rows, facts)}" for head, found in won[:1]]
        parts += [f"{head} on {_where(found, rows, facts)}" for head, found in won[1:]]
        if equal:
            they = "they" if parts else f"{a} and {b}"
            parts.append(f"{they} are equivalent within {facts.margin:g} on {_where(equal, rows, facts)}")
        if unsure:
            parts.append(f"no difference was found on {_where(unsure, rows, facts)}")
        verdict = f"{'; '.join(parts)}."
    return verdict, f"{_range(rows, facts, a, b)}; {_rule(tested, facts)}{_power(unsure, facts)}."


def _many(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    """All heads that are compared with one reference."""
    reference = head_name(rows[0]["head_a"])
    tested = [row for row in rows if row["basis"]]
    if not tested:
        return _best(rows, facts, name), "Without a second seed or patients there is no test."
    sure = [row for row in tested if row["significant"]]
    rest = [row for row in tested if not row["significant"]]
    many = f"{len(sure) or 'None'} of {len(tested)} differences from {reference}"
    numbers = f"{many} {'is' if len(sure) < 2 else 'are'} significant ({_rule(tested, facts).removeprefix(RULE)})"
    if sure:
        higher = sum(row["difference"] < 0 for row in sure)  # the difference is reference minus head
        numbers += f": {higher or 'none'} higher, {len(sure) - higher or 'none'} lower"
    top = min(tested, key=lambda row: row["difference"])
    if top["difference"] < 0:
        place = _place(top, facts)
        numbers += f"; the largest upwards, {head_name(top['head_b'])}{f' on {place}' * bool(place)}, is "
        numbers += f"{signed(-top['difference'])}{_interval(top, flip=True)}"
    return _best(rows, facts, name), f"{numbers}{_power(rest, facts)}."


def _best(rows: list[Row], facts: Facts, name: str) -> str:
    """Which head has the highest mean of all, at every place."""
    reference, heads = head_name(rows[0]["head_a"]), len({row["head_b"] for row in rows}) + 1
    places: dict[tuple[str, str], Row] = {}
    for row in rows:
        place = (row["task"], row["dataset"])
        if place not in places or row["mean_b"] > places[place]["mean_b"]:
            places[place] = row
    best = list(places.values())
    sure = [row for row in best if row["significant"] and row["mean_b"] > row["mean_a"]]
    above = [row for row in best if row["mean_b"] > row["mean_a"]]
    hedge = ""
    if above and any(row["basis"] for row in above) and len(sure) < len(above):
        hedge = (
            f", significantly above {reference} on {len(sure)}" if sure else f", not significantly above {reference}"
        )
    winners: dict[str, list[Row]] = {}
    for row in best:
        winner = head_name(row["head_b"]) if row["mean_b"] > row["mean_a"] else reference
        winners.setdefault(winner, []).append(row)
    if len(best) == 1:
        (winner,), row = winners, best[0]
        second = f"{reference} has {row['mean_a']:.3f}"
        if winner == reference:
            second = f"{head_name(row['head_b'])} follows with {row['mean_b']:.3f}"
        value = max(row["mean_a"], row["mean_b"])
        return f"{winner} has the highest {name} of {heads} heads: {value:.3f}{hedge}; {second}."
    ordered = sorted(winners.items(), key=lambda item: -len(item[1]))
    parts = [f"{head} on {_where(found, best, facts)}" for head, found in ordered[:3]]
    others = f" and {len(ordered) - 3} others elsewhere" * (len(ordered) > 3)
    head, _, rest = listed(parts).partition(" on ")
    return f"{head} has the highest {name} of {heads} heads on {rest}{others}{hedge}."


def _notes(rows: pd.DataFrame, facts: Facts) -> tuple[str, ...]:
    """Base variant, collapsed runs, tests to read instead, trained models, missing intervals."""
    notes = [f"Of what is varied, here at {facts.base}."] if facts.varied else []
    collapsed = list(dict.fromkeys(text for text in rows["collapsed"] if text))
    if collapsed:
        notes.append(
            f"Collapsed runs, far below the others of their head, are in these numbers: {'; '.join(collapsed)}."
        )
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
    between = " to ".join(f"{value:g}" for value in dict.fromkeys((p[0], p[-1])))
    return (
        f"The paper reports {' to '.join(dict.fromkeys(ends))}, p {between} by paired t-tests over five seeds, "
        "uncorrected."
    )


def _place(row: Row, facts: Facts) -> str:
    """Task and test set of a row, as far as the study has several."""
    task = task_name(row["task"]) if len(facts.tasks) > 1 else ""
    dataset = dataset_name(row["dataset"]) if len(facts.datasets) > 1 else ""
    return ", ".join(filter(None, (task, dataset)))


def _all(rows: list[Row], facts: Facts) -> str:
    what = "tasks" if len(facts.datasets) == 1 else "test sets" if len(facts.tasks) == 1 else TOGETHER
    return f"{len(rows)} {what}"


def _any(rows: list[Row], facts: Facts) -> str:
    """Of something that holds nowhere."""
    if len(rows) > 2:
        return f"any of {_all(rows, facts)}"
    return f"either {ONE[_all(rows, facts)[2:]]}"


def _where(found: list[Row], rows: list[Row], facts: Facts) -> str:
    """Where something holds: everywhere, at a place or two by name, or at how many."""
    if len(found) == len(rows):
        return f"both {_all(rows, facts)[2:]}" if len(rows) == 2 else f"all {_all(rows, facts)}"
    if len(found) <= 2:
        return listed([_place(row, facts) for row in found])
    return f"{len(found)} of {_all(rows, facts)}"


def _both(row: Row, joined: str = " against ") -> str:
    """The means of both heads, the higher first where they are set against each other."""
    means = [row["mean_a"], row["mean_b"]]
    named = [f"{mean:.3f} ({head_name(row[f'head_{side}'])})" for mean, side in zip(means, "ab", strict=True)]
    return joined.join(named if means[0] >= means[1] or "and" in joined else named[::-1])


def _interval(row: Row, *, flip: bool = False) -> str:
    if pd.isna(row["low"]):
        return ""
    low, high = (-row["high"], -row["low"]) if flip else (row["low"], row["high"])
    return f" (95 % interval {signed(low)} to {signed(high)} over {row['basis']})"


def _p(row: Row) -> str:
    shown = p_value(row["p_read"])
    return f"{'adjusted ' * bool(row['adjusted'])}p {shown}"


def _range(rows: list[Row], facts: Facts, a: str, b: str) -> str:
    """The smallest and the largest difference, each with its interval."""
    texts, known = [], []
    for row in (min(rows, key=_difference), max(rows, key=_difference)):
        interval = "" if pd.isna(row["low"]) else f" [{signed(row['low'])}, {signed(row['high'])}]"
        texts.append(f"{signed(row['difference'])}{interval} on {_place(row, facts)}")
        known += [row["basis"]] * bool(interval)
    over = f" (95 % intervals over {' or '.join(dict.fromkeys(known))})" * bool(known)
    return f"{a} minus {b} is {' to '.join(dict.fromkeys(texts))}{over}"


def _difference(row: Row) -> float:
    return float(row["difference"])


def _rule(rows: list[Row], facts: Facts) -> str:
    """By which p something is called significant."""
    if facts.adjust == "none":
        return f"{RULE}p < {facts.alpha:g}, as configured not adjusted for the number of comparisons"
    if not all(row["adjusted"] for row in rows):
        return f"{RULE}p < {facts.alpha:g}, not adjusted for the number of comparisons"
    by = f", {ADJUSTED[facts.adjust]}" if facts.adjust in ADJUSTED else ""
    return f"{RULE}adjusted p < {facts.alpha:g}{by}"


def _power(rows: Iterable[Row], facts: Facts) -> str:
    """What would have been found where nothing was; "" if it is not known."""
    found = sorted(row["detectable"] for row in rows if pd.notna(row["detectable"]))
    if not found:
        return ""
    ends = " to ".join(dict.fromkeys(f"{value:.3f}" for value in (found[0], found[-1])))
    return f"; where none was found, one of {ends} would have been with {facts.power:.0%} power".replace("%", " %")
