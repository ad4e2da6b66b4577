"""Subgroups for people: a table of groups and gaps, one of how heads' gaps differ, and what both say in words."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qcxr.analysis import formats
from qcxr.analysis.cells import bounds
from qcxr.analysis.inference import PATIENTS, SEEDS, UNADJUSTED, p_called
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, task_name

Row = Mapping[str, Any]
ALONE = {
    PATIENTS: " With one seed the intervals are of patients alone.",
    SEEDS: " Intervals and tests are over seeds alone.",
}


def groups(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per group and head: patients, mean AUROC, and the gap to the reference with its interval and adjusted p.

    frame: rows of `qcxr.analysis.subgroups.COLUMNS`. A data set of which nothing is known has a row that says so.
    """
    means = _means(frame)
    keys = ["task", "dataset", "attribute", "group", "head"]
    gaps = {tuple(row[key] for key in keys): row for row in means if row["kind"] == "gap"}
    shown = []
    for row in means:
        if row["kind"] not in ("group", "none"):
            continue
        gap = gaps.get(tuple(row[key] for key in keys))
        cells = {"Task": task_name(row["task"]), "Test set": dataset_name(row["dataset"])}
        cells |= {"Attribute": row["attribute"] or "—", "Group": row["group"] or "—"}
        cells |= {"Head": head_name(row["head"]) or "—", "Patients": row["n_patients"], "Films": row["n"]}
        cells |= {"Labels": row["n_labels"], "Mean AUROC": _with_interval(row), "Gap": "—", "p adjusted": "—"}
        if gap:
            cells |= {"Gap": f"{_with_interval(gap, signed=True)} against {gap['reference']}"}
            cells |= {"p adjusted": formats.p_value(gap["p_adjusted"])}
        shown.append(cells | {"Note": _note(row, gap)})
    return pd.DataFrame(shown)


def differences(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per group and pair of heads: both gaps, and how much they differ, with interval and adjusted p."""
    means = _means(frame)
    keys = ["task", "dataset", "attribute", "group"]
    of = {(*(row[key] for key in keys), row["head"]): row["value"] for row in means if row["kind"] == "gap"}
    shown = []
    for row in means:
        if row["kind"] != "gap difference":
            continue
        place = tuple(row[key] for key in keys)
        cells = {"Task": task_name(row["task"]), "Test set": dataset_name(row["dataset"])}
        cells |= {"Gap": f"{row['attribute']}: {row['group']} against {row['reference']}"}
        cells |= {"Heads": f"{head_name(row['head'])} − {head_name(row['head_b'])}"}
        cells |= {"Gap of the first": of[(*place, row["head"])], "Gap of the second": of[(*place, row["head_b"])]}
        cells |= {"Difference": _with_interval(row, signed=True), "p adjusted": formats.p_value(row["p_adjusted"])}
        shown.append(cells | {"Note": _note(row, None)})
    return pd.DataFrame(shown)


def said(frame: pd.DataFrame, *, alpha: float = 0.05, adjust: str = "holm") -> list[str]:
    """Say per task and test set which gaps, and which differences of gaps, are significant, and which groups are small.

    Nothing is said of a data set of which nothing is known, or without a test.
    """
    texts = []
    means = frame[frame["label"] == "mean"]
    for (task, dataset), part in means.groupby(["task", "dataset"], sort=False):
        tested = part[part["p_adjusted"].notna()]
        gaps, pairs = (tested[tested["kind"] == kind] for kind in ("gap", "gap difference"))
        if gaps.empty:
            continue
        by = listed(list(dict.fromkeys(gaps["attribute"])))
        sure = gaps[gaps["p_adjusted"] < alpha]
        text = f"{task_name(task)}, {dataset_name(dataset)}: "
        text += f"{_counted(len(sure), len(gaps))} of mean AUROC between groups by {by} "
        text += _significant(len(sure), alpha, adjust)
        text += _list(sure)
        if len(pairs):
            apart = pairs[pairs["p_adjusted"] < alpha]
            count = _counted(len(apart), len(pairs), what="difference")
            text += f" {count[0].upper()}{count[1:]} between two heads' gaps {_significant(len(apart), alpha, adjust)}"
            text += _list(apart)
        text += ALONE.get(gaps["basis"].iloc[0], "") * (gaps["basis"].nunique() == 1)
        texts.append(text + _small(part))
    return texts


def _list(rows: pd.DataFrame) -> str:
    told = "; ".join(_told(row) for row in rows.to_dict("records"))
    return f": {told}." if told else "."


def _counted(n: int, total: int, what: str = "gap") -> str:
    return f"{n or 'none'} of {total} {what}{'s' * (total > 1)}"


def _significant(n: int, alpha: float, adjust: str) -> str:
    without = f", {UNADJUSTED}" * (adjust == "none")
    if n:
        return f"{'are' if n > 1 else 'is'} significant ({p_called(adjust)} < {alpha:g}{without})"
    return f"is significant{without or ' after adjustment'}"


def _told(row: Row) -> str:
    heads = head_name(row["head"]) + (f" minus {head_name(row['head_b'])}" if row["head_b"] else "")
    return f"{heads}, {row['attribute']} {row['group']} against {row['reference']}: {_with_interval(row, signed=True)}"


def _small(part: pd.DataFrame) -> str:
    rows = part[(part["kind"] == "group") & part["small"] & (part["group"] != "unknown")]
    sizes = rows.groupby(["attribute", "group"], sort=False)["n_patients"].max()
    names = [f"{attribute} {group} ({int(n)} patients)" for (attribute, group), n in sizes.items()]
    return f" Small, so little can be said of them: {listed(names)}." if names else ""


def _means(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame[frame["label"].isin(["mean", ""])].to_dict("records")


def _with_interval(row: Row, *, signed: bool = False) -> str:
    """The value and the 95 % interval of its basis."""
    if pd.isna(row["value"]):
        return "—"
    digits = "+.3f" if signed else ".3f"
    low, high = bounds(row)
    return f"{row['value']:{digits}}" + ("" if pd.isna(low) else f" [{low:{digits}}, {high:{digits}}]")


def _note(row: Row, gap: Row | None) -> str:
    notes = ["small group"] * bool(row["small"])
    if gap and gap["small"] and not row["small"]:
        notes.append("small reference group")
    if row["basis"] in (PATIENTS, SEEDS):
        notes.append(f"{row['basis']} alone")
    if gap and pd.notna(gap["n_labels"]) and gap["n_labels"] != row["n_labels"]:
        notes.append(f"gap over the {int(gap['n_labels'])} labels of both groups")
    return "; ".join([*notes, *[text for text in [row["reason"]] if text]])
