"""From a machine's training steps to the hours that the paper's runs would take on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qcxr.bench.peers.known import OURS

Row = Mapping[str, Any]
PAPER_HOURS = 169  # GPU-hours of the paper's 30 runs: published wall times, summed (section IV)
PAPER_EPOCHS = 861  # that those runs took in all
PAPER_FILMS = 78_506  # in the training split of NIH-CXR-LT
PAPER_STEPS = {(head, n_labels, 32, 224) for head in ("cdl", "dqc") for n_labels in (8, 14, 19)}  # batch, side


def projection(rows: Sequence[Row]) -> str:
    """Hours of the paper's 30 runs at our steps' pace, with the formula; empty where the steps are not the paper's."""
    own = [row for row in rows if row["peer"] == OURS and "median_s" in row]
    if {(row["head"], row["n_labels"], row["batch"], row["size"]) for row in own} != PAPER_STEPS:
        return ""
    rate = len(own) / sum(row["median_s"] / row["batch"] for row in own)
    hours = PAPER_EPOCHS * PAPER_FILMS / rate / 3600
    formula = f"{PAPER_EPOCHS} x {PAPER_FILMS:,} / {rate:,.1f} / 3,600"
    return (
        f"The paper's 30 runs took {PAPER_EPOCHS} epochs of {PAPER_FILMS:,} films, in {PAPER_HOURS} GPU-hours. At this "
        f"machine's {rate:,.1f} films/s (the mean over our heads and tasks above) they take {formula} = {hours:,.0f} "
        "hours here, without validation."
    )
