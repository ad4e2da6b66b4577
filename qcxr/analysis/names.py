"""The names that people read, and the order in which heads, tasks and data sets appear everywhere."""

import json
from collections.abc import Iterable, Sequence

PAPER_HEADS = ("cdl", "dqc")
FEW = 6  # heads of which a panel can show every run
JOINT = "+"  # stands between the names of sources that were trained on together
CONFIGURED = "as configured"  # a variant without a name: nothing differs from the configuration
DATASETS = {"nih": "NIH-CXR-LT", "mimic": "MIMIC-CXR-LT", "validation": "Validation"}


def head_order(heads: Iterable[str], order: Iterable[str] = ()) -> list[str]:
    """Return the distinct heads in the order given, those that it lacks after it: the paper's first, others by name."""
    heads = set(heads)
    first = [head for head in dict.fromkeys((*order, *PAPER_HEADS)) if head in heads]
    return first + sorted(heads - set(first))


def head_name(head: str) -> str:
    """Return a head's name for people: the paper's abbreviations in capitals, others as they are."""
    return head.upper() if head in PAPER_HEADS else head.replace("_", " ")


def shortened(names: Sequence[str], length: int) -> list[str]:
    """Return names of at most `length` letters for a narrow place, cut in the middle; distinct ones stay distinct."""
    cut = [
        name if len(name) <= length else f"{name[: length - length // 3 - 1]}…{name[-(length // 3) :]}"
        for name in names
    ]
    return [long if cut.count(short) > 1 else short for short, long in zip(cut, names, strict=True)]


def metric_name(metric: str) -> str:
    """Return a metric's name for people: auroc -> AUROC, average_precision -> average precision."""
    return metric.upper() if metric == "auroc" else metric.replace("_", " ")


def capital(text: str) -> str:
    """Return a text as headings and axes begin: average precision -> Average precision."""
    return text[:1].upper() + text[1:]


def key_value(value: object) -> str:
    """Return a setting's value for people: 0.1, yes, none, a text as it is, anything else as JSON."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if isinstance(value, str | int) else json.dumps(value, sort_keys=True)


def task_name(task: str) -> str:
    """Return a task's name for people: cxr8 -> CXR-8."""
    number = task.removeprefix("cxr")
    return f"CXR-{number}" if task.startswith("cxr") and number.isdigit() else task


def dataset_name(dataset: str) -> str:
    """Return a data set's name for people."""
    return DATASETS.get(dataset, dataset)


def task_order(tasks: Iterable[str]) -> list[str]:
    """Return distinct tasks, cxr8 before cxr14 before cxr19, others by name after them."""

    def size(task: str) -> tuple[int, str]:
        number = task.removeprefix("cxr")
        return (int(number) if number.isdigit() else 10**6, task)

    return sorted(set(tasks), key=size)


def dataset_order(datasets: Iterable[str]) -> list[str]:
    """Return distinct data sets as they first appear: results list them in the configuration's order."""
    return list(dict.fromkeys(datasets))


def single(datasets: Iterable[str]) -> list[str]:
    """The data sets without those that stand for several that were trained on together."""
    return [name for name in datasets if JOINT not in name]
