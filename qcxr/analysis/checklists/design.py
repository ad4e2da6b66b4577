"""What a study is and asks: title, abstract, objective, design, goal."""

from qcxr.analysis import wording
from qcxr.analysis.answer import answer
from qcxr.analysis.checklists.item import OPEN, Answer
from qcxr.analysis.checklists.known import Known
from qcxr.analysis.limits import listed, title
from qcxr.analysis.names import dataset_name, head_name


def technology(known: Known) -> Answer:
    """Which kind of AI."""
    heads = listed([head_name(head) for head in known.facts.heads])
    if known.facts.foreign:
        return Answer(f"Multi-label classifiers of chest X-rays, made elsewhere: {heads}.", "their technology")
    backbone = known.setting("backbone", "name") or known.setting("backbone", "weights")
    if backbone is None:
        return OPEN
    text = f"“{title(known.facts)}”: deep learning, a backbone ({backbone}) with a head, {heads}."
    if known.facts.circuits:
        simulated = listed([head_name(head) for head in known.facts.circuits])
        text += f" With a quantum circuit in the head: {simulated}."
    return Answer(text)


def abstract(known: Known) -> Answer:
    """The figures that a summary needs."""
    found = answer(known.results, known.facts)
    told = [wording.lead(known.facts), found.verdict, *filter(None, (found.numbers, *found.notes))]
    if known.cohort is not None and len(known.cohort):
        films, patients = int(known.cohort["films"].sum()), int(known.cohort["patients"].sum())
        told.insert(
            1, f"{films:,} {'generated ' * known.demo}films of {patients:,} {'invented ' * known.demo}patients."
        )
    return Answer(" ".join(told), "the structured summary itself")


def objective(known: Known) -> Answer:
    """What is compared with what."""
    facts = known.facts
    sets = listed([dataset_name(name) for name in facts.datasets])
    done = "Models are evaluated, not developed here" if facts.foreign else "Models are developed and evaluated"
    if not facts.compared:
        heads = listed([head_name(head) for head in facts.heads])
        return Answer(f"{done}: AUROC of {heads} on {sets}; nothing is compared.", "why this is asked")
    reference = listed([head_name(head) for head in facts.references])
    others = [head_name(head) for head in facts.heads if head not in facts.references[:1]]
    which = f"{len(others)} other heads" if facts.many else listed(others)
    return Answer(
        f"{done}. Do {which} and {reference} differ in AUROC, over all labels and label by label, on {sets}? The null "
        "hypothesis of every test is no difference.",
        "why this is asked",
    )


def design(known: Known) -> Answer:
    """Prospective or retrospective."""
    if known.demo:
        return Answer("The films are generated: there was no collection of data.", applies=False)
    if known.facts.mined:
        return Answer("Retrospective: films and labels had been published before the study.")
    return OPEN


def goal(known: Known) -> Answer:
    """What kind of question it is."""
    facts = known.facts
    if facts.foreign:
        return Answer("Evaluation of models that were made elsewhere.", "for which use")
    kind = "Comparison of kinds of classifiers" if facts.compared else "Development of a classifier"
    return Answer(f"{kind}, for research; no use in care is intended.")


def intended_use(known: Known) -> Answer:
    """Population, purpose and users, of which a study's files only say that it is research."""
    if known.facts.foreign:
        return OPEN
    return Answer("For research; no place in care is intended.", "the population, purpose and users in mind")


def of_patients(known: Known) -> Answer:
    """What only a study of patients can be asked, and only its authors can answer."""
    return Answer("No patient is behind a generated film.", applies=False) if known.demo else OPEN
