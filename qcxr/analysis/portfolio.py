"""All cards of a study at once: model card, data card (Markdown and Croissant), reporting checklists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcxr.analysis.borders import Borders
from qcxr.analysis.cards import data_card, left_out, model_card
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.checklists.page import write_checklists
from qcxr.analysis.cohort import cohort, dropped, read_manifests, shared_patients
from qcxr.analysis.croissant import Described, write_croissant
from qcxr.analysis.facts import Study
from qcxr.analysis.results import Results
from qcxr.errors import InputError


@dataclass(frozen=True)
class Folder:
    """Where the cards go; croissant's files are named relative to its own folder."""

    model: str | Path
    data: str | Path
    croissant: str | Path
    checklist: str | Path


def write_portfolio(
    out: Folder, results: Results, study: Study, *, manifests: Sequence[Path], audits: Sequence[Path] = ()
) -> None:
    """Write every card. Results must have counts and runs; InputError if they have no counts.

    manifests: {data set}.parquet, with {data set}-counts.csv beside each. audits: {data set}-issues.csv.
    """
    if results.counts is None:
        raise InputError("cards need the counts of the manifests, got none; give them with the results")
    config = study.config or {}
    borders, kinds = _borders(config), _kinds(config)
    read = read_manifests({path.stem: path for path in manifests})
    people = cohort(read)
    notes = [*dropped(read), *left_out(list(audits) or None, words="flagged by the audit")]
    model_card(out.model, results, study, borders=borders)
    data_card(
        out.data,
        counts=results.counts,
        kinds=kinds,
        notes=notes,
        cohort=people,
        borders=borders,
        demo=study.demo,
    )
    described = [
        Described(path.stem, read[path.stem], path, path.with_name(f"{path.stem}-counts.csv")) for path in manifests
    ]
    write_croissant(out.croissant, described, results.counts, kinds=kinds, demo=study.demo, notes=notes)
    write_checklists(out.checklist, Known(results, study, people, shared_patients(read), notes))


def _borders(config: Mapping[str, Any]) -> Borders:
    keys = config.get("analysis") or {}
    return Borders(keys.get("head_over", 1000), keys.get("tail_under", 100), keys.get("quantiles"))


def _kinds(config: Mapping[str, Any]) -> dict[str, str]:
    return {name: source["kind"] for name, source in ((config.get("data") or {}).get("sources") or {}).items()}
