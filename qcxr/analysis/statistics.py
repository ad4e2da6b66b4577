"""Compare heads over paired seeds: the paper's paired t-test, and what a reviewer asks for beside it.

Paper section III-G: paired t-tests of mean and per-label AUROC over seeds, percent difference by Eq. 4. Beside the
raw p: Holm and Benjamini-Hochberg over the labels of one task and data set, an interval for the difference, Cohen's
d_z, Shapiro-Wilk on the differences, Wilcoxon's signed-rank test. Five seeds speak of training noise only; for
patients see `qcxr.analysis.bootstrap`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from qcxr.analysis import variants
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.outline import Outline, pairs
from qcxr.analysis.predictions import MEANS
from qcxr.errors import InputError

COLUMNS = (
    "task", "dataset", "metric", "label", "head_a", "head_b", "n_seeds",
    "mean_a", "sd_a", "mean_b", "sd_b", "difference", "ci_low", "ci_high", "percent_difference",
    "t", "df", "p", "p_holm", "p_bh", "d_z", "shapiro_p", "wilcoxon_p", "mark", "significant", "reason",
)  # fmt: skip


def compare(
    metrics: pd.DataFrame,
    *,
    heads: Sequence[str] = ("cdl", "dqc"),
    alpha: float = 0.05,
    metric: str | Sequence[str] = ("auroc", "average_precision"),
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
) -> pd.DataFrame:
    """Return one row per task, data set, metric, label (and mean), pair (reference, other head) and variant.

    metrics: tidy metrics of all runs. against: the references, each compared with every other head, no pair twice; by
    default heads[0]. outline: of a study that varies something; heads meet at the variants where both have runs, and
    the column `variant` (behind head_b) says where, "" for heads that do not have the varied keys.

    Differences are reference minus the other, paired by seed; `ci_low`, `ci_high` hold the 95 % t-interval of their
    mean. p_holm and p_bh adjust over the labels of one pair, task, data set and metric (mean rows are not part of that
    family and have none). `mark` is ns, *, ** or *** for raw p >= 0.05, < 0.05, < 0.01, < 0.001. What is undefined is
    empty and has a `reason`. One head has no rows; neither has a task and data set without a pair (`unpaired` says
    which).

    Raises InputError if heads are unknown or given twice, alpha is not in (0, 1), or two heads of a task do not have
    the same seeds.
    """
    _check(metrics, heads, alpha)
    wanted = [metric] if isinstance(metric, str) else list(metric)
    keys = ["task", "dataset", "metric"]
    outline = variants.outlined(metrics, outline)
    asked = metrics[metrics["metric"].isin(wanted)].reset_index(drop=True)
    arms = dict(iter(asked.groupby(["head", variants.of(asked)], sort=False)))
    rows = []
    for pair in pairs(heads, against):
        for variant, frame in _met(arms, pair, outline):
            for group, part in frame.groupby(keys, sort=False):
                if part["head"].nunique() < 2:
                    continue  # a head that was run on some tasks only: there is no pair here
                named = dict(zip(keys, group, strict=True)) | {"variant": variant}
                rows += _family(part, pair, named, alpha)
    columns = list(COLUMNS)
    if outline.varied:
        columns.insert(columns.index("head_b") + 1, "variant")
    return pd.DataFrame(rows, columns=columns)


def _met(
    arms: Mapping[tuple[str, str], pd.DataFrame], pair: tuple[str, str], outline: Outline
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Where two heads are compared, and the metrics of their runs there; arms: (head, variant) -> metrics."""
    for name, met in outline.meetings(*pair).items():
        there = [arms[arm] for arm in zip(pair, met, strict=True) if arm in arms]
        if len(there) == 2:
            yield name, pd.concat(there).sort_index()


def _family(frame: pd.DataFrame, pair: tuple[str, str], named: dict[str, Any], alpha: float) -> list[dict[str, Any]]:
    """The tests of one pair on every label of a task and data set by one metric, adjusted for their number."""
    where = f"task {named['task']}, data set {named['dataset']}" + f", variant {named['variant']}" * bool(
        named["variant"]
    )
    _check_seeds(frame, *pair, where=where)
    family = []
    for label, part in frame.groupby("label", sort=False):
        family.append(named | {"label": label, "head_a": pair[0], "head_b": pair[1]} | _paired(part, *pair, alpha))
    _adjust(family)
    return family


def unpaired(metrics: pd.DataFrame, heads: Sequence[str], *, outline: Outline | None = None) -> list[str]:
    """Say which comparisons with heads[0] `compare` leaves out because a head has no runs on a task and data set."""
    outline = variants.outlined(metrics, outline)
    notes: dict[str, None] = {}
    for variant in outline.variants or [""]:
        there = variants.runs_at(metrics, outline, variant)
        for (task, dataset), part in there.groupby(["task", "dataset"], sort=False):
            where = ", ".join(filter(None, (task_name(task), dataset_name(dataset), outline.said(variant))))
            notes |= dict.fromkeys(_lacking(set(part["head"]), heads, where))
    return list(notes)


def _lacking(here: set[str], heads: Sequence[str], where: str) -> list[str]:
    """Say what is not compared where only the heads `here` have runs."""
    reference, *others = heads
    lacking = [head for head in others if head not in here]
    if reference not in here:
        scored = ", ".join(head_name(head) for head in others if head in here)
        return [
            f"{where}: no runs of {head_name(reference)}, which others are compared with, so nothing is compared "
            f"there (scored: {scored})."
        ]
    named = ", ".join(head_name(head) for head in lacking)
    return [f"{where}: no runs of {named}, so no comparison with {head_name(reference)} there."] if lacking else []


def percent_difference(a: float, b: float) -> float:
    """Percent difference of two means, 100 * 2 (a - b) / (a + b); paper Eq. 4. NaN if both are 0."""
    return float(200 * (a - b) / (a + b)) if a + b else float("nan")


def mark(p: float) -> str:
    """Return the significance mark of a p-value as in the paper's Fig. 5; empty if p is undefined."""
    if np.isnan(p):
        return ""
    return "***" if p < 0.001 else "**" if p < 0.01 else "*" if p < 0.05 else "ns"


def holm(p: Float[np.ndarray, " tests"]) -> Float[np.ndarray, " tests"]:
    """Holm's step-down adjustment of p, none NaN (Holm 1979).

    scipy has Benjamini-Hochberg's only, and statsmodels, the judge in the tests, is no dependency of the package.
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    adjusted = np.empty(p.size)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def paired_test(difference: Float[np.ndarray, " seeds"]) -> dict[str, Any]:
    """Statistics of paired differences: t, df, p, 95 % interval, d_z, shapiro_p, wilcoxon_p, and reason."""
    n = difference.size
    result = dict.fromkeys(("t", "df", "p", "ci_low", "ci_high", "d_z", "shapiro_p", "wilcoxon_p"), np.nan)
    if n < 2:
        return result | {"reason": "one seed: a paired test needs at least two"}
    result["df"] = n - 1
    spread = float(np.std(difference, ddof=1))
    # Equal differences leave a spread of rounding size, from which a t of 1e15 would follow.
    if spread <= 1e-12 * max(1.0, float(np.abs(difference).max())):
        return result | {"reason": "all differences are equal: the t-test is undefined"}
    mean, error = float(np.mean(difference)), spread / np.sqrt(n)
    reach = error * stats.t.ppf(0.975, n - 1)
    result |= {"t": mean / error, "ci_low": mean - reach, "ci_high": mean + reach, "d_z": mean / spread}
    result["p"] = float(2 * stats.t.sf(abs(mean / error), n - 1))
    if n >= 3:
        result["shapiro_p"] = float(stats.shapiro(difference).pvalue)
    # The exact null distribution of the signed-rank statistic holds only without zeros and ties.
    nonzero = np.abs(difference[difference != 0])
    exact = nonzero.size == n and np.unique(nonzero).size == n and n <= 50
    result["wilcoxon_p"] = float(stats.wilcoxon(difference, method="exact" if exact else "approx").pvalue)
    return result | {"reason": ""}


def _paired(part: pd.DataFrame, first: str, other: str, alpha: float) -> dict[str, Any]:
    """Statistics of one label from rows of two heads with equal seeds."""
    table = part.pivot(index="seed", columns="head", values="value").sort_index()
    a, b = table[first].to_numpy(float), table[other].to_numpy(float)
    result: dict[str, Any] = {"n_seeds": len(table), "mean_a": a.mean(), "mean_b": b.mean()}
    if len(table) > 1:
        result |= {"sd_a": a.std(ddof=1), "sd_b": b.std(ddof=1)}
    if np.isnan(a).any() or np.isnan(b).any():
        said = [reason for reason in part.loc[part["value"].isna(), "reason"].unique() if reason]
        return result | {"mark": "", "significant": False, "reason": "; ".join(said) or "value undefined"}
    result |= {"difference": float((a - b).mean()), "percent_difference": percent_difference(a.mean(), b.mean())}
    result |= paired_test(a - b)
    # constant predictions, labels left out of a mean: never silent
    notes = [result["reason"], *part["reason"].unique()]
    result["reason"] = "; ".join(note for note in notes if note)
    return result | {"mark": mark(result["p"]), "significant": bool(result["p"] < alpha)}


def _adjust(family: list[dict[str, Any]]) -> None:
    tested = [row for row in family if row["label"] not in MEANS and not np.isnan(row.get("p", np.nan))]
    if not tested:
        return
    p = np.array([row["p"] for row in tested])
    for row, by_holm, by_bh in zip(tested, holm(p), stats.false_discovery_control(p, method="bh"), strict=True):
        row |= {"p_holm": float(by_holm), "p_bh": float(by_bh)}


def _check(metrics: pd.DataFrame, heads: Sequence[str], alpha: float) -> None:
    if not heads or len(set(heads)) < len(heads):
        raise InputError(f"heads must be different ones, at least one, got {list(heads)}; set heads in the config")
    if not 0 < alpha < 1:
        raise InputError(f"alpha must be in (0, 1), got {alpha}; set alpha in the config")
    known = sorted(metrics["head"].unique())
    unknown = [head for head in heads if head not in known]
    if unknown:
        raise InputError(f"no metrics for heads {', '.join(unknown)}, got {', '.join(known)}; score their runs first")


def _check_seeds(frame: pd.DataFrame, first: str, other: str, *, where: str) -> None:
    seeds = {head: sorted(frame.loc[frame["head"] == head, "seed"].unique()) for head in (first, other)}
    if seeds[first] != seeds[other]:
        said = ", ".join(f"{head} has {[int(s) for s in has]}" for head, has in seeds.items())
        raise InputError(f"{where}: heads must have the same seeds to be paired, {said}; run the missing ones")
    rows = frame.groupby("label").size()
    uneven = rows[rows != 2 * len(seeds[first])]
    if len(uneven):
        raise InputError(
            f"{where}: every run of a task must score the same labels once, got {uneven.iloc[0]} values of "
            f"{uneven.index[0]} for {2 * len(seeds[first])} runs; score the runs again"
        )
