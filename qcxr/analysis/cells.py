"""Cells of the tables of comparisons: what a row of tests says, as text."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from qcxr.analysis import formats
from qcxr.analysis.inference import INTERVALS, Inference

Row = Mapping[str, Any]  # of tests.csv
RANKED = 6  # seeds from which the exact signed-rank test can give p < 0.05


def bounds(row: Row) -> tuple[float, float]:
    """The 95 % interval that belongs to the row's basis; NaN where there is none."""
    low, high = INTERVALS.get(row["basis"], ("", ""))
    return (row[low], row[high]) if low else (float("nan"), float("nan"))


def difference(row: Row) -> str:
    """`+0.020 [+0.008, +0.032]`: the difference and the interval of the row's basis."""
    if pd.isna(row["difference"]):
        return "—"
    low, high = bounds(row)
    interval = "" if pd.isna(low) else f" [{low:+.3f}, {high:+.3f}]"
    return f"{row['difference']:+.3f}{interval}"


def interval(low: float, high: float) -> str:
    """`[0.763, 0.801]`, or a dash where it is not known."""
    return "—" if pd.isna(low) or pd.isna(high) else f"[{low:.3f}, {high:.3f}]"


def half_width(row: Row, over: str) -> str:
    """`0.012`: half the 95 % interval over `ci` (seeds), `patients` or `total`."""
    low, high = row[f"{over}_low"], row[f"{over}_high"]
    return "—" if pd.isna(low) else f"{(high - low) / 2:.3f}"


def detectable(row: Row, rules: Inference | None) -> str:
    """Beside what is not significant: the smallest difference that would have been found, or equivalence."""
    if row["equivalent"]:
        return "equivalent" + (f" within {rules.margin:g}" if rules else "")
    return f"{row['detectable']:.3f}" if not row["significant"] and pd.notna(row["detectable"]) else ""


def wilcoxon(row: Row) -> str:
    """p of the signed-rank test; with fewer than six seeds the bound below which no differences can bring it."""
    if pd.isna(row["wilcoxon_floor"]):
        return "—"
    if row["n_seeds"] < RANKED:
        return f"cannot go below {row['wilcoxon_floor']:.4g}"
    return formats.p_value(row["wilcoxon_p"])


def note(row: Row) -> str:
    """What qualifies the row: collapsed runs, another test to read, and why something is undefined."""
    collapsed = f"collapsed: {row['collapsed']}" if row["collapsed"] else ""
    return "; ".join(text for text in (collapsed, row["reading"], row["reason"]) if text)


def tested(row: Row, rules: Inference | None) -> dict[str, Any]:
    """The cells of a row's tests, by column; a column without any is left out of the table (`filled`)."""
    raw = formats.p_value(row["p"])
    return {
        "Difference [95 %]": difference(row),
        "Over": row["basis"],
        "± seeds": half_width(row, "ci"),
        "± patients": half_width(row, "patients"),
        "% diff.": "—" if pd.isna(row["percent_difference"]) else f"{row['percent_difference']:+.1f}",
        "p adjusted": formats.p_value(row["p_adjusted"]),
        "Mark": row["mark"],
        "Detectable": detectable(row, rules),
        "p raw": raw + f" {row['mark_raw']}" * bool(row["mark_raw"]),
        "g_z": row["g_z"],
    }


def called(table: pd.DataFrame, rules: Inference | None) -> pd.DataFrame:
    """The table with `p` for its column `p adjusted` where nothing was adjusted; no p stands there twice."""
    if rules is None or rules.adjust != "none" or "p adjusted" not in table:
        return table
    return table.drop(columns="p adjusted") if "p" in table else table.rename(columns={"p adjusted": "p"})


def filled(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that say nothing: intervals that no row has, a basis that all rows share."""
    empty = [name for name in ("± seeds", "± patients") if name in table and (table[name] == "—").all()]
    empty += [name for name in ("Detectable", "Note") if name in table and (table[name] == "").all()]
    if "Over" in table and table.loc[table["Over"] != "", "Over"].nunique() < 2:
        empty.append("Over")
    return table.drop(columns=empty)
