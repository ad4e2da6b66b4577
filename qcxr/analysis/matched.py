"""Two heads' values side by side, run by run: rows of the same seed, of every pair of heads, where they meet."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from qcxr.analysis import variants
from qcxr.analysis.outline import Outline, pairs

ON = ["task", "dataset", "metric", "label", "seed"]
COMPARISON = ["task", "dataset", "metric", "head_a", "head_b", "variant"]


class Meeting(NamedTuple):
    """Where two heads are compared: the reference and the other, the variants of their runs, and their rows.

    name: the variant at which they meet, "" in a study that varies nothing.
    """

    name: str
    heads: tuple[str, str]
    variants: tuple[str, str]
    rows: tuple[pd.DataFrame, pd.DataFrame]


def meetings(
    metrics: pd.DataFrame, *, heads: Sequence[str], against: Sequence[str] | None = None, outline: Outline
) -> Iterator[Meeting]:
    """Yield where every pair of heads meets, in the order of pairs and variants; both have rows there.

    heads, against, outline: as of `statistics.compare`.
    """
    arms = dict(iter(metrics.groupby(["head", variants.of(metrics)], sort=False)))
    for pair in pairs(heads, against):
        for name, met in outline.meetings(*pair).items():
            there = [arms.get(arm) for arm in zip(pair, met, strict=True)]
            if there[0] is not None and there[1] is not None:
                yield Meeting(name, pair, met, (there[0], there[1]))


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
    found = []
    for met in meetings(metrics, heads=heads, against=against, outline=outline):
        first, other = (rows[[*ON, "value"]] for rows in met.rows)
        where = {"head_a": met.heads[0], "head_b": met.heads[1], "variant": met.name}
        found.append(first.merge(other, on=ON, suffixes=("_a", "_b")).assign(**where))
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
