"""Does what is varied move two heads alike? The difference of differences, paired by seed, and its F test.

Of a varied key with the values v0, v1, ... (all other keys as at the base variant), two heads a and b, and a metric's
values by seed: (a - b at v) minus (a - b at v0), with a paired t-interval and test over seeds, adjusted over the values
and pairs. Over all values at once: the F test of head x key of a repeated-measures analysis of
variance, in which seeds stand for subjects. It takes the differences between values to vary alike (sphericity) and is
not corrected for departures from that. With several losses this is the question whether a loss made for the long tail
helps one head more than another.

statsmodels' AnovaRM judges the F test and is not called: it takes 50 ms for a pair and seconds for thirty heads, of
which a study may have a thousand.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from qcxr.analysis import families, variants
from qcxr.analysis.names import key_value
from qcxr.analysis.outline import Outline, pairs
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.ranking import METRICS

COLUMNS = (
    "task", "dataset", "metric", "label", "axis", "kind", "at", "at_first", "head_a", "head_b", "n_seeds", "difference",
    "difference_first", "change", "ci_low", "ci_high", "t", "df", "p", "p_adjusted", "f", "df_effect", "df_error",
    "reason",
)  # fmt: skip
KEYS = ["task", "dataset", "metric", "label"]
EQUAL = "all seeds change alike: nothing to test against"

Cells = Float[np.ndarray, "heads values seeds"]


def interaction(
    metrics: pd.DataFrame,
    outline: Outline,
    *,
    heads: Sequence[str],
    against: Sequence[str] | None = None,
    adjust: str = "holm",
) -> pd.DataFrame:
    """Return rows (`COLUMNS`) per task, data set, metric, mean over labels and varied key; none where nothing varies.

    kind `value`: of a pair (head_a - head_b) at one value of the key (`at`) against the first (`at_first`): `change`
    with its 95 % t-interval over seeds, p, and p_adjusted (by `adjust`, a method of
    `qcxr.analysis.inference.METHODS`) over all values and pairs of the key there. kind `pair`: the
    F test of a pair over all values. kind `all`: that of all heads that have the key, where there are more than two. A
    head without the key stands at every value with the same runs; a pair of two such has no rows. Seeds that lack a run
    somewhere are left out; fewer than two left has a `reason`.
    """
    asked = metrics[metrics["metric"].isin(METRICS) & metrics["label"].isin(MEANS)]
    rows = []
    for axis in outline.axes:
        along = outline.along(axis)
        if len(along) < 2 or len(heads) < 2:
            continue
        cells = _cells(asked, outline, along, heads)
        for key, part in cells.groupby(KEYS, sort=False):
            named = dict(zip(KEYS, key, strict=True)) | {"axis": axis, "at_first": key_value(along[0][0])}
            having = [head for head in heads if _has(outline, head, axis)]
            rows += [named | row for row in _family(part, along, having, pairs(heads, against))]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    of_values = table["p"].where(table["kind"] == "value").astype(float)
    return table.assign(p_adjusted=families.within(of_values, adjust, *(table[key] for key in (*KEYS, "axis"))))


def _has(outline: Outline, head: str, axis: str) -> bool:
    return any(arm.head == head and axis in arm.at for arm in outline.arms)


def _cells(
    metrics: pd.DataFrame, outline: Outline, along: Sequence[tuple[Any, str]], heads: Sequence[str]
) -> pd.DataFrame:
    """The metrics of the runs that stand at each value, with its place in the key's order."""
    found = []
    for place, (_, variant) in enumerate(along):
        there = variants.runs_at(metrics, outline, variant, heads)
        found.append(there[[*KEYS, "head", "seed", "value"]].assign(place=place))
    return pd.concat(found, ignore_index=True)


def _family(
    part: pd.DataFrame, along: Sequence[tuple[Any, str]], having: Sequence[str], compared: Sequence[tuple[str, str]]
) -> Iterator[dict[str, Any]]:
    """The rows of one key, on one task, data set, metric and mean."""
    table = part.pivot(index=["head", "place"], columns="seed", values="value")
    whole = pd.MultiIndex.from_product([dict.fromkeys(part["head"]), range(len(along))])
    table = table.reindex(whole)
    scored = set(part["head"])
    for pair in compared:
        if not set(pair) & set(having) or not set(pair) <= scored:
            continue
        cells, reason = _complete(table, pair, len(along))
        named = {"head_a": pair[0], "head_b": pair[1], "n_seeds": cells.shape[2], "reason": reason}
        for place, (value, _) in enumerate(along[1:], 1):
            yield {"kind": "value", "at": key_value(value)} | named | _change(cells, place)
        yield {"kind": "pair", "at": ""} | named | _overall(cells)
    own = [head for head in having if head in scored]
    if len(own) > 2:
        cells, reason = _complete(table, own, len(along))
        named = {"head_a": "", "head_b": "", "n_seeds": cells.shape[2], "reason": reason}
        yield {"kind": "all", "at": ""} | named | _overall(cells)


def _complete(table: pd.DataFrame, heads: Sequence[str], values: int) -> tuple[Cells, str]:
    """The cells of the heads over the seeds that have all of them, and why there are too few."""
    cells = np.stack([table.loc[head].to_numpy(float) for head in heads])
    cells = cells[:, :, ~np.isnan(cells).any(axis=(0, 1))]
    return cells, "" if cells.shape[2] > 1 else f"{cells.shape[2]} seeds with a mean at all {values} values: needs 2"


def _change(cells: Cells, place: int) -> dict[str, Any]:
    """Of two heads: their difference at a value minus that at the first, with its t-test over seeds."""
    differences = cells[0] - cells[1]
    changes = differences[place] - differences[0]
    if changes.size < 2:
        return {}
    found = {"difference": differences[place].mean(), "difference_first": differences[0].mean()}
    found |= {"change": changes.mean(), "df": changes.size - 1}
    if _equal(changes):
        return found | {"reason": EQUAL}
    tested = stats.ttest_1samp(changes, 0.0)
    low, high = tested.confidence_interval(0.95)
    return found | {"ci_low": low, "ci_high": high, "t": tested.statistic, "p": tested.pvalue}


def _equal(changes: Float[np.ndarray, "..."]) -> bool:
    """Whether seeds differ by rounding only, from which a t of 1e15 would follow."""
    return float(np.ptp(changes, axis=-1).max()) <= 1e-12


def _overall(cells: Cells) -> dict[str, Any]:
    """The F test of head x value, seeds as subjects."""
    heads, values, seeds = cells.shape
    if seeds < 2:
        return {}
    left = cells - cells.mean(axis=0) - cells.mean(axis=1, keepdims=True) + cells.mean(axis=(0, 1))
    if _equal(left):
        return {"reason": EQUAL}
    effect = left.mean(axis=2, keepdims=True)
    df = (heads - 1) * (values - 1)
    error = float(((left - effect) ** 2).sum()) / (df * (seeds - 1))
    f = seeds * float((effect**2).sum()) / df / error
    p = float(stats.f.sf(f, df, df * (seeds - 1)))
    return {"f": f, "df_effect": df, "df_error": df * (seeds - 1), "p": p}
