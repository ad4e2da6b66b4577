"""`search:` in the configuration: as many trials for every head, chosen on validation, before the final seeds run.

The points are quasi-random (Halton's sequence, scrambled: `scipy.stats.qmc`), so that all trials are known before any
has run, and more trials are added to those that are there. A head takes the coordinates of the keys that it has.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from qcxr.study.fields import AsNumber, Count, Name, Section

Metric = Literal["auroc", "average_precision", "loss"]
Ends = Annotated[list[Annotated[float, AsNumber]], Field(min_length=2, max_length=2)]
KEEPING = ("train.precision", "train.devices")  # of train, but not to be searched


class Range(Section):
    """Where the values of one key are drawn from: one of the four."""

    log: Ends | None = Field(
        None, description="Lowest and highest value, evenly on a log scale.", examples=[[1.0e-4, 1.0e-1]]
    )
    linear: Ends | None = Field(None, description="Lowest and highest value, evenly.", examples=[[0.0, 0.5]])
    integer: Annotated[list[int], Field(min_length=2, max_length=2)] | None = Field(
        None, description="Lowest and highest whole number, both included.", examples=[[1, 5]]
    )
    choice: Annotated[list[Any], Field(min_length=1)] | None = Field(
        None, description="The values themselves.", examples=[["uniform", "small"]]
    )

    def fault(self) -> str | None:
        """What is wrong with it, in words, or None."""
        given = [name for name in ("log", "linear", "integer", "choice") if getattr(self, name) is not None]
        if len(given) != 1:
            return f"must have one of log, linear, integer and choice, got {', '.join(given) or 'none'}"
        name, values = given[0], getattr(self, given[0])
        if name == "choice":
            twice = len({json.dumps(value, sort_keys=True) for value in values}) < len(values)
            return f"must not name a choice twice, got {values}" if twice else None
        if name == "log" and values[0] <= 0:
            return f"must be above 0 on a log scale, got {values}"
        if values[0] >= values[1]:
            return f"must go from a lower to a higher value, got {values}"
        return None

    def at(self, u: float) -> Any:
        """The value at the place u in [0, 1); numbers with four digits, so that machines agree on them."""
        if self.choice is not None:
            return self.choice[int(u * len(self.choice))]
        if self.integer is not None:
            low, high = self.integer
            return low + int(u * (high - low + 1))
        if self.log is not None:
            first, last = map(math.log, self.log)
            return float(f"{math.exp(first + u * (last - first)):.4g}")
        assert self.linear is not None  # said to mypy: one of the four
        return float(f"{self.linear[0] + u * (self.linear[1] - self.linear[0]):.4g}")


class Choose(Section):
    """What makes a trial the best of its head's."""

    metric: Metric = Field(
        "auroc",
        description="The highest mean AUROC or average precision over labels, or the lowest loss (for spaces that "
        "leave the loss alone).",
        examples=["average_precision"],
    )
    on: Literal["validation"] = Field(
        "validation", description="Where: on the validation split, never on a test.", examples=["validation"]
    )


class Search(Section):
    """A fair search: the same number of trials for every head, then the study's seeds with the best of them."""

    trials: Count = Field(description="Trials per task and head, one run each.", examples=[24])
    space: dict[Name, Range] = Field(
        min_length=1,
        description="Keys of head and train, and of augment where the backbone is trained, and where their values are "
        "drawn from; a head that does not have a key does without it.",
        examples=[{"train.learning_rate": {"log": [1.0e-4, 1.0e-1]}, "head.layers": {"choice": [1, 3, 5]}}],
    )
    choose: Choose = Field(
        Choose(), description="By what the best trial is told.", examples=[{"metric": "average_precision"}]
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of the points.", examples=[1])
    run_seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(
        1000, description="Seed of the trials' runs; none of the study's seeds.", examples=[2000]
    )

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Search:
        for key, drawn in self.space.items():
            if fault := drawn.fault():
                raise ValueError(f"search.space.{key} {fault}; correct it in the config")
            section = key.partition(".")[0]
            if section not in ("head", "train", "augment") or key in KEEPING:
                raise ValueError(
                    "search.space may hold keys of head, train (but precision and devices) and augment, got "
                    f"{key}; take it out, or vary it"
                )
        return self

    def points(self) -> list[dict[str, Any]]:
        """The values of each trial, for a head that has every key."""
        keys = sorted(self.space)
        places = _places(len(keys), self.trials, self.seed)
        return [{key: self.space[key].at(u) for key, u in zip(keys, place, strict=True)} for place in places]


@functools.cache
def _places(dimensions: int, trials: int, seed: int) -> Sequence[Sequence[float]]:
    from scipy.stats import qmc  # here: a second of imports that only a search needs

    return qmc.Halton(dimensions, scramble=True, rng=seed).random(trials).tolist()
