"""Rows of one variant out of tables of many: a comparison, a figure or a bootstrap is of one variant at a time."""

from collections.abc import Container, Iterable, Mapping
from typing import Any

import pandas as pd

from qcxr.analysis.outline import Outline


def of(frame: pd.DataFrame) -> pd.Series:
    """The variant of every row, "" where the table has no such column."""
    return frame["variant"] if "variant" in frame else pd.Series("", index=frame.index, dtype=object)


def outlined(metrics: pd.DataFrame, outline: Outline | None) -> Outline:
    """The outline, or one of the runs found in metrics where none was handed over."""
    if outline is not None and (outline.varied or "variant" not in metrics):
        return outline
    return Outline.of_runs(zip(metrics["head"], of(metrics), strict=True))


def runs_at(frame: pd.DataFrame, outline: Outline, variant: str, heads: Iterable[str] | None = None) -> pd.DataFrame:
    """Rows (of a table with a column head) of the runs that stand at a variant; all rows where nothing varies."""
    if not outline.varied:
        return frame
    heads = frame["head"].unique() if heads is None else heads
    there = {(head, arm.variant) for head in heads if (arm := outline.standing(head, variant))}
    return frame[_is_among(frame, ("head",), there)]


def tests_at_base(tests: pd.DataFrame, outline: Outline) -> pd.DataFrame:
    """Rows of the comparisons at the base variant; all rows where nothing varies."""
    if not outline.varied:
        return tests
    compared = set(zip(tests["head_a"], tests["head_b"], strict=True))
    there = {(*pair, name) for pair in compared if (name := outline.at_base(*pair)) is not None}
    return tests[_is_among(tests, ("head_a", "head_b"), there)]


def at_base(loaded: Mapping[str, Any], outline: Outline) -> dict[str, Any]:
    """Loaded inputs by kind, as `qcxr.analysis.inputs` reads them, of the base variant only."""
    if not outline.varied:
        return dict(loaded)
    kept = {}
    for kind, value in loaded.items():
        if kind in ("tests", "trend"):
            kept[kind] = tests_at_base(value, outline)
        elif kind == "variance":
            pair = value["kind"] == "difference"
            between = tests_at_base(value[pair].rename(columns={"head": "head_a"}), outline)
            kept[kind] = value.loc[sorted([*runs_at(value[~pair], outline, outline.base).index, *between.index])]
        elif kind == "bootstrap":
            kept[kind] = value[of(value) == outline.base]
        elif kind == "predictions":
            kept[kind] = {
                run: table
                for run, table in value.items()
                if (arm := outline.standing(run.head, outline.base)) and arm.variant == run.variant
            }
        elif kind in ("metrics", "history", "steps"):
            kept[kind] = runs_at(value, outline, outline.base)
        else:
            kept[kind] = value
    return kept


def _is_among(frame: pd.DataFrame, columns: Iterable[str], wanted: Container[tuple[str, ...]]) -> pd.Series:
    keys = zip(*(frame[column] for column in columns), of(frame), strict=True)
    return pd.Series([key in wanted for key in keys], index=frame.index, dtype=bool)
