"""What a study's results cannot say, in sentences that its own facts carry; and its title."""

from collections.abc import Mapping
from typing import Any

from qcxr.analysis.facts import ENTANGLING, Facts
from qcxr.analysis.inference import FAMILY, UNADJUSTED
from qcxr.analysis.names import head_name

TITLE = "Quantum against classical heads for long-tailed chest X-ray classification"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Options of the dqc head that leave its circuit the paper's: rotations RY, rings of CNOT.
PAPERS_CIRCUIT = {"engine", "layers", "init", "noise", "shots", "device", "diff_method", "memory_mb"}


def title(facts: Facts) -> str:
    """Return a page's title, which promises a comparison of quantum and classical heads only where there is one."""
    quantum = set(facts.heads) & set(facts.circuits)
    if facts.trained and quantum and set(facts.heads) - quantum:
        return TITLE
    if facts.many:
        return f"{len(facts.heads)} heads for chest X-ray classification"
    heads = listed([head_name(head) for head in facts.heads])
    return f"{heads} head{'s' * (len(facts.heads) > 1)} for chest X-ray classification"


def limits(facts: Facts) -> list[str]:
    """Return the limits of a study, a sentence or two each."""
    if facts.mined:
        labels = (
            "Labels are mined from radiology reports and are partly wrong; AUROC against them is not accuracy of "
            "diagnosis."
        )
    else:
        labels = "AUROC is agreement with the labels that were given, right or wrong, not accuracy of diagnosis."
    device = "This is research software, not a medical device: no output may guide care."
    texts = [
        _seeds(facts),
        _wilcoxon(facts),
        _adjusted(facts),
        _best(facts),
        _circuit(facts),
        _settings(facts),
        labels,
        device,
    ]
    return [text for text in texts if text]


def listed(names: list[str]) -> str:
    """Return names as English lists them: a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _seeds(facts: Facts) -> str:
    """What intervals and tests are of: other trainings, other patients, or both; never other hospitals."""
    fewest, most = facts.seeds
    number = _number(fewest, most)
    if facts.bases == ("patients",):
        return (
            "Intervals and tests are of these trained models and other patients of the same hospitals: "
            f"{'one seed does' if most == 1 else 'they do'} not tell how much another training would differ."
        )
    if "seeds and patients" in facts.bases:
        return (
            f"Intervals and tests hold for other trainings and other patients together, as far as {number} seeds and "
            "these test sets tell: few seeds make intervals wide. They say nothing about other hospitals."
        )
    if most == 1:
        text = "One seed does not tell how much another training run would differ."
    else:
        what = "a paired t-test" if facts.t_tested else "a spread"
        text = f"Seeds measure training noise only: {what} over {number} of them says nothing about other patients."
    return text + " The bootstrap over patients says nothing about other hospitals." * facts.patients


def _wilcoxon(facts: Facts) -> str:
    """The smallest p of the exact signed-rank test, where no data could make it significant."""
    fewest, _ = facts.seeds
    floor = 2.0 ** (1 - fewest)
    if not facts.t_tested or fewest < 2 or floor <= facts.alpha:
        return ""
    return (
        f"With {_number(fewest, fewest)} seeds Wilcoxon's exact signed-rank test cannot give a p below {floor:g}, "
        "whatever the differences."
    )


def _adjusted(facts: Facts) -> str:
    if not facts.tested:
        return ""
    if facts.unadjusted:
        return (
            f"p-values are as configured {UNADJUSTED}: of many labels some have a small p by chance, so a star of one "
            "label claims little."
        )
    return (
        f"Marks and the word significant follow p adjusted over {FAMILY[facts.family]}, and of means over all means; "
        "raw p stands beside it for the comparison with other papers and claims nothing."
    )


def _best(facts: Facts) -> str:
    """The winner's curse."""
    text = "The best of many heads looks better than it is: chosen by the same numbers, its difference is overstated."
    return text * (facts.compared and facts.many)


def _number(fewest: int, most: int) -> str:
    words = [NUMBERS[n] if n < len(NUMBERS) else str(n) for n in (fewest, most)]
    return words[0] if fewest == most else f"{words[0]} to {words[1]}"


def _circuit(facts: Facts) -> str:
    """Say that circuits are simulated: only of heads that this package trained, with the options they had."""
    entangled = {head: options for head, options in facts.circuits.items() if facts.kind(head) in ENTANGLING}
    if not facts.circuits:
        return ""
    if not entangled:
        several = len(facts.circuits) > 1
        subject = "The circuits never entangle and are" if several else "The circuit never entangles and is"
        return f"{subject} computed in closed form: no quantum advantage is possible here."
    devices = {head: str(options.get("device") or "default.qubit") for head, options in entangled.items()}
    elsewhere = [head for head, name in devices.items() if not name.startswith(("default.", "lightning."))]
    if elsewhere:
        whose = "" if len(entangled) == 1 else f" of {listed([head_name(head) for head in elsewhere])}"
        ran = listed(list(dict.fromkeys(devices[head] for head in elsewhere)))
        return f"The circuit{whose} ran on {ran}: see there whether that is a simulator."
    simulated = f"The circuit{'s are' if len(entangled) > 1 else ' is'} simulated, not run ({_noise(facts, entangled)})"
    known = (set(options) <= PAPERS_CIRCUIT and facts.kind(head) != "permuted" for head, options in entangled.items())
    if all(known) and not facts.varied:
        its = "its" if len(entangled) == 1 else "their"
        return (
            f"{simulated}, and {its} structure (RY rotations and CNOT rings) can be simulated classically at low cost: "
            "no quantum advantage is claimed or possible here."
        )
    return f"{simulated}: no quantum advantage is claimed."


def _noise(facts: Facts, circuits: Mapping[str, Mapping[str, Any]]) -> str:
    if any(facts.kind(head) == "circuit" for head in circuits):
        return f"with the noise that {'its' if len(circuits) == 1 else 'their'} definition has, if any"
    noisy = [bool(options.get("noise")) for options in circuits.values()]
    if facts.varied and "noise" in facts.base:
        return "with the noise that is varied"
    if all(noisy):
        return f"with the noise that {'its' if len(noisy) == 1 else 'their'} settings name"
    return "some with the noise that their settings name" if any(noisy) else "without noise"


def _settings(facts: Facts) -> str:
    if facts.foreign:
        return ""
    if facts.searched:
        return "Settings were chosen among the trials of a search on validation; another space may choose others."
    if len(facts.heads) == 1:
        return "The head was trained with the settings given; no search for better ones is part of this study."
    if not facts.same_settings:
        return ""
    if facts.protocol:
        return "Both heads use the same hyperparameters, as in the paper; neither is tuned."
    heads = "Both" if len(facts.heads) == 2 else f"All {_number(len(facts.heads), len(facts.heads))}"
    return f"{heads} heads were trained with the same settings; no search for better ones is part of this study."
