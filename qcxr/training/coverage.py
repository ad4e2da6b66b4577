"""Before anything trains: labels of which nothing can be learned or judged, as far as a study's label files tell."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from qcxr.data.apart import read_listed
from qcxr.data.join import covered, together
from qcxr.data.learnable import lacking, refuse
from qcxr.data.split import drawn
from qcxr.errors import InputError
from qcxr.study.config import Config


def check(cfg: Config, read: Mapping[str, pd.DataFrame] | None = None) -> list[str]:
    """One line for each task with labels of which nothing can be learned, stopped or thresholded, or lost to a part.

    A part is `data.fraction` of the training patients. read: as of `apart.read_listed`, if that is done. Raises
    `InputError` for a label that no training source covers, for one of which nothing can be learned unless
    `data.unlearnable` allows it, and for a search that could choose nothing, since no label of a task has both positive
    and negative films in validation. Label files that are not there yet are not looked at.
    """
    listed = _listed(cfg, read)
    if listed is None:
        return []
    films, validation = listed[listed["split"] == "train"], listed[listed["split"] == "val"]
    said = []
    for task in cfg.tasks:
        _refuse_uncovered(cfg, task, films, validation)
        found = lacking(films, validation, cfg.labels(task))
        refuse(found, task=task, films=len(films), allowed=cfg.data.unlearnable == "allow")
        said += [f"{task}: {line}" for line in found.lines(len(films), len(validation))]
        if cfg.search is not None and cfg.search.choose.metric != "loss":
            _choosable(validation, cfg, task)
    parts = sorted({made.data.fraction for made in cfg.arms.values()} - {1.0})
    return said + [line for part in parts for task in cfg.tasks if (line := _lost(films, cfg, task, part))]


def described(cfg: Config, read: Mapping[str, pd.DataFrame] | None = None) -> list[str]:
    """One line for each training source of several: how many films it has, and which labels of the tasks it covers."""
    listed = _listed(cfg, read) if len(cfg.data.training) > 1 else None
    if listed is None:
        return []
    lines, wanted = [], cfg.labels_wanted()
    owner = listed["image_id"].str.partition(":")[0]
    for source in cfg.data.training:
        part = listed[owner == source]
        train, has = part[part["split"] == "train"], [label for label in covered(part) if label in wanted]
        told = ", ".join(f"{label} {int(train[label].sum())}" for label in has) or "none"
        lines.append(
            f"{source}: {len(train)} training and {(part['split'] == 'val').sum()} validation films, covers "
            f"{len(has)} of {len(wanted)} labels (positive training films: {told})"
        )
    return lines


def _listed(cfg: Config, read: Mapping[str, pd.DataFrame] | None) -> pd.DataFrame | None:
    """The films that the training sets list; None if files are not there (generated ones, before they are)."""
    frames = read_listed(cfg) if read is None else read
    there = {source: frames[source] for source in cfg.data.training if source in frames}
    if len(there) < len(cfg.data.training):
        return None
    return together(there) if len(there) > 1 else there[cfg.data.trained_on]


def _refuse_uncovered(cfg: Config, task: str, films: pd.DataFrame, validation: pd.DataFrame) -> None:
    for split, part in (("train", films), ("val", validation)):
        if part.empty:  # the manifest says which file has no row
            continue
        known = covered(part)
        if gone := [label for label in cfg.labels(task) if label not in known]:
            raise InputError(
                f"{task} needs every label in training and validation, got no film in split {split} of "
                f"{', '.join(cfg.data.training)} that covers {', '.join(gone)}; choose a task without it, label files "
                "of another release, or a further source in data.train_on"
            )


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
    positives, known = films[labels].sum(), films[labels].notna().sum()
    if not any(0 < positives[label] < known[label] for label in labels):
        raise InputError(
            f"search.choose needs a label of {task} with positive and negative films in validation, got none in the "
            f"{len(films)} films of {cfg.data.trained_on}; choose by loss (search.choose.metric), or give it others"
        )
