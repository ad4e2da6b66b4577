"""What a report says in words of what was run, what is varied, and its search; of its result: `answer`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qcxr.analysis import trials
from qcxr.analysis.facts import Facts
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, key_value, metric_name, task_name
from qcxr.analysis.outline import Outline


def lead(facts: Facts) -> str:
    """The first line of a report: tasks, heads, seeds, test sets."""
    tasks = ", ".join(task_name(task) for task in facts.tasks)
    heads = ", ".join(head_name(head) for head in facts.heads)
    named, many = f"head{'s' * (len(facts.heads) > 1)} {heads}", f"{len(facts.heads)} heads"
    datasets = ", ".join(dataset_name(name) for name in facts.datasets)
    fewest, most = facts.seeds
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    kind = f"{'paired ' * facts.compared}seed{'s' * (most != 1)}"
    return (
        f"Task{'s' * (len(facts.tasks) > 1)} {tasks}; {many if facts.many else named}; {seeds} {kind}; "
        f"tested on {datasets}."
    )


def varied(outline: Outline) -> list[str]:
    """Say what is varied, and which heads do not have it."""
    texts = []
    for axis, values in outline.axes.items():
        having = {arm.head for arm in outline.arms if axis in arm.at}
        lacking = [head_name(head) for head in outline.heads if head not in having]
        text = f"{axis}: {', '.join(map(key_value, values))}."
        if lacking:
            have, stand = ("does", "stands") if len(lacking) == 1 else ("do", "stand")
            text += f" {listed(lacking)} {have} not have it and {stand} at every value with the same runs."
        texts.append(text)
    if len(outline.axes) > 1:
        texts.append(f"Each figure varies one key; the others are as in {outline.said(outline.base)}.")
    return texts


def _range(drawn: Mapping[str, Any]) -> str:
    """Where a searched key's values are drawn from, in words: `log 0.0001 to 0.1`, `uniform or small`."""
    ((how, values),) = [(how, values) for how, values in drawn.items() if values is not None]
    if how == "choice":
        return " or ".join(map(key_value, values))
    return f"{how} {' to '.join(map(key_value, values))}"


def search(found: pd.DataFrame | None, config: Mapping[str, Any] | None) -> list[str]:
    """Say how many trials each head had, of what, chosen by what; and what did not take part."""
    if found is None:
        return []
    counts = found.groupby(["task", "head"])["trial"].nunique()
    fewest, most = int(counts.min()), int(counts.max())
    number = f"{most} trials" if fewest == most else f"{fewest} to {most} trials (not the same number for all)"
    metric = metric_name(str(found["metric"].iloc[0]))
    which = "lowest" if trials.lower_is_better(found) else "highest"
    failed = int(found["value"].isna().sum())
    texts = [
        f"Every head had {number} on each task; the one with the {which} {metric} on the validation split was chosen. "
        "Labels of the test sets took no part in the choice. Scores on the test sets, here and in all other sections, "
        "are of the final seeds only, trained with the settings chosen."
    ]
    space = (config or {}).get("search") or {}
    space = space.get("space") or {}
    said = [f"{key} ({_range(drawn)})" for key, drawn in space.items()] or trials.space(found)
    if said:
        texts.append(f"Searched: {'; '.join(said)}. A head that does not have a key is not varied in it.")
    if failed:
        texts.append(f"{failed} trial{'s' * (failed > 1)} ended without a score and count as the worst of their head.")
    return texts
