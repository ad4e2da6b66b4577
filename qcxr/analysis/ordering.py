"""One order of a task's labels for all its tables and figures, whatever the test set: common to rare in training."""

import pandas as pd

from qcxr.analysis.predictions import MEANS


def label_order(frame: pd.DataFrame, task: str) -> list[str]:
    """Return the labels of a task from common to rare, without the means over labels.

    frame: metrics or tests, with the columns task, dataset, label, n_positive and train_positives. Training films with
    the finding decide; where they are not known (predictions made elsewhere), those of the first test set.
    """
    part = frame[(frame["task"] == task) & ~frame["label"].isin(MEANS)]
    first = part[part["dataset"] == part["dataset"].iloc[0]] if len(part) else part
    known = part["train_positives"].notna().all() and len(part) > 0
    counts = (part if known else first).groupby("label", sort=False)["train_positives" if known else "n_positive"].max()
    rest = [label for label in part["label"].unique() if label not in counts.index]
    return [*counts.sort_values(ascending=False, kind="stable", na_position="last").index, *rest]
