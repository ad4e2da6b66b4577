"""What runs learned from, in sentences: sources of different labels, labels of which nothing was learned, leaks."""

from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from qcxr.analysis.counted import of_training
from qcxr.analysis.limits import listed
from qcxr.analysis.names import JOINT, dataset_name, task_name
from qcxr.analysis.predictions import MEANS
from qcxr.analysis.results import Results
from qcxr.analysis.tablefile import read_table


def sources(counts: pd.DataFrame, labels: Collection[str]) -> list[str]:
    """Which of the labels each of several training sources covers, with their positive training films; else nothing.

    counts: dataset, split, label, n, n_positive; those of training first.
    """
    trained = str(counts["dataset"].iloc[0])
    if JOINT not in trained:
        return []
    told = []
    for name in trained.split(JOINT):
        part = counts[(counts["dataset"] == name) & (counts["split"] == "train")]
        has = part[(part["n"] > 0) & part["label"].isin(labels)]
        films = ", ".join(f"{label} {int(n):,}" for label, n in zip(has["label"], has["n_positive"], strict=True))
        of = f"{int(part['n'].max()):,} training films"
        told.append(f"{dataset_name(name)}: positive among {of}: {films}." if films else f"{dataset_name(name)}: none.")
    first = (
        f"Trained on {listed([dataset_name(name) for name in trained.split(JOINT)])} together: a label that a film's "
        "source does not cover is left out of the loss, of class weights and of thresholds. What each covers:"
    )
    return [first, *told]


def untrained(metrics: pd.DataFrame, counts: pd.DataFrame | None = None) -> list[str]:
    """The labels that no training film shows, by task: what they score was not learned, and whether means hold it.

    With counts (as of `sources`) those too that no training film is without.
    """
    known = metrics[(metrics["metric"] == "auroc") & ~metrics["label"].isin(MEANS)]
    never = pd.to_numeric(known.get("train_positives", pd.Series(pd.NA, known.index)), errors="coerce") == 0
    cases = {"shows": known[never]}
    if counts is not None:
        films = of_training(counts)
        always = films["label"][(films["n_positive"] > 0) & (pd.to_numeric(films["n"]) == films["n_positive"])]
        cases["is without"] = known[known["label"].isin(always)]
    texts = []
    for verb, rows in cases.items():
        for task, part in rows.groupby("task", sort=False):
            names = list(dict.fromkeys(part["label"]))
            scored = [name for name in names if part.loc[part["label"] == name, "value"].notna().any()]
            text = f"{task_name(str(task))}: no training film {verb} {listed(names)}; nothing was learned of "
            text += "it" if len(names) == 1 else "them"
            texts.append(text + (f", yet means hold the scores of {listed(scored)}." if scored else "."))
    return texts


def leaked(files: Sequence[str | Path]) -> list[str]:
    """Leaks that were allowed, by the splits that they join, of CSVs as `qcxr.data.leaks` writes them."""
    frames = [read_table(path) for path in files]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["kind", "where"])
    texts = []
    for where, part in found.groupby("where", sort=False):
        kinds = ", ".join(f"{n} {kind}" for kind, n in part["kind"].value_counts().items())
        texts.append(
            f"{where}: {len(part)} leak{'s' * (len(part) > 1)} ({kinds}), allowed by data.leaks: scores there are of "
            "films or patients that were learned from."
        )
    return texts


def unlinked(datasets: Sequence[str]) -> list[str]:
    """What it means that nobody knows which films of some data sets are of one patient."""
    if not datasets:
        return []
    names = listed([dataset_name(name) for name in datasets])
    return [
        f"Which films of {names} are of one patient is not known: each film counts as a patient of its own. Films of "
        "one patient may be in two splits, and intervals over patients are too narrow."
    ]


def learned(results: Results) -> list[str]:
    """What is said of the sources and of labels without training films, of a study's results."""
    labels = set(results.metrics["label"])
    told = [] if results.counts is None else sources(results.counts, labels)
    return [*told, *untrained(results.metrics, results.counts)]
