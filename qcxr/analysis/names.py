"""The names that people read, and the order in which heads, tasks and data sets appear everywhere."""

from collections.abc import Iterable

PAPER_HEADS = ("cdl", "dqc")
DATASETS = {"nih": "NIH-CXR-LT", "mimic": "MIMIC-CXR-LT", "validation": "Validation"}


def head_order(heads: Iterable[str]) -> list[str]:
    """Return the distinct heads, the paper's first, others by name."""
    heads = set(heads)
    return [head for head in PAPER_HEADS if head in heads] + sorted(heads - set(PAPER_HEADS))


def head_name(head: str) -> str:
    """Return a head's name for people: the paper's abbreviations in capitals, others as they are."""
    return head.upper() if head in PAPER_HEADS else head.replace("_", " ")


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
    """Return distinct data sets, the internal test set before the external one, others by name."""
    datasets = set(datasets)
    return [name for name in DATASETS if name in datasets] + sorted(datasets - set(DATASETS))
