"""`checklist.md`: the checklists with what a study answers, and with the items that are its authors' to write."""

from collections import Counter
from pathlib import Path
from typing import Any

from qcxr.analysis.cards import environment
from qcxr.analysis.checklists.claim import CLAIM
from qcxr.analysis.checklists.item import STANDINGS, Answer, Checklist, Item
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.checklists.tripod import TRIPOD
from qcxr.study.files import write_text

CHECKLISTS = (CLAIM, TRIPOD)


def write_checklists(out: str | Path, known: Known) -> None:
    """Write `CHECKLISTS` to `out` (Markdown), filled in with what is known of a study."""
    template = environment().get_template("checklist.md.j2")
    filled = [_filled(checklist, known) for checklist in CHECKLISTS]
    write_text(template.render(demo=known.demo, foreign=known.facts.foreign, checklists=filled), out)


def standings(checklist: Checklist, known: Known) -> dict[str, str]:
    """Item's number -> one of `STANDINGS`."""
    return {item.number: answer.standing for item, answer in _answered(checklist, known).items()}


def _answered(checklist: Checklist, known: Known) -> dict[Item, Answer]:
    return {item: item.answer(known) for item in checklist.items}


def _filled(checklist: Checklist, known: Known) -> dict[str, Any]:
    answers = _answered(checklist, known)
    counts = Counter(answer.standing for answer in answers.values())
    return {
        "name": checklist.name,
        "reference": checklist.reference,
        "n": len(answers),
        "counts": {standing: counts[standing] for standing in STANDINGS},
        "open": [item.number for item, answer in answers.items() if answer.standing == "open"],
        "sections": {title: [(item, answers[item]) for item in items] for title, items in checklist.sections.items()},
    }
