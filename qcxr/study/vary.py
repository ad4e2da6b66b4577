"""`vary:` in the configuration: the points at which every head is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Annotated, Any

from pydantic import BeforeValidator

Points = list[dict[str, Any]]
FORMS = "a grid, like {data.fraction: [0.1, 1.0]}, or a list of points, like [{train.epochs: 5, head.layers: 1}]"


def _points(given: Any) -> Any:
    """A grid or a list of points, as it was written, once it is one of them."""
    if isinstance(given, Mapping):
        for key, values in given.items():
            if not isinstance(values, Sequence) or isinstance(values, str) or not values:
                raise ValueError(f"vary.{key} must be a list of values, got {values!r}; set vary.{key} in the config")
        return given
    if isinstance(given, Sequence) and not isinstance(given, str) and all(isinstance(p, Mapping) for p in given):
        return given
    raise ValueError(f"vary must be {FORMS}, got {given!r}; set vary in the config")


Vary = Annotated[dict[str, list[Any]] | list[dict[str, Any]], BeforeValidator(_points)]


def points(vary: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]) -> Points:
    """All points, each {key: value}; one without keys where nothing varies. Keys stand in the order of the alphabet.

    >>> points({"train.epochs": [1, 2], "data.fraction": [0.1]})
    [{'data.fraction': 0.1, 'train.epochs': 1}, {'data.fraction': 0.1, 'train.epochs': 2}]
    """
    if isinstance(vary, Mapping):
        keys = sorted(vary)
        return [dict(zip(keys, values, strict=True)) for values in product(*(vary[key] for key in keys))]
    return [dict(sorted(point.items())) for point in vary] or [{}]
