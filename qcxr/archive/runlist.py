"""runs.csv: every run and test set of an archive, as `qcxr evaluate runs.csv` takes them."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from qcxr.analysis.layout import Layout
from qcxr.study.runs import Planned


def runlist(layout: Layout) -> pd.DataFrame:
    """A row for each run on each test set and on validation; paths as in the archive.

    Truth stands beside the probabilities in the same tables. Characters that no name of a list may have are rewritten.
    """
    study = layout.study
    counts = _path(layout.counts(study.trained_on), layout)
    rows = []
    for run in study.runs:
        for dataset in (*study.test_on, "validation"):
            table = _path(layout.predictions(run, dataset), layout)
            grouped = study.grouped and dataset != "validation"
            rows.append(
                {
                    "task": run.task,
                    "head": run.arm.head,
                    "seed": run.seed,
                    "dataset": dataset,
                    "predictions": table,
                    "truth": table,
                    "train_counts": counts,
                    "groups": _path(layout.attributes(dataset), layout) if grouped else "",
                    "variant": _variant(run, layout),
                }
            )
    return pd.DataFrame(rows)


def _path(path: Path, layout: Layout) -> str:
    return f"results/{path.relative_to(layout.root).as_posix()}"


def _variant(run: Planned, layout: Layout) -> str:
    if not layout.outline.varied:
        return ""
    return re.sub(r"[^\w.+() -]", " ", run.arm.variant) or "configuration"
