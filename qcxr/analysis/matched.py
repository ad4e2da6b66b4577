"""Two heads' values side by side, run by run: rows of the same seed, of every pair of heads, where they meet."""

from collections.abc import Sequence

import pandas as pd

from qcxr.analysis import variants
from qcxr.analysis.outline import Outline, pairs

ON = ["task", "dataset", "metric", "label", "seed"]
COMPARISON = ["task", "dataset", "metric", "head_a", "head_b", "variant"]


def by_seed(
    metrics: pd.DataFrame,
    *,
    heads: Sequence[str],
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
) -> pd.DataFrame:
    """Return columns `COMPARISON`, label, seed, a, b and difference (a - b), a row per seed that both heads have.

    metrics: tidy metrics of all runs. heads, against, outline: as of `statistics.compare`; variant says where the two
    heads meet, "" in a study that varies nothing. Rows come in the order of pairs, variants, and of metrics.
    """
    outline = variants.outlined(metrics, outline)
    arms = dict(iter(metrics.groupby(["head", variants.of(metrics)], sort=False)))
    found = []
    for first, other in pairs(heads, against):
        for name, met in outline.meetings(first, other).items():
            there = [arms.get(arm) for arm in zip((first, other), met, strict=True)]
            if there[0] is None or there[1] is None:
                continue
            rows = there[0][[*ON, "value"]].merge(there[1][[*ON, "value"]], on=ON, suffixes=("_a", "_b"))
            found.append(rows.assign(head_a=first, head_b=other, variant=name))
    columns = [*COMPARISON, "label", "seed", "a", "b", "difference"]
    if not found:
        return pd.DataFrame(columns=columns)
    whole = pd.concat(found, ignore_index=True).rename(columns={"value_a": "a", "value_b": "b"})
    return whole.assign(difference=whole["a"] - whole["b"])[columns]


def train_positives(metrics: pd.DataFrame) -> pd.Series:
    """Training films with the finding, indexed by (task, label); empty where they are not known."""
    if "train_positives" not in metrics:
        return pd.Series(dtype=float)
    counts = metrics.groupby(["task", "label"], sort=False)["train_positives"].max()
    return pd.to_numeric(counts, errors="coerce").dropna().astype(float)


def columns_of(columns: Sequence[str], *, varied: bool) -> list[str]:
    """The columns of a table: with `variant` where the study varies something, as of metrics and tests."""
    return [column for column in columns if varied or column != "variant"]
