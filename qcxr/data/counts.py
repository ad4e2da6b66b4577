"""Counts per split and label: the paper's Table I, from a manifest."""

from collections.abc import Sequence

import pandas as pd

from qcxr.data.columns import SPLITS, labels_of
from qcxr.study.labels import CXRLT26


def counts(frame: pd.DataFrame, *, dataset: str) -> pd.DataFrame:
    """Positives per split and label: columns dataset, split, label, n, n_positive; split `total` sums the others.

    n counts the films that cover the label. Labels come in `CXRLT26`'s order, then others as in the manifest.
    """
    found = labels_of(frame)
    names = [label for label in CXRLT26 if label in found] + [label for label in found if label not in CXRLT26]
    rows = []
    for split in (*SPLITS, "total"):
        part = frame if split == "total" else frame[frame["split"] == split]
        if part.empty:
            continue
        for label in names:
            covered = part[label].dropna()
            rows.append((dataset, split, label, len(covered), int(covered.sum())))
    return pd.DataFrame(rows, columns=["dataset", "split", "label", "n", "n_positive"])


def cooccurrence(frame: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """How many films show both labels, labels by labels, the diagonal being the label's own count.

    A film counts for a pair if it covers both labels.
    """
    positive = frame[list(labels)].fillna(0).to_numpy(dtype="int64")
    return pd.DataFrame(positive.T @ positive, index=list(labels), columns=list(labels))
