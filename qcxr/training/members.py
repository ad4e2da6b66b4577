"""Which trained networks a person means: a weights file, a run's folder, or a head's folder with a run for each seed.

Must not import JAX.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qcxr.errors import InputError

WEIGHTS = "best.safetensors"
DECIDES = {"config": "settings", "code_hash": "code", "data_hash": "films"}  # of a run.json; the seed is in none of it


@dataclass(frozen=True)
class Member:
    """One trained run: its weights file, and what lies beside it."""

    weights: Path

    @property
    def name(self) -> str:
        """The folder that it lies in: `seed0`."""
        return self.weights.absolute().parent.name

    @property
    def validation(self) -> Path | None:
        """Its predictions of the validation split, where they are and no older than the weights."""
        return None if self.stale or not self._validation.is_file() else self._validation

    @property
    def stale(self) -> bool:
        """Whether its predictions of the validation split are older than its weights: of others, so."""
        try:
            return self._validation.stat().st_mtime_ns < self.weights.stat().st_mtime_ns
        except OSError:
            return False

    @property
    def _validation(self) -> Path:
        return self.weights.parent / "predictions" / "validation.parquet"

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """Its `run.json`; empty where there is none, or none that can be read."""
        try:
            found = json.loads((self.weights.parent / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):  # weights alone, or a record that is damaged
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def recorded(self) -> bool:
        """Whether its `run.json` says what decided its weights."""
        return all(self.record.get(key) for key in DECIDES)

    @property
    def films(self) -> Mapping[str, Any] | None:
        """What its training films are like (`qcxr.data.likeness`), where its `run.json` says it."""
        found = self.record.get("films")
        return found if isinstance(found, dict) else None


def members(run: Path | str) -> list[Member]:
    """The runs that `run` names: one, or those of a head's folder in the order of their seeds.

    A seed that is not trained yet is left out. Raises InputError where there is none, with what the folder has, and
    where their `run.json` says that they differ in more than their seeds.
    """
    run = Path(run)
    if not run.is_dir():
        return [Member(run)]
    if (run / WEIGHTS).is_file():
        return [Member(run / WEIGHTS)]
    seeds = sorted(_seeds(run), key=lambda path: int(path.name[4:]))
    found = [Member(path / WEIGHTS) for path in seeds if (path / WEIGHTS).is_file()]
    if found:
        _refuse_others(found)
        return found
    if seeds:
        raise InputError(f"no run of {run} is trained yet ({', '.join(path.name for path in seeds)}); train it first")
    below = sorted(path.name for path in run.iterdir() if path.is_dir())
    has = f"it has {', '.join(below[:8])}: give one of them" if below else "it is empty"
    raise InputError(f"{run} must be a run's folder (with {WEIGHTS}) or a head's (with seed0, ...); {has}")


def _seeds(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and re.fullmatch(r"seed\d+", path.name)]


def _refuse_others(found: list[Member]) -> None:
    """Seeds that were left from before an edit, or came from elsewhere, are not averaged with the study's."""
    first, *rest = found
    for other in rest:
        for key, what in DECIDES.items():
            one, two = first.record.get(key), other.record.get(key)
            if one and two and one != two:
                raise InputError(
                    f"{first.weights.parent} and {other.weights.parent} must differ in their seeds alone, and were "
                    f"trained with different {what}; train the older again or move it away, or give one run's folder"
                )
