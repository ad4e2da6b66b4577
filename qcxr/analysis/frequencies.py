"""How often labels are positive in training, and which of them are head, medium and tail.

Imported by jobs that score, so without anything but numpy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcxr.errors import InputError


@dataclass(frozen=True)
class Frequencies:
    """How often each label is positive in training, and the borders between head, medium and tail labels.

    Head labels have more than `head_above` positives, tail labels fewer than `tail_below`. With `quantiles` (low, high)
    both borders are quantiles of the training counts of the task's labels instead, linear between two counts as
    numpy's: tail labels are at or below the low one, head labels above the high one. Labels of equal counts are always
    of one group, so with ties a group may hold more labels than its share, or none.
    """

    train_counts: Mapping[str, int]
    head_above: int = 1000
    tail_below: int = 100
    quantiles: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 0 < self.tail_below <= self.head_above:
            raise InputError(
                f"tail_below must be > 0 and <= head_above, got {self.tail_below} and {self.head_above}; "
                "set analysis.tail_under and analysis.head_over in the config"
            )
        if self.quantiles is not None and not 0 < self.quantiles[0] < self.quantiles[1] < 1:
            raise InputError(
                f"quantiles must rise between 0 and 1, got {list(self.quantiles)}; set analysis.quantiles in the config"
            )

    def groups(self, labels: Sequence[str]) -> dict[str, list[str]]:
        """Return the labels of each group under its mean's name; InputError if a label was not counted.

        labels: all of a task, over which quantiles are taken.
        """
        if lacking := sorted(set(labels) - set(self.train_counts)):
            raise InputError(f"training counts lack labels {', '.join(lacking)}; count every label of the task")
        counts = {label: self.train_counts[label] for label in labels}
        if self.quantiles is None:
            low, high = self.tail_below - 0.5, float(self.head_above)
        else:
            exact = np.quantile(list(counts.values()), self.quantiles) if counts else np.zeros(2)
            low, high = exact.round(6).tolist()  # a count that stands at a border stays there
        return {
            "mean_head": [label for label, n in counts.items() if n > high],
            "mean_medium": [label for label, n in counts.items() if low < n <= high],
            "mean_tail": [label for label, n in counts.items() if n <= low],
        }


def borders_said(
    head_above: int = 1000, tail_below: int = 100, quantiles: Sequence[float] | None = None
) -> dict[str, str]:
    """What head and tail labels are, in words: {"head": "more than 1000 positive films in training", "tail": ...}."""
    if quantiles is None:
        films = "positive films in training"
        return {"head": f"more than {head_above} {films}", "tail": f"fewer than {tail_below} {films}"}
    low, high = (f"the {100 * quantile:g} % quantile of the task's training counts" for quantile in quantiles)
    return {"head": f"above {high}", "tail": f"at or below {low}"}
