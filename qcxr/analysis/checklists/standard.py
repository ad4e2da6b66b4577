"""The reference standard: how the labels were made, by whom, and how sure they are."""

from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.limits import listed
from qcxr.analysis.names import task_name

DRAWN = "The labels are the generator's."
MINED = "Labels are mined from radiology reports by text tools; an absent label means that the report does not name it."


def definition(known: Known) -> Answer:
    """What a label says."""
    labels = {run["task"]: list(run["labels"]) for run in known.results.runs}
    named = " ".join(f"{task_name(task)}: {listed(found)}." for task, found in labels.items())
    if known.demo:
        return Answer(f"A label is positive where the generator drew the finding. {named}".strip())
    if known.facts.mined:
        return Answer(f"{MINED} {named}".strip())
    return Answer(named, "how the labels were made") if named else OPEN


def rationale(known: Known) -> Answer:
    """Why this standard."""
    if known.demo:
        return Answer("The generator knows what it drew; some findings are drawn too faint to be seen, on purpose.")
    return OPEN


def annotators(known: Known) -> Answer:
    """Who labelled."""
    if known.demo:
        return Answer(DRAWN, applies=False)
    if known.facts.mined:
        return Answer("Text tools, from the reports that radiologists wrote in care; no film was read for the study.")
    return OPEN


def test_annotation(known: Known) -> Answer:
    """How the test set was labelled."""
    if known.demo:
        return Answer("As the training set: by the generator.")
    if known.facts.mined:
        return Answer("As the training set: mined from reports. No test film was read anew.")
    return OPEN


def variability(known: Known) -> Answer:
    """How far readers agree."""
    if known.demo or known.facts.mined:
        reason = DRAWN if known.demo else "Labels are mined by text tools; no two readers labelled a film."
        return Answer(reason, applies=False)
    return OPEN


def blinding(known: Known) -> Answer:
    """What those who labelled knew."""
    if known.demo:
        return Answer(DRAWN, applies=False)
    if known.facts.mined:
        return Answer("Labels were published before the models were made; no prediction can have touched them.")
    return OPEN
