"""What the further questions found, for people: tables, and sentences that say no more than the numbers carry."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis import comparisons, formats
from qcxr.analysis.inference import UNADJUSTED, p_called
from qcxr.analysis.names import dataset_name, head_name, metric_name, task_name
from qcxr.analysis.results import Results

SPREAD = (
    "How much heads vary: standard deviation of the mean over labels by source (another training, other patients, "
    "another trial of the search by its validation score)"
)
CAPTIONS = {
    "trend": "Does the difference between two heads follow the rarity of a finding? Spearman's correlation over labels "
    "of the difference (mean over seeds) with the positive films in training, 95 % interval by Fisher's z, p by "
    "permutation of the labels; correlation of single seeds, mean "
    "with its 95 % t-interval; Theil-Sen slope per tenfold of training films with its 95 % interval.",
    "variance": f"{SPREAD}, and the ratio of two heads' variances over seeds with its 95 % interval, p by "
    "Pitman-Morgan (paired) and by Brown-Forsythe, and which of them to read.",
    "interaction": "What is varied, and whether it moves two heads alike: change of their difference from the first "
    "value, paired by seed, with its 95 % t-interval and p; F test of head x key over all values. Both are over "
    "trainings, on these patients: what other patients would change is not in them.",
}
# Which p are adjusted together; a metric (and variant) by itself.
ADJUSTED = {
    "trend": "tasks, test sets and pairs of heads",
    "variance": "tasks, test sets and pairs of heads, of the test to read",
    "interaction": "values and pairs of heads",
}
SHOWN = 6  # sentences of one varied key
OTHERS = "such a change may be one of the patients in this test set; whether it would hold for others was not tested."


def makers(results: Results) -> dict[str, Callable[[], pd.DataFrame]]:
    """What makes each table that can be made, by name (keys of CAPTIONS)."""
    makes = {"trend": trend, "variance": variance, "interaction": interaction}
    given = {name: getattr(results, name) for name in makes}
    return {name: partial(makes[name], found) for name, found in given.items() if found is not None and len(found)}


def trend(found: pd.DataFrame) -> pd.DataFrame:
    """A row per task, test set, metric and pair."""
    shown = []
    for r in found.to_dict("records"):
        row = comparisons.where(r) | {"Metric": metric_name(r["metric"]), "Heads": _pair(r["head_a"], r["head_b"])}
        row |= {"Labels": r["n_labels"], "rho": _with(r, "rho", digits=2), "p": formats.p_value(r["p"])}
        row["p adjusted"] = formats.p_value(r["p_adjusted"])
        row["rho of single seeds"] = _with(r, "seeds_rho", "seeds", digits=2)
        shown.append(row | {"Slope per tenfold": _with(r, "slope"), "Note": r["reason"]})
    return pd.DataFrame(shown)


def variance(found: pd.DataFrame) -> pd.DataFrame:
    """A row per task, test set, metric and head, then the pairs; without the columns of sources that are not known."""
    shown = []
    for r in found.to_dict("records"):
        pair = r["kind"] == "difference"
        row = comparisons.where(r) | {"Metric": metric_name(r["metric"])}
        row |= {"Head": _pair(r["head"], r["head_b"]) if pair else head_name(r["head"]), "Seeds": r["n_seeds"]}
        for name, source in (("seed", "training"), ("patients", "patients"), ("search", "trial")):
            row[f"sd, {source}"] = _decimals(np.sqrt(r[f"{name}_variance"]), 4)
        row |= {"Ratio of variances": _with(r, "ratio", digits=2) if pair else "—"}
        row |= {"p PM": formats.p_value(r["p_pitman_morgan"]), "p BF": formats.p_value(r["p_brown_forsythe"])}
        row["p adjusted"] = formats.p_value(r["p_adjusted"])
        shown.append(row | {"Read": r["reading"] or "—", "Note": r["reason"]})
    table = pd.DataFrame(shown)
    return table.drop(columns=[name for name in table if name.startswith("sd, ") and table[name].eq("—").all()])


def interaction(found: pd.DataFrame) -> pd.DataFrame:
    """A row per task, test set, metric, mean, varied key, pair and value; then the F tests."""
    shown = []
    for r in found.to_dict("records"):
        row: dict[str, Any] = {"Task": task_name(r["task"]), "Test set": dataset_name(r["dataset"])}
        row |= {"Metric": metric_name(r["metric"]), "Labels": _mean(r["label"]), "Varied": r["axis"]}
        row["Heads"] = _pair(r["head_a"], r["head_b"]) if r["head_a"] else "all"
        row["Value"] = f"{r['at']} against {r['at_first']}" if r["kind"] == "value" else "all values"
        row |= {
            "Change of the difference [95 %, over trainings]": _signed(r, "change", "ci"),
            "F": _decimals(r["f"], 2),
        }
        row |= {"p": formats.p_value(r["p"]), "p adjusted": formats.p_value(r["p_adjusted"])}
        shown.append(row | {"Note": r["reason"]})
    return pd.DataFrame(shown)


def said_of_trend(found: pd.DataFrame, *, alpha: float = 0.05, adjust: str = "holm") -> list[str]:
    """AUROC only: a sentence per pair whose difference follows rarity (where, and how), one for all others together."""
    rows = found[(found["metric"] == "auroc") & found["p_adjusted"].notna()]
    pairs = dict(iter(rows.groupby(["head_a", "head_b"], sort=False)))
    sure = [pair for pair, part in pairs.items() if (part["p_adjusted"] < alpha).any()]
    texts = [_followed(pair, pairs[pair], alpha, p_called(adjust)) for pair in sure]
    rest = [part for pair, part in pairs.items() if pair not in sure]
    return [*texts, _not_followed(pd.concat(rest), len(rest), adjust)] if rest else texts


def _not_followed(rows: pd.DataFrame, pairs: int, adjust: str) -> str:
    first, other = (head_name(rows[side].iloc[0]) for side in ("head_a", "head_b"))
    whose = f"No difference of {pairs} pairs of heads was"
    if pairs == 1:
        whose = f"The difference between {first} and {other} was not"
    places = rows.groupby(["task", "dataset"]).ngroups
    where = f" on any of {places} combinations of task and test set"
    smallest = f"smallest {p_called(adjust)} {formats.p_value(rows['p_adjusted'].min())}{_none(adjust)}"
    return f"{whose} found to follow the rarity of a finding{where * (places > 1)} ({smallest})."


def _followed(pair: tuple[str, str], part: pd.DataFrame, alpha: float, p: str) -> str:
    first, other = map(head_name, pair)
    sure = part[part["p_adjusted"] < alpha]
    texts = []
    for better, some in ((first, sure[sure["rho"] < 0]), (other, sure[sure["rho"] > 0])):
        if len(some):
            places = "; ".join(_place(row, p) for row in some.to_dict("records"))
            texts.append(f"the rarer a finding, the more the difference favours {better} ({places})")
    return f"{first} against {other}: {', but '.join(texts)}; shown in {len(sure)} of {len(part)} comparisons."


def _place(row: Mapping[str, Any], p: str) -> str:
    numbers = f"rho {row['rho']:+.2f}, {p} {formats.p_value(row['p_adjusted'])}, {row['n_labels']} labels"
    return f"{task_name(row['task'])}, {dataset_name(row['dataset'])}: {numbers}"


def said_of_variance(found: pd.DataFrame, *, alpha: float = 0.05, adjust: str = "holm") -> list[str]:
    """Which pairs vary differently over seeds (mean AUROC, by the test to read), or that none was found to."""
    rows = found[(found["metric"] == "auroc") & (found["kind"] == "difference") & found["p_adjusted"].notna()]
    if not len(rows):
        return []
    sure = rows[rows["p_adjusted"] < alpha]
    if not len(sure):
        seeds = sorted({int(n) for n in rows["n_seeds"]})
        number = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        return [
            f"No two heads were found to vary differently from seed to seed ({len(rows)} comparisons, "
            f"{p_called(adjust)} ≥ {alpha:g}{_none(adjust)}); with {number} seeds only a large ratio of "
            "variances would be found."
        ]
    texts = []
    for row in sure.to_dict("records"):
        more, less = (row["head"], row["head_b"]) if row["ratio"] > 1 else (row["head_b"], row["head"])
        ratio = max(row["ratio"], 1 / row["ratio"])
        where = f"{task_name(row['task'])}, {dataset_name(row['dataset'])}"
        texts.append(
            f"{where}: {head_name(more)} varies more from seed to seed than {head_name(less)} (variance {ratio:.1f} "
            f"times as large, {p_called(adjust)} {formats.p_value(row['p_adjusted'])})."
        )
    return texts


def said_of_interaction(found: pd.DataFrame, *, alpha: float = 0.05, adjust: str = "holm") -> list[str]:
    """Per varied key (AUROC): where a value moves the difference of two heads, p_adjusted below alpha.

    A claim is followed by what it is not: the test is over trainings, on these patients.
    """
    rows = found[(found["metric"] == "auroc") & (found["kind"] == "value") & found["p_adjusted"].notna()]
    texts = []
    for axis, part in rows.groupby("axis", sort=False):
        sure = part[part["p_adjusted"] < alpha]
        if not len(sure):
            n = len(part)
            texts.append(
                f"{axis}: no value was found to move two heads apart over trainings, on these patients "
                f"({n} comparisons, {p_called(adjust)} ≥ {alpha:g}{_none(adjust)})."
            )
            continue
        for row in sure.head(SHOWN).to_dict("records"):
            gains = row["head_a"] if row["change"] > 0 else row["head_b"]
            texts.append(
                f"{axis} {row['at']} against {row['at_first']}, {_mean(row['label'])}, {task_name(row['task'])}, "
                f"{dataset_name(row['dataset'])}: the difference of {_pair(row['head_a'], row['head_b'])} moves by "
                f"{row['change']:+.3f} [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}] over trainings, on these "
                f"patients, in favour of {head_name(gains)} ({p_called(adjust)} {formats.p_value(row['p_adjusted'])})."
            )
        if len(sure) > SHOWN:
            texts.append(f"{axis}: {len(sure) - SHOWN} more such changes are in the table.")
        texts.append(f"{axis}: {OTHERS}")
    return texts


def _none(adjust: str) -> str:
    return f", {UNADJUSTED}" * (adjust == "none")


def _pair(first: str, other: str) -> str:
    return f"{head_name(first)} − {head_name(other)}"


def _mean(label: str) -> str:
    return "all labels" if label == "mean" else f"{label.removeprefix('mean_')} labels"


def _decimals(value: float, digits: int) -> str:
    return "—" if pd.isna(value) else f"{value:.{digits}f}"


def _with(row: Mapping[str, Any], name: str, stem: str = "", *, digits: int = 3) -> str:
    """A value with its interval, `0.12 [0.01, 0.23]`, or a dash."""
    low, high = row[f"{stem or name}_low"], row[f"{stem or name}_high"]
    if pd.isna(row[name]):
        return "—"
    return f"{row[name]:.{digits}f}" + ("" if pd.isna(low) else f" [{low:.{digits}f}, {high:.{digits}f}]")


def _signed(row: Mapping[str, Any], name: str, stem: str) -> str:
    if pd.isna(row[name]):
        return "—"
    low, high = row[f"{stem}_low"], row[f"{stem}_high"]
    return f"{row[name]:+.3f}" + ("" if pd.isna(low) else f" [{low:+.3f}, {high:+.3f}]")
