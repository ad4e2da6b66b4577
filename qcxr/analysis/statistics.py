"""Compare heads over paired seeds and, where their variance is known, over the patients of the test set as well.

Paper section III-G: paired t-tests of mean and per-label AUROC over seeds, percent difference by Eq. 4. Five seeds
speak of training noise only, so the test that marks and words follow takes patients in (`qcxr.analysis.components`);
the paper's stands beside it (`qcxr.analysis.paired`). p-values are adjusted in families (`qcxr.analysis.families`),
and beside every difference stands what could have been found (`qcxr.analysis.power`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from qcxr.analysis import variants
from qcxr.analysis.collapsed import Collapse, collapsed, named
from qcxr.analysis.inference import Inference
from qcxr.analysis.matched import meetings
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.outline import Outline
from qcxr.analysis.paired import paired_test, reading, welch
from qcxr.analysis.parts import Parts, counts, intervals
from qcxr.analysis.ranking import METRICS
from qcxr.analysis.verdict import judge
from qcxr.errors import InputError

COLUMNS = (
    "task", "dataset", "metric", "label", "head_a", "head_b", "n_seeds", "n_patients", "n_positive",
    "positive_patients", "train_positives",
    "mean_a", "sd_a", "mean_b", "sd_b", "difference", "percent_difference", "ci_low", "ci_high", "t", "df", "p",
    "patients_se", "patients_df", "patients_low", "patients_high", "p_patients",
    "total_se", "total_df", "total_low", "total_high", "p_total",
    "basis", "p_adjusted", "mark", "significant", "mark_raw", "p_holm", "p_bh", "d_z", "g_z",
    "detectable", "power_margin", "p_equivalent", "equivalent",
    "shapiro_p", "wilcoxon_p", "wilcoxon_floor", "welch_p", "reading", "collapsed", "reason",
)  # fmt: skip
Seeds = Float[np.ndarray, " seeds"]
COUNTS = ("n_seeds", "n_patients", "n_positive", "positive_patients", "train_positives")
MEASURED = (
    "seeds_se", "sd_a", "sd_b", "difference", "percent_difference", "ci_low", "ci_high", "t", "df", "p",
    "patients_se", "patients_df", "patients_low", "patients_high", "p_patients",
    "total_se", "total_df", "total_low", "total_high", "p_total",
    "d_z", "g_z", "shapiro_p", "wilcoxon_p", "wilcoxon_floor", "welch_p",
)  # fmt: skip
JUDGED = (
    "basis", "p_adjusted", "mark", "significant", "mark_raw", "p_holm", "p_bh", "detectable", "power_margin",
    "p_equivalent", "equivalent",
)  # fmt: skip


@dataclass(frozen=True)
class _Given:
    """What every pair's rows are made with, beside its metrics."""

    parts: Parts
    flagged: Sequence[Collapse]
    alpha: float


def compare(
    metrics: pd.DataFrame,
    *,
    heads: Sequence[str] = ("cdl", "dqc"),
    against: Sequence[str] | None = None,
    outline: Outline | None = None,
    patients: pd.DataFrame | None = None,
    inference: Inference = Inference(),  # noqa: B008  (frozen)
    own: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row (`COLUMNS`) per task, data set, metric, label (and mean), pair (reference, other) and variant.

    metrics: tidy metrics of all runs. against: the references, each compared with every other head, no pair twice; by
    default heads[0]. outline: of a study that varies something; heads meet at the variants where both have runs, and
    the column `variant` (behind head_b) says where, "" for heads that do not have the varied keys. patients: rows of
    the patients' files (`qcxr.analysis.parts`). inference: the rules. own: the user's metrics, which are compared over
    seeds alone: what patients vary is known of ours.

    Differences are reference minus the other. Over seeds: the paired t-test (t, df, p) with the 95 % interval ci_low,
    ci_high. With patients, given these runs: patients_..., p_patients; seeds and patients together: total_...,
    p_total. `basis` names the test that p_adjusted, mark, significant, detectable, power_margin and p_equivalent are
    of (`qcxr.analysis.verdict`); mark_raw, p_holm and p_bh are of the raw p, over the labels of one pair, task, data
    set and metric. What is undefined is empty and has a `reason`. One head has no rows; neither has a task and data
    set without a pair (`unpaired` says which).

    Raises InputError if heads are unknown or given twice, a column of patients is missing, or two heads of a task do
    not have the same seeds.
    """
    _check(metrics, heads)
    keys = ["task", "dataset", "metric"]
    outline = variants.outlined(metrics, outline)
    given = _Given(Parts.of(patients, outline), collapsed(metrics), inference.alpha)
    asked = metrics[metrics["metric"].isin([*METRICS, *own])].reset_index(drop=True)
    rows = []
    for met in meetings(asked, heads=heads, against=against, outline=outline):
        for group, part in pd.concat(met.rows).sort_index().groupby(keys, sort=False):
            if part["head"].nunique() < 2:
                continue  # a head that was run on some tasks only: there is no pair here
            where = dict(zip(keys, group, strict=True)) | {"variant": met.name}
            rows += _rows(part, dict(zip(met.heads, met.variants, strict=True)), where, given)
    return _tidy(rows, inference, varied=outline.varied)


def _tidy(rows: list[dict[str, Any]], rules: Inference, *, varied: bool) -> pd.DataFrame:
    columns = list(COLUMNS)
    if varied:
        columns.insert(columns.index("head_b") + 1, "variant")
    measured = [
        column for column in dict.fromkeys(("variant", "with_patients", *MEASURED, *COLUMNS)) if column not in JUDGED
    ]
    frame = pd.DataFrame(rows, columns=measured)
    frame = frame.astype(dict.fromkeys(MEASURED, float) | dict.fromkeys(COUNTS, "Int64"))
    return judge(frame.assign(welch_p=welch(frame)), rules)[columns]


def _rows(
    frame: pd.DataFrame, arms: Mapping[str, str], where: Mapping[str, str], given: _Given
) -> list[dict[str, Any]]:
    """The tests of one pair (head -> variant of its runs) on every label of a task and data set by one metric."""
    pair = tuple(arms)
    said = f"task {where['task']}, data set {where['dataset']}"
    _check_seeds(frame, *pair, where=said + f", variant {where['variant']}" * bool(where["variant"]))
    flagged = named(given.flagged, where["task"], where["dataset"], arms.items())
    # seeds in rising order, whatever the order of the rows
    values = frame.pivot(index=["label", "seed"], columns="head", values="value").sort_index()[list(pair)]
    rows = []
    for label, part in frame.groupby("label", sort=False):
        a, b = values.loc[label].to_numpy(float).T
        place = (where["task"], where["dataset"], where["metric"], str(label))
        row = {**where, "label": label, "head_a": pair[0], "head_b": pair[1], "collapsed": flagged}
        of_patients = given.parts.row(place, pair, list(arms.values()))
        row["with_patients"] = of_patients is not None
        row |= counts(part, of_patients) | {"n_seeds": len(a), "mean_a": a.mean(), "mean_b": b.mean(), "reading": ""}
        notes = [str(reason) for reason in part["reason"].unique() if isinstance(reason, str) and reason]
        rows.append(row | _paired(a, b, of_patients, given.alpha, notes))
    return rows


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


def _paired(
    a: Seeds, b: Seeds, of_patients: Mapping[str, Any] | None, alpha: float, notes: list[str]
) -> dict[str, Any]:
    """Statistics of one label from the values of two heads' equal seeds; notes: the metrics' reasons."""
    found: dict[str, Any] = {"sd_a": a.std(ddof=1), "sd_b": b.std(ddof=1)} if a.size > 1 else {}
    if np.isnan(a).any() or np.isnan(b).any():
        return found | {"reason": "; ".join(notes) or "value undefined"}
    difference = a - b
    value = float(difference.mean())
    found |= {"difference": value, "percent_difference": percent_difference(a.mean(), b.mean())}
    found |= paired_test(difference)
    if not np.isnan(found["p"]):
        found["seeds_se"] = float(np.std(difference, ddof=1) / np.sqrt(difference.size))
        found["reading"] = reading(found, difference.size, alpha)
    over = intervals(value, difference, of_patients)
    found |= over.columns() | {"p_patients": over.patients.p, "p_total": over.total.p}
    if of_patients is not None and isinstance(of_patients["reason"], str):
        notes = [*notes, of_patients["reason"]]
    # constant predictions, labels left out of a mean: never silent
    said = dict.fromkeys(note for note in (found["reason"], *notes) if note)
    return found | {"reason": "; ".join(said)}


def _check(metrics: pd.DataFrame, heads: Sequence[str]) -> None:
    if not heads or len(set(heads)) < len(heads):
        raise InputError(f"heads must be different ones, at least one, got {list(heads)}; set heads in the config")
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
