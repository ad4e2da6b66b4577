"""The patients' part of every mean over seeds, and of every difference of two heads, from the rule `patients`' rows.

A file of these is of one variant of the study's grid and holds every head that stands there; a head without the varied
keys is therefore in each, and any of them tells the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from qcxr.analysis import variants
from qcxr.analysis.components import Estimate, bounded, estimate, over_both
from qcxr.analysis.outline import Outline
from qcxr.errors import InputError

COLUMNS = (
    "task", "dataset", "metric", "label", "kind", "head", "head_b", "n_patients", "positive_patients", "value",
    "patients_variance", "shared_variance", "patients_df", "reason",
)  # fmt: skip
COUNTS = ("n_patients", "n_positive", "positive_patients", "train_positives")
PEOPLE = ("n_patients", "positive_patients")
SAME = 1e-6  # values of one quantity, computed in two places, differ by less
Place = tuple[str, str, str, str]  # task, data set, metric, label


class Intervals(NamedTuple):
    """The two intervals of a value that have patients in them, as columns of tests.csv and estimates.csv."""

    patients: Estimate
    total: Estimate

    def bounded(self) -> "Intervals":
        """The same of a value between 0 and 1, whose intervals do not leave it."""
        return Intervals(bounded(self.patients), bounded(self.total))

    def columns(self) -> dict[str, float]:
        """patients_se, patients_df, patients_low, patients_high, total_se, total_df, total_low, total_high."""
        alone, both = self.patients, self.total
        of_patients = {"patients_se": alone.se, "patients_df": alone.df}
        of_patients |= {"patients_low": alone.low, "patients_high": alone.high}
        of_both = {"total_se": both.se, "total_df": both.df, "total_low": both.low, "total_high": both.high}
        return of_patients | of_both


@dataclass(frozen=True)
class Parts:
    """Rows of the patients' files by what they are of; empty where there are none."""

    rows: Mapping[tuple[Place, str, tuple[str, ...]], Mapping[str, Any]] = field(default_factory=dict)
    outline: Outline = Outline()  # noqa: RUF009  (frozen)

    @classmethod
    def of(cls, patients: pd.DataFrame | None, outline: Outline) -> "Parts":
        """Index the rows; InputError if a column is missing."""
        if patients is None:
            return cls()
        if lacking := [column for column in COLUMNS if column not in patients]:
            raise InputError(f"patients' columns are missing: {', '.join(lacking)}; write the files with rule patients")
        rows: dict[tuple[Place, str, tuple[str, ...]], Mapping[str, Any]] = {}
        for row, variant in zip(patients.to_dict("records"), variants.of(patients), strict=True):
            heads = (row["head"], row["head_b"]) if row["kind"] == "difference" else (row["head"],)
            rows[(row["task"], row["dataset"], row["metric"], row["label"]), variant, heads] = row
        return cls(rows, outline)

    def row(self, place: Place, heads: Sequence[str], arms: Sequence[str]) -> Mapping[str, Any] | None:
        """The row of one head, or of the difference of two (in either order); arms: the variants of their runs."""
        variant = self.outline.grid(dict(zip(heads, arms, strict=True)))
        if variant is None:
            return None
        found = self.rows.get((place, variant, tuple(heads)))
        return found if found is not None else self.rows.get((place, variant, tuple(reversed(heads))))


def intervals(value: float, over_seeds: Float[np.ndarray, " seeds"], row: Mapping[str, Any] | None) -> Intervals:
    """Patients alone (given these runs) and seeds and patients together; empty without a row.

    over_seeds: the values (or differences) of the seeds, whose mean is `value`. Raises InputError if the row's value is
    another, so that it is of other runs.
    """
    if row is None:
        return Intervals(Estimate(value), Estimate(value))
    if pd.notna(row["value"]) and abs(abs(row["value"]) - abs(value)) > SAME:
        place = ", ".join(str(row[key]) for key in ("task", "dataset", "metric", "label", "head"))
        raise InputError(
            f"patients of {place}: the value must be that of the metrics ({value:.6f}), got {row['value']:.6f}; "
            "compute both from the same runs"
        )
    n, df = over_seeds.size, float(row["patients_df"]) if pd.notna(row["patients_df"]) else float("inf")
    total = over_both(
        value,
        seed_variance=float(np.var(over_seeds, ddof=1)) if n > 1 else float("nan"),
        n_seeds=n,
        shared_variance=float(row["shared_variance"]),
        patients_df=df,
        patients_variance=float(row["patients_variance"]),
    )
    return Intervals(estimate(value, float(row["patients_variance"]), df), total)


def counts(part: pd.DataFrame, row: Mapping[str, Any] | None) -> dict[str, Any]:
    """How many patients and positives stand behind a label: from the metrics' rows, of a mean from the patients'."""
    found = {key: _most(part, key) for key in COUNTS}
    if row is not None:
        found |= {key: row[key] for key in PEOPLE if pd.isna(found[key]) and pd.notna(row[key])}
    return found


def _most(part: pd.DataFrame, column: str) -> Any:
    known = part[column].dropna() if column in part else ()
    return int(max(known)) if len(known) else pd.NA
