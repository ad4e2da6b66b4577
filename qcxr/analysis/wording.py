"""What a report says in words of its heads, its result, what it varies and its search."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qcxr.analysis import trials
from qcxr.analysis.facts import Facts
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, key_value, metric_name, task_name
from qcxr.analysis.outline import Outline
from qcxr.analysis.results import Results


def lead(facts: Facts) -> str:
    """The first line of a report: tasks, heads, seeds, test sets."""
    tasks = ", ".join(task_name(task) for task in facts.tasks)
    heads = ", ".join(head_name(head) for head in facts.heads)
    datasets = ", ".join(dataset_name(name) for name in facts.datasets)
    fewest, most = facts.seeds
    seeds = str(most) if fewest == most else f"{fewest} to {most}"
    kind = f"{'paired ' * facts.compared}seed{'s' * (most != 1)}"
    return (
        f"Task{'s' * (len(facts.tasks) > 1)} {tasks}; head{'s' * (len(facts.heads) > 1)} {heads}; {seeds} {kind}; "
        f"tested on {datasets}."
    )


def result(results: Results, facts: Facts) -> list[str]:
    """Say what the mean AUROC shows, per pair of heads or of all heads together; of a head alone, what it is.

    Where something varies it is of the base variant.
    """
    tests = results.at_base().tests
    rows = tests[(tests["label"] == "mean") & (tests["metric"] == "auroc")]
    if rows.empty:
        return [f"{listed([head_name(head) for head in facts.heads])}: no pair of heads, so no comparison."]
    at = [f"Of what is varied, here at {facts.base}."] if facts.varied else []
    if facts.many:
        return at + [_of_many(key, part) for key, part in rows.groupby(["head_a", "task", "dataset"], sort=False)]
    differences = results.outline.heads
    return at + [_of_pair(pair, part, differences) for pair, part in rows.groupby(["head_a", "head_b"], sort=False)]


def _of_pair(pair: tuple[str, str], part: pd.DataFrame, differences: Mapping[str, str]) -> str:
    better = part[part["difference"] > 0]
    differs = f" ({differences[pair[1]]})" if differences.get(pair[1]) else ""
    text = (
        f"{head_name(pair[0])} has a higher mean AUROC than {head_name(pair[1])}{differs} in {len(better)} of "
        f"{len(part)} comparisons of task and test set"
    )
    if not part["p"].notna().any():
        return text + "; without a second seed there is no test."
    sure = int(part["significant"].astype(bool).sum())
    if len(part) == 1:
        return text + f"; the difference is {'not ' * (not sure)}significant by the paired t-test over seeds."
    return text + f"; {sure} of the {len(part)} differences are significant by the paired t-test over seeds."


def _of_many(key: tuple[str, str, str], part: pd.DataFrame) -> str:
    """One sentence for all heads that are compared with a reference on a task and test set."""
    reference, task, dataset = key
    above = part[part["difference"] < 0]  # the difference is reference minus head
    text = (
        f"{task_name(task)}, {dataset_name(dataset)}: {len(above)} of {len(part)} heads have a higher mean AUROC than "
        f"{head_name(reference)}"
    )
    if len(above):
        best = above.loc[above["difference"].idxmin()]
        text += f", most of all {head_name(best['head_b'])} ({-best['difference']:+.3f})"
    if not part["p"].notna().any():
        return text + "; without a second seed there is no test."
    sure = part["significant"].astype(bool)
    if not sure.any():
        return text + "; no difference is significant by the paired t-test over seeds."
    n, higher = int(sure.sum()), int((sure & (part["difference"] < 0)).sum())
    return text + (
        f"; {n} difference{'s are' if n > 1 else ' is'} significant by the paired t-test over seeds, not corrected for "
        f"the number of heads: {higher} higher, {n - higher} lower."
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
