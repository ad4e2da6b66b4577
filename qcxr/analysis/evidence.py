"""What words and charts follow: of every comparison one interval, one p, one mark.

tests.csv names the basis of its own words: seeds and patients together, or one of the two.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from qcxr.analysis.inference import BASES
from qcxr.analysis.leading import led

OPTIONAL = (
    "patients_low", "patients_high", "total_low", "total_high", "detectable", "power_margin", "p_equivalent",
    "train_positives", "positive_patients", "n_positive",
)  # fmt: skip


def evidence(tests: pd.DataFrame, *, adjust: str = "holm") -> pd.DataFrame:
    """Return the rows of tests.csv with what leads: basis, low, high, p_read, adjusted, mark, significant.

    Beside them its parts under fixed names: seeds_low, seeds_high, patients_low, patients_high, total_low, total_high;
    detectable, equivalent, collapsed, reading. What a table does not have of these is NaN, False or "". `adjusted` says
    whether p_read is adjusted for its family. adjust: the method, as in the configuration.
    """
    found = tests.reset_index(drop=True).copy()
    for column in OPTIONAL:
        found[column] = pd.to_numeric(found[column]) if column in found else np.nan
    for column in ("collapsed", "reading", "reason"):
        found[column] = found[column].fillna("").astype(str) if column in found else ""
    found["equivalent"] = found["equivalent"].fillna(False).astype(bool) if "equivalent" in found else False
    found["basis"], found["mark"] = found["basis"].fillna(""), found["mark"].fillna("")
    found["p_read"], found["adjusted"] = found["p_adjusted"], adjust != "none"
    found["significant"] = found["significant"].fillna(False).astype(bool)
    return led(found)


def bases(rows: pd.DataFrame) -> list[str]:
    """The different bases of rows of `evidence`, the widest first."""
    return [basis for basis in BASES if (rows["basis"] == basis).any()]


def at(rows: pd.DataFrame, *, metric: str = "auroc", labels: Iterable[str] = ("mean",)) -> pd.DataFrame:
    """Rows of one metric and of these labels or means."""
    return rows[(rows["metric"] == metric) & rows["label"].isin(list(labels))]
