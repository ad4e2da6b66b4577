"""Before anything trains: labels that no film shows where a study needs one, as far as its label files tell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from qcxr.data.manifest import read_manifest
from qcxr.data.sources import read
from qcxr.data.split import drawn
from qcxr.errors import InputError
from qcxr.study.config import Config


def check(cfg: Config) -> list[str]:
    """One line for each part of the patients (`data.fraction`) and task that leaves labels without a positive film.

    Raises `InputError` for a search that could choose nothing, since no label of a task has both positive and negative
    films in validation. Label files that are not there yet are not looked at; nor is anything without a search or a
    part.
    """
    parts = sorted({made.data.fraction for made in cfg.arms.values()} - {1.0})
    if not parts and cfg.search is None:
        return []
    listed = _listed(cfg)
    if listed is None:
        return []
    if cfg.search is not None and cfg.search.choose.metric != "loss":
        for task in cfg.tasks:
            _choosable(listed[listed["split"] == "val"], cfg, task)
    films = listed[listed["split"] == "train"]
    return [line for part in parts for task in cfg.tasks if (line := _lost(films, cfg, task, part))]


def _listed(cfg: Config) -> pd.DataFrame | None:
    """The films that the training set lists; None if its files are not there (generated ones, before they are)."""
    made = Path(cfg.results, "manifest", f"{cfg.data.train_on}.parquet")
    if made.is_file():
        return read_manifest(made)
    source = cfg.data.sources[cfg.data.train_on]
    if not all(Path(path).exists() for paths in source.paths().values() for path in paths):
        return None
    return read(source.kind, **source.reader_options()).reset_index(drop=True)


def _lost(films: pd.DataFrame, cfg: Config, task: str, part: float) -> str:
    """What a part of the patients loses, over all seeds of the study."""
    labels = [label for label in cfg.labels(task) if label in films]
    ids = films["patient_id"].astype(str).tolist()
    lost: dict[str, list[int]] = {}
    for seed in cfg.seeds:
        here = films.loc[drawn(ids, part, seed), labels].sum()
        for label in (label for label in labels if not here[label]):
            lost.setdefault(label, []).append(seed)
    if not lost:
        return ""
    named = "; ".join(f"{label} (seed {', '.join(map(str, seeds))})" for label, seeds in lost.items())
    return (
        f"data.fraction {part:g} of {task} leaves no positive training film of {named}: nothing is learned of it there"
    )


def _choosable(films: pd.DataFrame, cfg: Config, task: str) -> None:
    labels = [label for label in cfg.labels(task) if label in films]
    positives, covered = films[labels].sum(), films[labels].notna().sum()
    if not any(0 < positives[label] < covered[label] for label in labels):
        raise InputError(
            f"search.choose needs a label of {task} with positive and negative films in validation, got none in the "
            f"{len(films)} films of {cfg.data.train_on}; choose by loss (search.choose.metric), or give it others"
        )
