"""Where the head of the distribution of labels ends and its tail begins, in words for cards and captions."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Borders:
    """head_above, tail_below: positive training films. quantiles: of a task's training counts, in their place."""

    head_above: int = 1000
    tail_below: int = 100
    quantiles: Sequence[float] | None = None

    @property
    def said(self) -> str:
        """Both groups, as a part of a sentence."""
        if self.quantiles:
            low, high = self.quantiles
            return (
                f"head: labels above the {high:g} quantile of their task's positive films in training, tail: at or "
                f"below the {low:g} quantile"
            )
        return (
            f"head: more than {self.head_above} positive films in training, tail: fewer than {self.tail_below}"
        )
