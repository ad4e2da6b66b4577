"""The question of a study and its answer, in two sentences with numbers: functions of its tests and facts."""

from dataclasses import dataclass

import pandas as pd

from qcxr.analysis import paper
from qcxr.analysis.best import many
from qcxr.analysis.charts.scale import signed
from qcxr.analysis.comparisons import leading
from qcxr.analysis.evidence import at, bases, evidence
from qcxr.analysis.facts import Facts
from qcxr.analysis.limits import listed
from qcxr.analysis.names import capital, head_name, metric_name
from qcxr.analysis.phrases import (
    Row,
    any_of,
    at_place,
    both_means,
    interval,
    p_said,
    power,
    rule,
    smallest_to_largest,
    untested,
    where,
)
from qcxr.analysis.results import Results


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
    rows = at(evidence(base.tests, adjust=facts.adjust), metric=metric)
    rows = rows[rows["difference"].notna()]
    name = f"mean {metric_name(metric)}"
    if rows.empty:
        return _alone(base, facts, metric)
    notes = _notes(rows, facts)
    if rows[["head_a", "head_b"]].drop_duplicates().shape[0] == 1:
        verdict, numbers = _pair(rows.to_dict("records"), facts, name)
        a, b = (head_name(rows[f"head_{side}"].iloc[0]) for side in "ab")
        return Answer(f"Does {b} reach a higher {name} than {a}?", verdict, numbers, notes)
    first, *more = [many(part.to_dict("records"), facts, name) for _, part in rows.groupby("head_a", sort=False)]
    reference = rows[rows["head_a"] == rows["head_a"].iloc[0]]
    question = f"Does any of {reference['head_b'].nunique()} heads reach a higher {name} than "
    question += f"{head_name(reference['head_a'].iloc[0])}?"
    return Answer(question, *first, notes, tuple(numbers for _, numbers in more))


def _alone(results: Results, facts: Facts, metric: str) -> Answer:
    """Of heads that are compared with none: what they reach, with the intervals that are known."""
    known, found, over = leading(results.estimates, metric=metric), [], []
    rows = at(results.metrics, metric=metric)
    for (head, task, dataset), part in rows.groupby(["head", "task", "dataset"], sort=False):
        place = at_place({"task": task, "dataset": dataset}, facts)
        whose = " on ".join(filter(None, (head_name(head) if len(facts.heads) > 1 else "", place)))
        mean, cells = part["value"].mean(), known.get((task, dataset, head, "", "mean"), {})
        if pd.notna(mean):
            texts = (results.shown.of_values(part["value"]), cells.get("95 %"), f"({whose})" * bool(whose))
            found.append((mean, " ".join(filter(None, texts))))
            over.append(cells.get("Over"))
    heads = listed([head_name(head) for head in facts.heads])
    name, one = f"mean {metric_name(metric)}", len(facts.heads) == 1
    question = f"Which {name} do{'es' * one} {heads} reach?"
    if not found:
        return Answer(question, f"No {name} is defined.")
    fewest, most = facts.seeds
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    shown = listed([text for _, text in found]) if len(found) < 4 else f"{min(found)[1]} to {max(found)[1]}"
    by_n = " (sd divides by n)" * (results.shown.sd == "population")
    numbers = [f"Mean ± sd over {seeds} seeds{by_n}."] * (most > 1)
    if bases := list(dict.fromkeys(filter(None, over))):
        numbers.append(f"In brackets: 95 % interval over {' or '.join(bases)}.")
    numbers.append("No pair of heads, so no comparison.")
    return Answer(question, f"{heads} reach{'es' * one} a {name} of {shown}.", " ".join(numbers))


def _pair(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    return _at_one(rows[0], facts, name) if len(rows) == 1 else _at_several(rows, facts, name)


def _at_one(row: Row, facts: Facts, name: str) -> tuple[str, str]:
    """Two heads on one task and test set."""
    a, b = head_name(row["head_a"]), head_name(row["head_b"])
    gap = f"The difference, {a} minus {b}, is {signed(row['difference'])}{interval(row)}"
    of = " of these two trained models" * (row["basis"] == "patients")
    winner = f"{a if row['difference'] > 0 else b} has the higher {name}{of}: {both_means(row)}."
    if not row["basis"]:
        same = f"{a} and {b} have the same {name}: {row['mean_a']:.3f}."
        return winner if row["difference"] else same, f"{gap}; {untested([row])}."
    tested, at_alpha = p_said(row, facts), f"significant at {facts.alpha:g}"
    if row["significant"]:
        small = f", yet within ±{facts.margin:g}, where two heads count as equivalent" * bool(row["equivalent"])
        return winner, f"{gap}, {at_alpha} ({tested}){small}."
    if row["equivalent"]:
        verdict = f"{a} and {b} are equivalent in {name} within {facts.margin:g}{of}: {both_means(row, ' and ')}."
        return verdict, f"{gap}; no difference was found ({tested})."
    verdict = f"No difference in {name}{of} was found between {a} and {b}: {both_means(row, ' and ')}."
    return verdict, f"{gap}, not {at_alpha} ({tested}){power([row], facts)}."


def _at_several(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    """Two heads on several tasks and test sets."""
    a, b = head_name(rows[0]["head_a"]), head_name(rows[0]["head_b"])
    tested, rest = ([row for row in rows if bool(row["basis"]) == known] for known in (True, False))
    of = " of these trained models" * ({row["basis"] for row in tested} == {"patients"})
    ends = smallest_to_largest(rows, facts, a, b)
    if not tested:
        parts = _higher(rows, rows, facts, name)
        if same := [row for row in rows if row["difference"] == 0]:
            parts.append(f"{'they' if parts else f'{a} and {b}'} have the same {name} on {where(same, rows, facts)}")
        return f"{'; '.join(parts)}.", f"{ends}; {untested(rows)}."
    equal = [row for row in tested if not row["significant"] and row["equivalent"]]
    unsure = [row for row in tested if not row["significant"] and not row["equivalent"]]
    if len(unsure) == len(rows):
        verdict = f"No difference in {name}{of} was found between {a} and {b} on {any_of(rows, facts)}."
    else:
        parts = _higher([row for row in tested if row["significant"]], rows, facts, f"{name}{of}")
        if equal:
            they = "they" if parts else f"{a} and {b}"
            parts.append(f"{they} are equivalent within {facts.margin:g} on {where(equal, rows, facts)}")
        if unsure:
            none = "no difference" if parts else f"No difference in {name}{of} between {a} and {b}"
            parts.append(f"{none} was found on {where(unsure, rows, facts)}")
        verdict = f"{'; '.join(parts)}."
    without = f"; on {where(rest, rows, facts)} {untested(rest)}" if rest else ""
    return verdict, f"{ends}; {rule(facts)}{power(unsure, facts)}{without}."


def _higher(found: list[Row], rows: list[Row], facts: Facts, name: str) -> list[str]:
    """Which of two heads is above the other where, of rows found among all; the first says what it is above in."""
    sides = {"head_a": [row for row in found if row["difference"] > 0]}
    sides["head_b"] = [row for row in found if row["difference"] < 0]
    won = [(head_name(rows[0][side]), part) for side, part in sides.items() if part]
    parts = [f"{head} has the higher {name} on {where(part, rows, facts)}" for head, part in won[:1]]
    return parts + [f"{head} on {where(part, rows, facts)}" for head, part in won[1:]]


def _notes(rows: pd.DataFrame, facts: Facts) -> tuple[str, ...]:
    """Base variant, collapsed runs, tests to read instead, trained models, missing intervals."""
    notes = [f"Of what is varied, here at {facts.base}."] if facts.varied else []
    collapsed = list(dict.fromkeys(text for text in rows["collapsed"] if text))
    if collapsed:
        notes.append(
            f"Collapsed runs, far below the others of their head, are in these numbers: {'; '.join(collapsed)}."
        )
    for reading, part in rows[rows["reading"] != ""].groupby("reading", sort=False):
        where = list(dict.fromkeys(filter(None, (at_place(row, facts) for row in part.to_dict("records")))))
        notes.append(f"{listed(where)}: {reading}." if where else f"{capital(reading)}.")
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
    ends = [f"{signed(gap, 2)} ({at_place(row, facts) or 'there'})" for gap, _, row in (found[0], found[-1])]
    p = sorted(value for _, value, _ in found)
    between = " to ".join(f"{value:g}" for value in dict.fromkeys((p[0], p[-1])))
    return (
        f"The paper reports {' to '.join(dict.fromkeys(ends))}, p {between} by paired t-tests over five seeds, "
        "uncorrected."
    )
