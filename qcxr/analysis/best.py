"""Of many heads: how many differ from the one that they are compared with, and which has the highest mean."""

from qcxr.analysis.charts.scale import signed
from qcxr.analysis.facts import Facts
from qcxr.analysis.limits import listed
from qcxr.analysis.names import capital, head_name
from qcxr.analysis.phrases import RULE, Row, at_place, interval, power, rule, untested, where


def many(rows: list[Row], facts: Facts, name: str) -> tuple[str, str]:
    """Verdict and numbers of all heads that are compared with one reference.

    rows: of `qcxr.analysis.evidence`, with a difference, all of one reference. name: of the mean, in words.
    """
    reference = head_name(rows[0]["head_a"])
    tested, without = ([row for row in rows if bool(row["basis"]) == known] for known in (True, False))
    if not tested:
        return _best(rows, facts, name), f"{capital(untested(rows))}."
    sure = [row for row in tested if row["significant"]]
    rest = [row for row in tested if not row["significant"]]
    count = f"{len(sure) or 'None'} of {len(tested)} differences from {reference}"
    numbers = f"{count} {'is' if len(sure) < 2 else 'are'} significant ({rule(facts).removeprefix(RULE)})"
    if sure:
        higher = sum(row["difference"] < 0 for row in sure)  # the difference is reference minus head
        numbers += f": {higher or 'none'} higher, {len(sure) - higher or 'none'} lower"
    top = min(tested, key=lambda row: row["difference"])
    if top["difference"] < 0:
        place = at_place(top, facts)
        numbers += f"; the largest upwards, {head_name(top['head_b'])}{f' on {place}' * bool(place)}, is "
        numbers += f"{signed(-top['difference'])}{interval(top, flip=True)}"
    numbers += f"; of {len(without)} more {untested(without)}" * bool(without)
    return _best(rows, facts, name), f"{numbers}{power(rest, facts)}."


def _best(rows: list[Row], facts: Facts, name: str) -> str:
    """Which head has the highest mean of all, at every place; heads with the same mean share it."""
    reference, heads = head_name(rows[0]["head_a"]), len({row["head_b"] for row in rows}) + 1
    places: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        places.setdefault((row["task"], row["dataset"]), []).append(row)
    best = [min(here, key=lambda row: row["difference"]) for here in places.values()]
    above = [row for row in best if row["difference"] < 0]
    sure = [row for row in above if row["significant"]]
    hedge = ""
    if above and any(row["basis"] for row in above) and len(sure) < len(above):
        hedge = (
            f", significantly above {reference} on {len(sure)}" if sure else f", not significantly above {reference}"
        )
    winners: dict[tuple[str, ...], list[Row]] = {}
    for here, row in zip(places.values(), best, strict=True):
        winners.setdefault(_highest(here), []).append(row)
    (first, found), *others = sorted(winners.items(), key=lambda item: -len(item[1]))
    highest = f"{listed(list(first))} {'has' if len(first) == 1 else 'share'} the highest {name} of {heads} heads"
    if len(best) == 1:
        value = max(best[0]["mean_a"], best[0]["mean_b"])
        second = _second(rows)
        return f"{highest}: {value:.3f}{hedge}{f'; {second}' * bool(second)}."
    shown = [where(found, best, facts)]
    for who, part in others[:2]:
        shown.append(f"{listed(list(who))}{' together' * (len(who) > 1)} on {where(part, best, facts)}")
    more = f" and {len(others) - 2} others elsewhere" * (len(others) > 2)
    return f"{highest} on {listed(shown)}{more}{hedge}."


def _highest(rows: list[Row]) -> tuple[str, ...]:
    """The heads with the highest mean at one place: one, or those that share it."""
    least = min(0.0, *(row["difference"] for row in rows))
    reference = (head_name(rows[0]["head_a"]),) * (least == 0)
    return reference + tuple(head_name(row["head_b"]) for row in rows if row["difference"] == least)


def _second(rows: list[Row]) -> str:
    """Beside the highest at one place: the reference, or behind it the next; "" where all are alike."""
    if any(row["difference"] < 0 for row in rows):
        return f"{head_name(rows[0]['head_a'])} has {rows[0]['mean_a']:.3f}"
    behind = [row for row in rows if row["difference"] > 0]
    if not behind:
        return ""
    row = min(behind, key=lambda row: row["difference"])
    return f"{head_name(row['head_b'])} follows with {row['mean_b']:.3f}"
