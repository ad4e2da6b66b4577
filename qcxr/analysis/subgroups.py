"""Results by sex, age, view or any other attribute of a film: AUROC per group, gaps between groups, and their heads.

A gap is a group's AUROC minus the reference group's, of one head; a gap difference is how much the gaps of two heads
differ. Means over labels in a gap are of the labels that both groups have, so that a gap is never one of case mix over
labels. Intervals are over seeds (t), over patients and over both together (`qcxr.analysis.contrasts`); a patient with
films in both groups adds to both. p and words follow both together, one seed leaves patients alone; with
`analysis.inference` seeds they follow the paired t-test over seeds. p-values of gaps are adjusted in families: the mean
gaps of a task, test set and head over all attributes and groups are one, its gaps per label another; gap differences
likewise for each pair of heads. A family never leaves its task and test set, whatever `analysis.family` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qcxr.analysis.attributes import UNKNOWN, Grouping, groupings
from qcxr.analysis.contrasts import Cell, Contrast, cell
from qcxr.analysis.families import adjusted
from qcxr.analysis.inputs import Paths, read_predictions
from qcxr.analysis.outline import pairs
from qcxr.analysis.predictions import same_films
from qcxr.analysis.replicates import Tables
from qcxr.analysis.sides import Side
from qcxr.errors import InputError
from qcxr.study.files import write_csv

COLUMNS = (
    "task", "dataset", "attribute", "group", "reference", "kind", "head", "head_b", "label", "n_labels", "n_seeds",
    "n", "n_positive", "n_patients", "positive_patients", "reference_patients", "reference_positive_patients",
    "small", "value", "sd", "ci_low", "ci_high", "patients_se", "patients_df", "patients_low", "patients_high",
    "total_se", "total_df", "total_low", "total_high", "basis", "p", "p_adjusted", "n_family", "reason",
)  # fmt: skip
COUNTS = (
    "n_labels", "n_seeds", "n", "n_positive", "n_patients", "positive_patients", "reference_patients",
    "reference_positive_patients", "n_family",
)  # fmt: skip
GROUP, GAP, GAPS, NONE = "group", "gap", "gap difference", "none"
ALONE = "one seed: a test over seeds needs two"
Row = dict[str, Any]
Cells = Mapping[tuple[str, str], Cell]  # (group, label)


@dataclass(frozen=True)
class Breakdown:
    """How results are broken down: the keys of the configuration's `analysis` that it takes."""

    subgroups: Sequence[str] = ("sex", "age", "view")
    age_borders: Sequence[float] = (40, 60, 80)
    small_group: int = 50
    adjust: str = "holm"
    inference: str = "both"
    heads: Sequence[str] = ("cdl", "dqc")
    against: Sequence[str] | None = None


def subgroups(
    tables: Tables,
    attributes: pd.DataFrame,
    *,
    task: str,
    dataset: str,
    breakdown: Breakdown = Breakdown(),
) -> pd.DataFrame:
    """Tidy rows (`COLUMNS`) of one task on one test set.

    tables: (head, seed) -> predictions, all on the same films. attributes: as of `qcxr.analysis.attributes`.

    Of kind `group`, a row per head, attribute, group and label (and `mean`, over those defined in the group): AUROC,
    mean over seeds, with intervals on the logit scale, which keeps them between 0 and 1. Of kind `gap`, per group but
    the reference and `unknown`; its `reference` is named. Of kind `gap difference`, per pair of heads, head's gap minus
    head_b's, over the seeds that both have. A label without two patients with, and two without, the finding in a group
    is undefined there. `small`: a group has fewer patients than `small_group`. Without an attribute, a row of kind
    `none` says why there is nothing.

    Raises InputError if the runs differ in films or no head has a run.
    """
    same_films({f"{head}/seed{seed}": table for (head, seed), table in tables.items()})
    heads = [head for head in breakdown.heads if any(h == head for h, _ in tables)]
    if not heads:
        raise InputError(f"task {task}, data set {dataset}: no run of {', '.join(breakdown.heads)}; give predictions")
    first = next(iter(tables.values()))
    found = groupings(
        attributes, first.image_id, first.patient_id, kept=breakdown.subgroups, age_borders=breakdown.age_borders
    )
    rows: list[Row] = [{"kind": NONE, "label": "", "reason": "this data set gives no sex, age or view"}]
    if found:
        rows = []
        for attribute, grouping in found.items():
            part = _Part(tables, grouping, breakdown)
            rows += [{"attribute": attribute} | row for row in part.rows(heads)]
    frame = pd.DataFrame([{"task": task, "dataset": dataset} | row for row in rows], columns=list(COLUMNS))
    texts = ["attribute", "group", "reference", "head", "head_b", "basis", "reason"]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), "")
    frame["small"] = frame["small"].eq(True)
    frame["p_adjusted"] = np.nan
    return _adjusted(frame.astype(dict.fromkeys(COUNTS, "Int64")), breakdown.adjust)


def subgroup_files(
    predictions: Paths, attributes: str | Path | pd.DataFrame, out: str | Path, *, breakdown: Breakdown
) -> pd.DataFrame:
    """Break down the prediction files of one task and data set (all heads and seeds) and write the tidy CSV `out`.

    attributes: the workflow's parquet, or a table of `qcxr.analysis.attributes.read_groups`.
    """
    tables = read_predictions(predictions)
    keys = {(run.task, run.dataset) for run in tables}
    if len(keys) != 1:
        raise InputError(f"subgroups are of one task and data set, got {sorted(keys)}; call it once for each")
    ((task, dataset),) = keys
    by_run = {(run.head, run.seed): table for run, table in tables.items()}
    if len(by_run) < len(tables):
        raise InputError("subgroups are of one variant, got runs of several of a head and seed; call it once for each")
    if not isinstance(attributes, pd.DataFrame):
        table = pd.read_parquet(attributes).set_index("image_id").drop(columns="patient_id")
        attributes = table.assign(age=table["age"].astype(float))
    frame = subgroups(by_run, attributes, task=task, dataset=dataset, breakdown=breakdown)
    write_csv(frame, out)
    return frame


class _Part:
    """The cells of one attribute, and the rows made of them."""

    def __init__(self, tables: Tables, grouping: Grouping, breakdown: Breakdown):
        self.grouping, self.breakdown = grouping, breakdown
        self.runs = list(tables)
        first = next(iter(tables.values()))
        self.labels = first.labels
        self.table = first
        self.patients, self.patient = np.unique(first.patient_id.astype(str), return_inverse=True)
        self.films = {group: grouping.of == group for group in grouping.names}
        n = len(self.patients)
        self.here = {group: np.bincount(self.patient[films], minlength=n) > 0 for group, films in self.films.items()}
        scores = [np.stack([t.probability[:, j] for t in tables.values()]) for j in range(len(self.labels))]
        self.cells: Cells = {
            (group, label): cell(first.truth[films, j], scores[j][:, films], self.patient[films], n)
            for group, films in self.films.items()
            for j, label in enumerate(self.labels)
        }
        self.contrasts: dict[tuple[tuple[str, ...], tuple[str, ...]], Contrast] = {}

    def rows(self, heads: Sequence[str]) -> Iterator[Row]:
        """All rows, groups first, each with labels and then their mean."""
        for group in self.grouping.names:
            for head in heads:
                yield from self._of(GROUP, group, (head, ""))
        compared = [pair for pair in pairs(self.breakdown.heads, self.breakdown.against) if {*pair} <= {*heads}]
        for group in self.grouping.compared:
            for head in heads:
                yield from self._of(GAP, group, (head, ""))
            for pair in compared:
                yield from self._of(GAPS, group, pair)

    def _of(self, kind: str, group: str, pair: tuple[str, str]) -> Iterator[Row]:
        reference = "" if kind == GROUP else self.grouping.reference
        groups = (group, reference) if reference else (group,)
        side = self._side(pair)
        defined = [label for label in self.labels if not any(self.cells[g, label].reason for g in groups)]
        least = min(int(self.here[g].sum()) for g in groups)
        keys: Row = {"group": group, "reference": reference, "kind": kind, "head": pair[0], "head_b": pair[1]}
        keys["small"] = least < self.breakdown.small_group
        for label in (*self.labels, "mean"):
            chosen = defined if label == "mean" else [name for name in defined if name == label]
            row: Row = keys | {"label": label} | self._counts(groups, label)
            if label == "mean":
                row["n_labels"] = len(chosen)
            if chosen and side.runs:
                found = self._contrast(groups, tuple(chosen)).measured(side)
                found = found.bounded() if kind == GROUP else found
                row |= found.columns(self.breakdown.inference)
            yield row | {"reason": self._reason(groups, label, defined, seeds=len(side.runs))}

    def _contrast(self, groups: tuple[str, ...], labels: tuple[str, ...]) -> Contrast:
        """Of a group, or of it less the reference; kept, since every head and pair asks for it."""
        if (groups, labels) not in self.contrasts:
            sides = [[self.cells[group, label] for label in labels] for group in groups]
            here = np.any([self.here[group] for group in groups], axis=0)
            self.contrasts[groups, labels] = Contrast(*sides, here=here)
        return self.contrasts[groups, labels]

    def _side(self, pair: tuple[str, str]) -> Side:
        """A head's runs, or the runs of two heads with the seeds that both have."""
        head, other = pair
        at = {name: {seed: k for k, (h, seed) in enumerate(self.runs) if h == name} for name in pair if name}
        seeds = sorted(set.intersection(*map(set, at.values())))
        runs = {name: [of[seed] for seed in seeds] for name, of in at.items()}
        return Side(head, runs[head], other, runs[other] if other else ())

    def _counts(self, groups: tuple[str, ...], label: str) -> Row:
        """Films and patients of a group, those with the finding (or with any), and patients of the reference."""
        found: Row = {}
        for group, prefix in zip(groups, ("", "reference_"), strict=False):
            films = self.films[group]
            column = slice(None) if label == "mean" else self.labels.index(label)
            truth = self.table.truth[films][:, column].reshape(int(films.sum()), -1)
            covered, positive = (~np.isnan(truth)).any(axis=1), (truth == 1).any(axis=1)
            owner = self.patient[films]
            found |= {
                f"{prefix}patients": np.unique(owner[covered]).size,
                f"{prefix}positive_patients": np.unique(owner[positive]).size,
            }
            if not prefix:
                found |= {"n": int(covered.sum()), "n_positive": int(positive.sum())}
                found["n_patients"] = found.pop("patients")
        return found

    def _reason(self, groups: tuple[str, ...], label: str, defined: Sequence[str], *, seeds: int) -> str:
        if not seeds:
            return "the two heads have no seed in common"
        if label != "mean":
            said = [f"{self.cells[g, label].reason} in {g}" for g in groups if self.cells[g, label].reason]
            return "; ".join(said or [ALONE] * self._untested(seeds))
        texts = [ALONE] * self._untested(seeds)
        if lost := [name for name in self.labels if name not in defined]:
            texts.append(f"{'all labels' if not defined else ', '.join(lost)} left out: too few patients")
        if UNKNOWN in groups and self.grouping.note:
            texts.append(self.grouping.note)
        return "; ".join(texts)

    def _untested(self, seeds: int) -> bool:
        return seeds == 1 and self.breakdown.inference == "seeds"


def _adjusted(frame: pd.DataFrame, method: str) -> pd.DataFrame:
    """Adjust p within each head (or pair) and kind, means apart from labels; AUROCs of groups have no p."""
    frame.loc[frame["kind"] == GROUP, "p"] = np.nan
    for _, part in frame.groupby(["kind", "head", "head_b", frame["label"] == "mean"], sort=False):
        tested = part.index[part["p"].notna()]
        if not len(tested):
            continue
        p = frame.loc[tested, "p"].to_numpy(float)
        frame.loc[tested, "p_adjusted"] = adjusted(p, method)
        frame.loc[tested, "n_family"] = len(tested)
    return frame
