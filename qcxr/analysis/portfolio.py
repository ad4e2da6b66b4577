"""All cards of a study at once: model card, data card (Markdown and Croissant), reporting checklists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcxr.analysis.cards import data_card, left_out, model_card
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.checklists.page import write_checklists
from qcxr.analysis.cohort import cohort, dropped, shared_patients, with_attributes
from qcxr.analysis.croissant import Described, write_croissant
from qcxr.analysis.facts import Study
from qcxr.analysis.frequencies import borders_said
from qcxr.analysis.learned import leaked, learned
from qcxr.analysis.results import Results
from qcxr.analysis.tablefile import read_table
from qcxr.errors import InputError


@dataclass(frozen=True)
class Folder:
    """Where the cards go; croissant's files are named relative to its own folder."""

    model: str | Path
    data: str | Path
    croissant: str | Path
    checklist: str | Path


def write_portfolio(
    out: Folder,
    results: Results,
    study: Study,
    *,
    manifests: Sequence[Path],
    attributes: Sequence[Path] = (),
    audits: Sequence[Path] = (),
    leaks: Sequence[Path] = (),
) -> None:
    """Write every card of a study with a configuration. Results must have counts and runs, else InputError.

    manifests: {data set}.parquet, with {data set}-counts.csv beside each. attributes: {data set}-attributes.parquet,
    sex, age and view of the films, where they are not in the manifest. audits: {data set}-issues.csv. leaks: lists of
    films and patients on both sides of splits, which were allowed.
    """
    if results.counts is None or not results.runs:
        raise InputError("cards need counts of the manifests and runs, got none; give both with the results")
    config = study.config or {}
    kinds, borders = _kinds(config), _borders(config)
    read = {path.stem: read_table(path) for path in manifests}
    beside = {path.stem.removesuffix("-attributes"): path for path in attributes}
    told = {name: read_table(path) for name, path in beside.items()}
    films = {name: with_attributes(frame, told[name]) if name in told else frame for name, frame in read.items()}
    people, notes = cohort(films), [*dropped(read), *left_out(list(audits) or None, words="flagged by the audit")]
    study = replace(study, learned=learned(results), leaks=leaked(leaks))
    model_card(out.model, results, study, borders=borders_said(*borders))
    data_card(
        out.data,
        replace(study, notes=notes),
        counts=results.counts,
        kinds=kinds,
        cohort=people,
        tail_below=borders[1],
        quantiles=borders[2],
    )
    described = [
        Described(
            name := path.stem,
            read[name],
            path,
            path.with_name(f"{name}-counts.csv"),
            attributes=told.get(name),
            attributes_file=beside.get(name),
        )
        for path in manifests
    ]
    write_croissant(out.croissant, described, results.counts, kinds=kinds, demo=study.demo, notes=notes)
    write_checklists(out.checklist, Known(results, study, people, shared_patients(read), notes))


def _borders(config: Mapping[str, Any]) -> tuple[int, int, Sequence[float] | None]:
    keys = config.get("analysis") or {}
    return keys.get("head_over", 1000), keys.get("tail_under", 100), keys.get("quantiles")


def _kinds(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: source["kind"] for name, source in ((config.get("data") or {}).get("sources") or {}).items()}
