"""Score a prediction table: tidy rows per label, and means over the labels where the metric is defined.

Paper section III-G asks for AUROC; beside it stand average precision (the field's challenge metric), balanced
accuracy at a threshold chosen on validation, and calibration. An undefined value is empty and carries its reason.

Means over labels are plain means of the labels where a metric is defined, each label alike. Of the calibration slope
and intercept that means that rare labels, whose values are the least certain, move the mean most: see the labels too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Real

from qcxr.analysis import calibration, ranking, recalibration
from qcxr.analysis.frequencies import Frequencies
from qcxr.analysis.ownmetrics import OwnMetric
from qcxr.analysis.predictions import MEANS, Predictions, RunKey, check
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError
from qcxr.study.files import write_csv

METRICS = (
    "auroc", "average_precision", "balanced_accuracy", "threshold", "brier", "ece", "brier_skill", "calibration_slope",
    "calibration_intercept",
)  # fmt: skip
COLUMNS = (
    "label", "metric", "value", "n", "n_positive", "n_patients", "positive_patients", "train_positives",
    "reason", "n_labels",
)  # fmt: skip
COUNTS = ("n", "n_positive", "n_patients", "positive_patients", "train_positives", "n_labels")
RUN_KEYS = tuple(key for key in RunKey._fields if key != "variant")  # which only a study that varies something has
GROUPS = MEANS[1:]


def score(
    predictions: pd.DataFrame | Predictions,
    *,
    validation: pd.DataFrame | Predictions | None = None,
    frequencies: Frequencies | None = None,
    own: Mapping[str, OwnMetric] | None = None,
    bins: int = 15,
) -> pd.DataFrame:
    """Return tidy rows (`COLUMNS`) for one run on one data set.

    predictions: table with image_id, patient_id, p_<label>, y_<label> (NA = not covered), or what `check` made of it.
    validation: the same run's table on the validation split, from which Youden's thresholds are taken.
    frequencies: give the rows mean_head, mean_medium and mean_tail. own: metrics of the user's, after ours (`METRICS`).
    bins: equal-width bins of the calibration error.

    `n` is the number of films that cover the label, `n_positive` those with the finding, `n_patients` and
    `positive_patients` those whose films they are, `train_positives` the training films with it (empty without
    frequencies). In a mean row `n_positive` and `positive_patients` are the films and patients with any finding of the
    group, each counted once, `n_labels` is the number of labels averaged, and `reason` names the ones left out.
    Raises InputError on a malformed table.
    """
    test = predictions if isinstance(predictions, Predictions) else check(predictions)
    chosen = validation
    if isinstance(validation, pd.DataFrame):
        chosen = check(validation, source="validation predictions")
    if chosen is not None and set(test.labels) - set(chosen.labels):
        lacking = sorted(set(test.labels) - set(chosen.labels))
        raise InputError(
            f"validation predictions lack labels {', '.join(lacking)}; predict the same task on validation"
        )
    groups = {"mean": list(test.labels)} | ({} if frequencies is None else frequencies.groups(test.labels))
    counts = {} if frequencies is None else frequencies.train_counts
    rows, own = [], own or {}
    people = _people(test, {label: [label] for label in test.labels} | groups)
    for label in test.labels:
        counted = people[label] | {"train_positives": counts.get(label, pd.NA)}
        made = _label_rows(test, chosen, label, bins)
        rows += [row | counted for row in [*made, *_own_rows(own, test, label, made)]]
    values = {(row["label"], row["metric"]): row["value"] for row in rows}
    for name, labels in groups.items():
        for metric in (*METRICS, *own):
            if metric != "threshold":
                rows.append(people[name] | _mean_row(name, metric, labels, values))
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))


def _people(test: Predictions, groups: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """Of each group of labels: films that cover any of them, films with any of the findings, and the patients of both.

    A mean over labels is over films that may not cover all of them: its films and patients are all of the table.
    """
    _, patient = np.unique(test.patient_id.astype(str), return_inverse=True)
    found = {}
    for name, labels in groups.items():
        truth = test.truth[:, [test.labels.index(label) for label in labels]]
        covered = np.full(patient.size, True) if name in MEANS else ~np.isnan(truth).all(axis=1)
        positive = (truth == 1).any(axis=1)
        films = {"n": int(covered.sum()), "n_positive": int(positive.sum())}
        patients = {"n_patients": np.unique(patient[covered]).size}
        found[name] = films | patients | {"positive_patients": np.unique(patient[positive]).size}
    return found


def score_run(
    predictions: str | Path | Predictions,
    validation: str | Path | Predictions | None,
    out: str | Path,
    *,
    run: RunKey,
    frequencies: Frequencies | None = None,
    own: Mapping[str, OwnMetric] | None = None,
) -> pd.DataFrame:
    """Score one run's predictions (a file, or read) on one data set; write the tidy CSV `out`, the run's keys in front.

    Other arguments as in `score`. Returns what it wrote; it has the column `variant` where the run is of one.
    """
    frame = score(
        read_table(predictions) if isinstance(predictions, str | Path) else predictions,
        validation=read_table(validation) if isinstance(validation, str | Path) else validation,
        frequencies=frequencies,
        own=own,
    )
    keys = {"task": run.task, "head": run.head, "variant": run.variant, "seed": run.seed, "dataset": run.dataset}
    for column, value in reversed(keys.items()):
        if column != "variant" or value:
            frame.insert(0, column, value)
    write_csv(frame, out)
    return frame


def read_metrics(paths: str | Path | Sequence[str | Path]) -> pd.DataFrame:
    """Read and concatenate tidy metric CSVs; InputError on a missing column or a run given twice.

    The column `variant` stands after `head` if any file has it, with "" for runs that are of none.
    """
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    if not paths:
        raise InputError("no metrics file given; score at least one run first")
    frame = pd.concat([read_table(path) for path in paths], ignore_index=True)
    if "variant" in frame:
        frame.insert(frame.columns.get_loc("head") + 1, "variant", frame.pop("variant").fillna(""))
    lacking = [c for c in (*RUN_KEYS, *COLUMNS) if c not in frame]
    if lacking:
        raise InputError(f"{paths[0]}: metrics columns are missing: {', '.join(lacking)}; write it with score_run")
    twice = frame.duplicated([key for key in (*RunKey._fields, "label", "metric") if key in frame])
    if twice.any():
        row = frame[twice].iloc[0]
        run = "/".join(
            part for part in (row["task"], row["head"], row.get("variant", ""), f"seed{row['seed']}") if part
        )
        raise InputError(f"metrics hold {run} on {row['dataset']} twice; give each run once")
    return frame


def _label_rows(test: Predictions, chosen: Predictions | None, label: str, bins: int) -> list[dict[str, Any]]:
    truth, probability = test.of(label)
    values = dict.fromkeys(METRICS, np.nan)
    reasons = dict.fromkeys(METRICS, "")

    undefined = why_undefined(truth)
    if undefined:
        reasons["auroc"] = reasons["average_precision"] = undefined
    else:
        values["auroc"] = ranking.auroc(truth, probability)
        values["average_precision"] = ranking.average_precision(truth, probability)
        if np.ptp(probability) == 0:
            reasons["auroc"] = reasons["average_precision"] = (
                "constant predictions: every film has the same probability"
            )

    reasons["threshold"] = why_no_threshold(chosen, label)
    if chosen is not None and not reasons["threshold"]:
        values["threshold"] = ranking.youden_threshold(*chosen.of(label))
    reasons["balanced_accuracy"] = undefined or reasons["threshold"]
    if not reasons["balanced_accuracy"]:
        values["balanced_accuracy"] = ranking.balanced_accuracy(truth, probability, threshold=values["threshold"])
    for metric, (value, reason) in _calibrated(truth, probability, bins).items():
        values[metric], reasons[metric] = value, reason
    return [{"label": label, "metric": m, "value": values[m], "reason": reasons[m]} for m in METRICS]


def _own_rows(
    own: Mapping[str, OwnMetric], test: Predictions, label: str, ours: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of the user's metrics on one label; ours: the rows of the package's, which have the threshold."""
    truth, probability = test.of(label)
    chosen = next(row for row in ours if row["metric"] == "threshold")
    rows = []
    for name, metric in own.items():
        reason = why_undefined(truth) or (chosen["reason"] if metric.thresholded else "")
        value = np.nan if reason else metric.of(truth, probability, chosen["value"])
        if np.isnan(value) and not reason:
            reason = f"{name} gives none here"
        rows.append({"label": label, "metric": name, "value": value, "reason": reason})
    return rows


def _calibrated(
    truth: Real[np.ndarray, " films"], probability: Real[np.ndarray, " films"], bins: int
) -> dict[str, tuple[float, str]]:
    """(value, why undefined) of every metric of calibration."""
    undefined = why_undefined(truth)
    found = dict.fromkeys(
        ("brier", "ece", "brier_skill", "calibration_slope", "calibration_intercept"), (np.nan, undefined)
    )
    if truth.size:
        found["brier"] = (calibration.brier(truth, probability), "")
        found["ece"] = (calibration.expected_calibration_error(truth, probability, bins=bins), "")
    if not undefined:
        found["brier_skill"] = (calibration.brier_skill(truth, probability), "")
        found["calibration_intercept"] = (recalibration.intercept(truth, probability), "")
        no_slope = recalibration.why_no_slope(truth, probability)
        found["calibration_slope"] = (np.nan if no_slope else recalibration.slope(truth, probability), no_slope)
    return found


def why_undefined(truth: Real[np.ndarray, " films"]) -> str:
    """Return why a ranking metric is undefined, or an empty string."""
    if not truth.size:
        return "label not covered by this data set"
    if not truth.any():
        return "no positives"
    return "no negatives" if truth.all() else ""


def why_no_threshold(chosen: Predictions | None, label: str) -> str:
    """Return why no threshold can be chosen on these validation predictions, or an empty string."""
    if chosen is None:
        return "no validation predictions to choose a threshold on"
    truth, probability = chosen.of(label)
    undefined = why_undefined(truth)
    if undefined:
        return f"no threshold: {undefined} in validation"
    return "no threshold: constant predictions on validation" if np.ptp(probability) == 0 else ""


def _mean_row(name: str, metric: str, labels: Sequence[str], values: Mapping[tuple[str, str], float]) -> dict[str, Any]:
    defined = [label for label in labels if not np.isnan(values[label, metric])]
    left_out = [label for label in labels if label not in defined]
    row = {"label": name, "metric": metric, "value": np.nan, "n_labels": len(defined)}
    if not labels:
        return row | {"reason": "no label in this group"}
    if not defined:
        return row | {"reason": f"undefined for all {len(labels)} labels"}
    row["value"] = float(np.mean([values[label, metric] for label in defined]))
    reason = f"over {len(defined)} of {len(labels)} labels; undefined: {', '.join(left_out)}" if left_out else ""
    return row | {"reason": reason}
