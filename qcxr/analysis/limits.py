"""What a study's results cannot say, in sentences that its own facts carry; and its title."""

from qcxr.analysis.facts import CIRCUITS, Facts
from qcxr.analysis.names import head_name

TITLE = "Quantum against classical heads for long-tailed chest X-ray classification"
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# Options of the dqc head that leave its circuit the paper's: rotations RY, rings of CNOT.
PAPERS_CIRCUIT = {"engine", "layers", "init", "noise", "shots", "device", "diff_method", "memory_mb"}


def title(facts: Facts) -> str:
    """Return a page's title, which promises a comparison of quantum and classical heads only where there is one."""
    quantum = set(facts.heads) & set(CIRCUITS)
    if facts.trained and quantum and set(facts.heads) - quantum:
        return TITLE
    heads = listed([head_name(head) for head in facts.heads])
    return f"{heads} head{'s' * (len(facts.heads) > 1)} for chest X-ray classification"


def limits(facts: Facts) -> list[str]:
    """Return the limits of a study, a sentence or two each."""
    raw = "Raw p-values are uncorrected for the number of labels and data sets; use the adjusted ones to claim a label."
    if facts.mined:
        labels = (
            "Labels are mined from radiology reports and are partly wrong; AUROC against them is not accuracy of "
            "diagnosis."
        )
    else:
        labels = "AUROC is agreement with the labels that were given, right or wrong, not accuracy of diagnosis."
    device = "This is research software, not a medical device: no output may guide care."
    texts = [_seeds(facts), raw if facts.tested else "", _circuit(facts), _settings(facts), labels, device]
    return [text for text in texts if text]


def listed(names: list[str]) -> str:
    """Return names as English lists them: a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _seeds(facts: Facts) -> str:
    fewest, most = facts.seeds
    if most == 1:
        text = "One seed does not tell how much another training run would differ."
    else:
        what = "a paired t-test" if facts.tested else "a spread"
        text = f"Seeds measure training noise only: {what} over {_number(fewest, most)} of them says nothing about "
        text += "other patients."
    return text + " The bootstrap over patients says nothing about other hospitals." * facts.patients


def _number(fewest: int, most: int) -> str:
    words = [NUMBERS[n] if n < len(NUMBERS) else str(n) for n in (fewest, most)]
    return words[0] if fewest == most else f"{words[0]} to {words[1]}"


def _circuit(facts: Facts) -> str:
    """Say that circuits are simulated: only of heads that this package trained, with the options they had."""
    if "dqc" in facts.circuits:
        options = facts.circuits["dqc"]
        device = str(options.get("device") or "default.qubit")
        if not device.startswith(("default.", "lightning.")):
            return f"The circuit ran on {device}: see there whether that is a simulator."
        noise = "with the noise that its settings name" if options.get("noise") else "without noise"
        if set(options) <= PAPERS_CIRCUIT:
            return (
                f"The circuit is simulated, not run ({noise}), and its structure (RY rotations and CNOT rings) can be "
                "simulated classically at low cost: no quantum advantage is claimed or possible here."
            )
        return f"The circuit is simulated, not run ({noise}): no quantum advantage is claimed."
    if facts.circuits:
        return "The circuit never entangles and is computed in closed form: no quantum advantage is possible here."
    return ""


def _settings(facts: Facts) -> str:
    if facts.foreign:
        return ""
    if len(facts.heads) == 1:
        return "The head was trained with the settings given; no search for better ones is part of this study."
    if not facts.same_settings:
        return ""
    if facts.protocol:
        return "Both heads use the same hyperparameters, as in the paper; neither is tuned."
    heads = "Both" if len(facts.heads) == 2 else f"All {_number(len(facts.heads), len(facts.heads))}"
    return f"{heads} heads were trained with the same settings; no search for better ones is part of this study."
