"""Runs that collapsed: a training that went wrong, and whose value must not hide in a mean ± sd.

The rule: a run is flagged on a test set when its mean AUROC lies more than `GAP` and more than `ROBUST` robust standard
deviations (1.4826 times the median absolute deviation) below the median of its head's seeds, of which there must be
three; or when its predictions are constant on most labels. The robust deviation is Iglewicz & Hoaglin's (1993), who
flag at 3.5 of it; with few seeds it is often too small, which `GAP` and 5 in place of 3.5 make up for: of heads whose
seeds are normal, any run is flagged in none of 1000 with an sd of 0.01, in one of 100 with 0.02, in two to four of 100
with 0.03. The median stays where it is while fewer than half of the seeds have collapsed. Nothing is left out of any
mean for it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from qcxr.analysis import variants
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.predictions import MEANS

GAP = 0.05  # AUROC; the paper's heads have sds over seeds of 0.00 to 0.03
ROBUST = 5.0
FEWEST = 3  # seeds of which a median says anything
CONSTANT = "constant predictions"  # how a metric's reason begins where every film has one probability
RULE = (
    f"A run is called collapsed when its mean AUROC lies more than {GAP:g} and more than {ROBUST:g} robust standard "
    "deviations below the median of its head's seeds, or when its predictions are constant on most labels."
)


@dataclass(frozen=True)
class Collapse:
    """A flagged run on one test set: its mean AUROC and those of its head's other seeds there."""

    task: str
    dataset: str
    head: str
    variant: str
    seed: int
    value: float
    others: tuple[float, ...]
    constant: bool = False

    @property
    def said(self) -> str:
        """The run as a cell: `DQC seed 3`."""
        return f"{head_name(self.head)} seed {self.seed}"


def far_below(values: Float[np.ndarray, " seeds"]) -> Bool[np.ndarray, " seeds"]:
    """Which values of one head's seeds lie too far below their median; none of fewer than three."""
    if values.size < FEWEST:
        return np.zeros(values.size, dtype=bool)
    below = np.median(values) - values
    robust = 1.4826 * np.median(np.abs(below))
    return (below > GAP) & (below > ROBUST * robust)


def collapsed(metrics: pd.DataFrame) -> list[Collapse]:
    """Every flagged run of the tidy metrics, in their order."""
    auroc = metrics[metrics["metric"] == "auroc"]
    auroc = auroc.assign(variant=variants.of(auroc))
    keys = ["task", "dataset", "head", "variant"]
    labels = auroc[~auroc["label"].isin(MEANS) & auroc["value"].notna()]
    constant = labels["reason"].fillna("").str.startswith(CONSTANT).groupby([labels[k] for k in (*keys, "seed")]).mean()
    found = []
    for (task, dataset, head, variant), runs in auroc[auroc["label"] == "mean"].groupby(keys, sort=False):
        runs = runs[runs["value"].notna()].sort_values("seed")
        values, seeds = runs["value"].to_numpy(float), [int(seed) for seed in runs["seed"]]
        for k, far in enumerate(far_below(values)):
            flat = bool(constant.get((task, dataset, head, variant, seeds[k]), 0.0) > 0.5)
            if far or flat:
                others = tuple(float(v) for v in np.delete(values, k))
                found.append(Collapse(task, dataset, head, variant, seeds[k], float(values[k]), others, flat))
    return found


def named(found: Iterable[Collapse], task: str, dataset: str, runs: Iterable[tuple[str, str]]) -> str:
    """The flagged runs among those of (head, variant) on a task and test set, as a cell; "" if there are none."""
    there = set(runs)
    return ", ".join(c.said for c in found if (c.task, c.dataset) == (task, dataset) and (c.head, c.variant) in there)


def sentences(metrics: pd.DataFrame) -> list[str]:
    """One sentence for every flagged run: what it has, what the others have, and that its value is counted."""
    return [_sentence(run) for run in collapsed(metrics)]


def _sentence(run: Collapse) -> str:
    where = ", ".join(filter(None, (task_name(run.task), dataset_name(run.dataset), run.variant)))
    text = f"{where}: {run.said} collapsed: mean AUROC {run.value:.3f}"
    if run.others:
        low, high = min(run.others), max(run.others)
        text += f", the others {low:.3f}" + f" to {high:.3f}" * (len(run.others) > 1)
    text += ", predictions constant on most labels" * run.constant
    return f"{text}. Its value is in all means."
