"""What was found: performance, by label and test set; failures; limits."""

import pandas as pd

from qcxr.analysis.answer import answer
from qcxr.analysis.cards import by_groups
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.limits import limits
from qcxr.analysis.names import dataset_name, dataset_order, head_name, task_name
from qcxr.analysis.predictions import MEANS

WORST = 3  # labels named as the weakest


def performance(known: Known) -> Answer:
    """Mean AUROC of every head."""
    rows = _means(known)
    if rows.empty:
        return OPEN
    told = []
    for (task, dataset), part in rows.groupby(["task", "dataset"], sort=False):
        scores = [f"{head_name(row.head)} {row.said}" for row in part.itertuples()]
        told.append(f"{task_name(task)} on {dataset_name(dataset)}: {', '.join(scores)}")
    text = f"Mean AUROC over labels ({known.results.shown.plus_minus}): {'; '.join(told)}."
    if groups := by_groups(known.results.subgroups):
        return Answer(f"{text} By {groups}: tables/subgroups.md.")
    return Answer(text, "results by age, sex and other groups of patients")


def estimates(known: Known) -> Answer:
    """Precision of the estimates."""
    found = known.base.estimates
    if found is not None and len(found):
        rows = found[(found["label"] == "mean") & (found["metric"] == "auroc")]
        told = [
            f"{task_name(r.task)} on {dataset_name(r.dataset)}, {head_name(r.head)} {r.mean:.3f} "
            f"[{r.total_low:.3f}, {r.total_high:.3f}]"
            for r in rows.itertuples()
            if pd.notna(r.total_low)
        ]
        if told:
            return Answer(
                f"Mean AUROC with 95 % intervals over seeds and patients: {'; '.join(told)}. Labels: tables/."
            )
    if not known.facts.tested and not known.facts.patients:
        return OPEN
    return Answer("95 % intervals of differences between heads, label by label: tables/labels.md, report.html.")


def failures(known: Known) -> Answer:
    """Where the models fail."""
    scored = known.base.metrics
    part = scored[(scored["metric"] == "auroc") & ~scored["label"].isin(MEANS) & scored["value"].notna()]
    if part.empty:
        return OPEN
    told = []
    for dataset in dataset_order(part["dataset"]):
        mean = part[part["dataset"] == dataset].groupby("label", sort=False)["value"].mean().nsmallest(WORST)
        told.append(f"{dataset_name(dataset)}: " + ", ".join(f"{label} {value:.3f}" for label, value in mean.items()))
    text = f"Lowest AUROC, mean over tasks, heads and seeds: {'; '.join(told)}."
    return Answer(text + _collapsed(known), "a look at films that were told wrongly")


def _collapsed(known: Known) -> str:
    tests = known.base.tests
    if "collapsed" not in tests:
        return ""
    runs = dict.fromkeys(run for cell in tests["collapsed"].dropna() for run in str(cell).split(", ") if run)
    return f" Runs far below the others: {', '.join(runs)}." if runs else " No run fell far below the others."


def by_dataset(known: Known) -> Answer:
    """Performance on each data set."""
    rows = _means(known)
    if rows["dataset"].nunique() < 2:
        return OPEN
    told = []
    for (task, head), part in rows.groupby(["task", "head"], sort=False):
        scores = ", ".join(f"{dataset_name(row.dataset)} {row.said}" for row in part.itertuples())
        told.append(f"{task_name(task)} {head_name(head)}: {scores}")
    return Answer(f"Mean AUROC by test set ({known.results.shown.plus_minus}): {'; '.join(told)}.")


def interpretation(known: Known) -> Answer:
    """The main result in a sentence or two."""
    found = answer(known.results, known.facts)
    told = " ".join(filter(None, (found.verdict, found.numbers, *found.notes)))
    return Answer(told, "what it means, beside earlier studies")


def limitations(known: Known) -> Answer:
    """What the results cannot say."""
    return Answer(" ".join(limits(known.facts)), "those of your question and data")


def _means(known: Known) -> pd.DataFrame:
    """Mean AUROC over labels of every task, data set and head: columns task, dataset, head, said (mean ± sd)."""
    scored = known.base.metrics
    part = scored[(scored["metric"] == "auroc") & (scored["label"] == "mean") & scored["value"].notna()]
    heads = known.facts.heads if known.facts.few else known.facts.heads[:1]
    rows = [
        (task, dataset, head, known.results.shown.of_values(values))
        for (task, dataset, head), values in part.groupby(["task", "dataset", "head"], sort=False)["value"]
        if head in heads
    ]
    return pd.DataFrame(rows, columns=["task", "dataset", "head", "said"])
