"""The result tables: AUROC of heads side by side with their tests, and of a head that is compared with none."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from qcxr.analysis import formats
from qcxr.analysis.names import CONFIGURED, dataset_name, head_name, task_name
from qcxr.analysis.predictions import MEANS


def means(tests: pd.DataFrame, *, label: str = "mean") -> pd.DataFrame:
    """Mean AUROC by task and data set for each pair of heads, with the test."""
    rows = tests[(tests["label"] == label) & (tests["metric"] == "auroc")].to_dict("records")
    several = _several(rows)
    shown = []
    for r in rows:
        tested = {"p": formats.p_value(r["p"]), "Mark": r["mark"], "d_z": r["d_z"], "Seeds": r["n_seeds"]}
        shown.append(where(r) | _pair(r, several=several) | tested)
    return pd.DataFrame(shown)


def groups(tests: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean AUROC of head, medium and tail labels, where they were scored, and who stands behind each.

    Labels are those with an AUROC; films and patients are positive for any finding of the group, each counted once.
    """
    behind = _behind(metrics)
    rows = tests[tests["label"].isin(MEANS[1:]) & (tests["metric"] == "auroc")].to_dict("records")
    several = _several(rows)
    shown = []
    for r in rows:
        group = {"Group": r["label"].removeprefix("mean_")} | behind[r["task"], r["dataset"], r["label"]]
        tested = {"p": formats.p_value(r["p"]), "Note": r["reason"]}
        shown.append(where(r) | group | _pair(r, several=several) | tested)
    return pd.DataFrame(shown)


def _behind(metrics: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, Any]]:
    """(task, data set, group) -> its labels with an AUROC, films and patients with any of its findings; or dashes."""
    counts = {"Labels": "n_labels", "Positives": "n_positive", "Positive patients": "positive_patients"}
    rows = metrics[metrics["label"].isin(MEANS[1:]) & (metrics["metric"] == "auroc")]
    found = {}
    for key, part in rows.groupby(["task", "dataset", "label"], sort=False):
        values = {name: part[column].max() if column in part else pd.NA for name, column in counts.items()}
        found[key] = {name: formats.number(n if pd.isna(n) else int(n)) for name, n in values.items()}
    return found


def labels(tests: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """AUROC per task, data set and label for each pair of heads, sorted by occurrence in the test set."""
    n = metrics[metrics["metric"] == "auroc"].groupby(["task", "dataset", "label"])["n_positive"].max()
    rows = tests[~tests["label"].isin(MEANS) & (tests["metric"] == "auroc")].to_dict("records")
    places = [(r["task"], r["dataset"], r.get("variant", "")) for r in rows]
    groups = {place: k for k, place in enumerate(dict.fromkeys(places))}
    occurrence = {(r["task"], r["dataset"], r["label"]): n[r["task"], r["dataset"], r["label"]] for r in rows}
    rows.sort(
        key=lambda r: (
            groups[r["task"], r["dataset"], r.get("variant", "")],
            -occurrence[r["task"], r["dataset"], r["label"]],
        )
    )
    several = _several(rows)
    shown = []
    for r in rows:
        label = {"Label": r["label"], "Positives": int(occurrence[r["task"], r["dataset"], r["label"]])}
        p = {"p": "p", "p Holm": "p_holm", "p BH": "p_bh"}
        tested = {name: formats.p_value(r[column]) for name, column in p.items()}
        tested |= {"d_z": r["d_z"], "Note": r["reason"]}
        shown.append(where(r) | label | _pair(r, several=several) | tested)
    return pd.DataFrame(shown)


def alone(metrics: pd.DataFrame, tests: pd.DataFrame) -> pd.DataFrame:
    """AUROC of every head that no other is compared with on a task and data set: its means, then its labels.

    Labels are sorted by occurrence in the test set.
    """
    paired = {(r["task"], r["dataset"], r[side]) for r in tests.to_dict("records") for side in ("head_a", "head_b")}
    shown = []
    keys = [key for key in ("task", "dataset", "head", "variant") if key in metrics]
    for key, part in metrics[metrics["metric"] == "auroc"].groupby(keys, sort=False):
        if key[:3] in paired:
            continue
        rows = []
        for label, runs in part.groupby("label", sort=False):
            values = runs["value"]
            row = {"Head": head_name(key[2]), "Label": label.replace("mean_", "mean, ") if label in MEANS else label}
            row |= {"Positives": runs["n_positive"].max(), "AUROC": formats.mean_sd(values.mean(), values.std(ddof=1))}
            row |= {"Seeds": len(runs), "Note": "; ".join(filter(None, runs["reason"].unique()))}
            rows.append(where(dict(zip(keys, key, strict=True))) | row)
        rows.sort(key=_means_first)
        shown += rows
    return pd.DataFrame(shown).astype({"Positives": "Int64"}) if shown else pd.DataFrame()


def _means_first(row: Mapping[str, Any]) -> tuple[bool, float]:
    mean = row["Label"] in [name.replace("mean_", "mean, ") for name in MEANS]
    return not mean, 0 if mean or pd.isna(row["Positives"]) else -row["Positives"]


def patients(bootstrap: pd.DataFrame) -> pd.DataFrame:
    """AUROC differences averaged over seeds with their patient-clustered bootstrap intervals."""
    rows = bootstrap[(bootstrap["kind"] == "difference") & (bootstrap["seed"] == "mean")]
    shown = []
    for r in rows.to_dict("records"):
        pair = {"Label": r["label"], "Heads": f"{head_name(r['head'])} − {head_name(r['head_b'])}"}
        found = {"Difference": r["value"], "2.5 %": r["ci_low"], "97.5 %": r["ci_high"], "Patients": r["n_patients"]}
        shown.append(where(r) | pair | found | {"Note": r["reason"]})
    return pd.DataFrame(shown)


def where(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells that say where a row of results belongs; a head without the varied keys stands at all variants."""
    variant = {"Variant": row["variant"] or CONFIGURED} if "variant" in row else {}
    return {"Task": task_name(row["task"]), "Test set": dataset_name(row["dataset"])} | variant


def _several(rows: Sequence[Mapping[str, Any]]) -> bool:
    return len({(row["head_a"], row["head_b"]) for row in rows}) > 1


def _pair(row: Mapping[str, Any], *, several: bool) -> dict[str, Any]:
    """The cells of one comparison: both heads, difference with its interval, percent difference.

    With one pair in the table each head is a column, as in the paper; with `several` the head is a cell.
    """
    named = {head_name(row[f"head_{x}"]): formats.mean_sd(row[f"mean_{x}"], row[f"sd_{x}"]) for x in "ab"}
    if several:
        named = dict(zip(("Reference", "Head"), (f"{head} {value}" for head, value in named.items()), strict=True))
    interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:+.3f}, {row['ci_high']:+.3f}]"
    return {
        **named,
        "Difference [95 % CI]": "—" if pd.isna(row["difference"]) else f"{row['difference']:+.3f}{interval}",
        "% diff.": "—" if pd.isna(row["percent_difference"]) else f"{row['percent_difference']:+.1f}",
    }
