"""What a study compares, and what it varies: its heads in order, the axes of its grid, and where each run stands in it.

The workflow hands it over as JSON, beside the files. A head that does not have a varied key is trained once: its runs
stand at every value of that key. Imported by the workflow's plan, so without pandas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcxr.analysis.names import key_value
from qcxr.errors import InputError

Value = Any  # a number, a text, a boolean, or a list or mapping of them
Point = Mapping[str, Value]  # varied key -> value


@dataclass(frozen=True)
class Arm:
    """The runs of one head at one point: `variant` is their folder's name, `at` the varied keys that the head has."""

    head: str
    variant: str = ""
    at: Point = field(default_factory=dict)


@dataclass(frozen=True)
class Outline:
    """heads: name -> what differs from the reference (the first), in words. axes: varied key -> its values in order.

    variants: name -> its point. base: the variant that figures of one variant show; without one given, the last.
    """

    heads: Mapping[str, str] = field(default_factory=dict)
    axes: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    variants: Mapping[str, Point] = field(default_factory=dict)
    arms: Sequence[Arm] = ()
    base: str = ""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "Outline":
        """Read what the workflow hands over; InputError on a key that is none of an outline, or an unknown base."""
        if unknown := sorted(set(given) - {"heads", "axes", "variants", "arms", "base"}):
            raise InputError(f"outline: {unknown[0]} is unknown; it has heads, axes, variants, arms and base")
        variants = dict(given.get("variants") or {})
        base = given.get("base", "")
        if not base and "" not in variants:  # "" is a name too: that of the configuration's own point
            base = next(reversed(variants), "")
        if base and base not in variants:
            raise InputError(f"outline: base must be among {', '.join(variants) or 'no variants'}, got {base}")
        arms = tuple(Arm(**arm) for arm in given.get("arms") or ())
        return cls(dict(given.get("heads") or {}), dict(given.get("axes") or {}), variants, arms, base)

    @classmethod
    def of_runs(cls, runs: Iterable[tuple[str, str]]) -> "Outline":
        """An outline of (head, variant) as found in files, where none was handed over: variants have names only."""
        found = list(dict.fromkeys(runs))
        names = list(dict.fromkeys(variant for _, variant in found if variant))
        arms = tuple(Arm(head, variant, {"variant": variant} if variant else {}) for head, variant in found)
        points = {name: {"variant": name} for name in names}
        axes = {"variant": names} if names else {}
        return cls(dict.fromkeys((head for head, _ in found), ""), axes, points, arms, next(reversed(names), ""))

    @property
    def varied(self) -> bool:
        """Whether the study varies anything."""
        return bool(self.variants)

    def standing(self, head: str, variant: str) -> Arm | None:
        """The arm of a head at a variant of the grid: of those that agree with it, the one with the most keys."""
        if not self.varied:
            return Arm(head)
        point = self.variants[variant]
        there = [arm for arm in self.arms if arm.head == head and arm.at.items() <= point.items()]
        return max(there, key=lambda arm: len(arm.at), default=None)

    def meetings(self, first: str, other: str) -> dict[str, tuple[str, str]]:
        """Where two heads are compared: name of the comparison -> the variants of their runs, each pair of runs once.

        Two heads without the varied keys meet once. The name is the variant of the head with more of the keys, or
        that of the grid where each has keys that the other lacks.
        """
        if not self.varied:
            return {"": ("", "")}
        met: dict[tuple[str, str], str] = {}
        for variant in self.variants:
            a, b = self.standing(first, variant), self.standing(other, variant)
            if a and b and (a.variant, b.variant) not in met:
                wider = a if a.at.items() >= b.at.items() else b if b.at.items() >= a.at.items() else None
                met[a.variant, b.variant] = wider.variant if wider else variant
        return {name: arms for arms, name in met.items()}

    def grid(self, runs: Mapping[str, str]) -> str | None:
        """The first variant of the grid at which these runs (head -> variant) stand together; None if none is."""
        if not self.varied:
            return ""
        for variant in self.variants:
            there = {head: self.standing(head, variant) for head in runs}
            if all(arm is not None and arm.variant == runs[head] for head, arm in there.items()):
                return variant
        return None

    def at_base(self, first: str, other: str) -> str | None:
        """The name that the comparison of two heads has at the base variant; None if they do not meet there."""
        if not self.varied:
            return ""
        a, b = self.standing(first, self.base), self.standing(other, self.base)
        arms = (a.variant, b.variant) if a and b else None
        return next((name for name, found in self.meetings(first, other).items() if found == arms), None)

    def along(self, axis: str) -> list[tuple[Value, str]]:
        """(value, variant) of every variant on one axis, in its order; all other keys are as at the base."""
        rest = _without(self.variants[self.base], axis) if self.varied else {}
        on = [(v[axis], name) for name, v in self.variants.items() if axis in v and _without(v, axis) == rest]
        order = list(self.axes[axis])
        return sorted(on, key=lambda point: order.index(point[0]))

    def said(self, variant: str) -> str:
        """A variant in words: `data.fraction 0.1, head.layers 3`."""
        point = self.variants.get(variant)
        if point is None or set(point) == {"variant"}:
            return variant
        return ", ".join(f"{key} {key_value(value)}" for key, value in point.items())


def pairs(heads: Sequence[str], against: Sequence[str] | None = None) -> list[tuple[str, str]]:
    """Every head with every reference (the first head if none is given), no pair twice.

    InputError if a reference is no head.
    """
    references = heads[:1] if against is None else against
    if lacking := [head for head in references if head not in heads]:
        raise InputError(f"against must name heads of the study ({', '.join(heads)}), got {', '.join(lacking)}")
    found = [(first, other) for first in dict.fromkeys(references) for other in heads if other != first]
    return [pair for k, pair in enumerate(found) if pair[::-1] not in found[:k]]


def _without(point: Point, axis: str) -> dict[str, Value]:
    return {key: value for key, value in point.items() if key != axis}
