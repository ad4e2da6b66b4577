"""The ladder of twins: heads ordered by what each takes away from the dressed circuit, and what each step changes.

Known of trained heads only, by their kinds (Bowles et al. 2403.07059 ask for these twins).
"""

from typing import Any

import pandas as pd

from qcxr.analysis.charts.scale import signed
from qcxr.analysis.evidence import at, evidence
from qcxr.analysis.facts import Facts
from qcxr.analysis.limits import listed
from qcxr.analysis.names import dataset_name, head_name, task_name
from qcxr.analysis.results import Results

# From least to most of the circuit: what a head of each kind lacks of it, or has in its place.
RUNGS = {
    "cdl": "everything: one linear layer",
    "bottleneck": "circuit and nonlinearity: two linear layers",
    "mlp": "the circuit: tanh in its place",
    "fourier": "quantum origin: random Fourier features in its place",
    "product": "entanglement: the same rotations alone",
    "random": "learning inside the circuit: its weights stay as drawn",
    "permuted": "the order of the ring's gates",
    "mps": "the ansatz: a freely trained tensor chain in its place",
    "dqc": "nothing",
}


def rungs(facts: Facts) -> list[str]:
    """The heads in the ladder's order, those of one kind in the study's; none unless a circuit and a twin of it are."""
    kinds = {head: facts.kind(head) for head in facts.heads} if facts.trained else {}
    found = [head for kind in RUNGS for head, own in kinds.items() if own == kind]
    twins = {kinds[head] for head in found} - {"cdl", "dqc"}
    return found if "dqc" in kinds.values() and twins else []


def circuit(facts: Facts) -> str:
    """The head that the rungs are twins of: the first of the kind dqc."""
    return next((head for head in facts.heads if facts.kind(head) == "dqc"), "")


def sentences(results: Results, facts: Facts) -> list[str]:
    """Say what the ladder is, and which of its twins differ from their circuit; nothing without one."""
    heads, name = rungs(facts), head_name(circuit(facts))
    if not heads:
        return []
    texts = [f"Every rung takes one thing away from {name}, or puts another in its place."]
    met = [
        (first, sign * float(row["difference"]), bool(row["significant"]))
        for (first, other), row, sign in _pairs(results, facts)
        if other == circuit(facts) and first in heads and row["basis"]
    ]
    tested = {head for head, _, _ in met}
    higher = {head for head, difference, sure in met if sure and difference > 0}
    lower = {head for head, difference, sure in met if sure and difference < 0}
    for said, found in (
        ("Higher than {0} in mean AUROC on at least one task and test set: {1}.", higher),
        ("Lower: {1}.", lower),
        ("No difference from {0} was found for {1}, which does not say that there is none.", tested - higher - lower),
    ):
        if found:
            texts.append(said.format(name, listed([head_name(head) for head in heads if head in found])))
    return texts


def table(results: Results, facts: Facts) -> pd.DataFrame:
    """A row per rung, task and test set: what it lacks, its mean AUROC, and its differences where they were tested."""
    heads, rows = rungs(facts), []
    if not heads:
        return pd.DataFrame()
    base = results.at_base()
    means = at(base.metrics).groupby(["task", "dataset", "head"])["value"].mean()
    pairs = {(*pair, row["task"], row["dataset"]): (row, sign) for pair, row, sign in _pairs(results, facts)}
    whole, several = circuit(facts), len(facts.tasks) > 1 or len(facts.datasets) > 1
    for task in facts.tasks:
        for dataset in facts.datasets:
            for k, head in enumerate(heads):
                if (task, dataset, head) not in means.index:
                    continue
                row: dict[str, object] = {"Head": head_name(head), "Lacks": RUNGS[facts.kind(head)]}
                if several:
                    row |= {"Task": task_name(task), "Test set": dataset_name(dataset)}
                row["Mean AUROC"] = f"{means[task, dataset, head]:.3f}"
                others = {f"Minus {head_name(facts.heads[0])}": facts.heads[0], f"Minus {head_name(whole)}": whole}
                row |= {name: _gap(pairs.get((head, other, task, dataset))) for name, other in others.items()}
                below = heads[k - 1] if k else ""
                row["Minus the rung above"] = _gap(pairs.get((head, below, task, dataset)))
                rows.append(row)
    frame = pd.DataFrame(rows)
    return frame[[name for name in frame if not name.startswith("Minus") or (frame[name] != "—").any()]]


def _pairs(results: Results, facts: Facts) -> list[tuple[tuple[str, str], dict[str, Any], int]]:
    """Every tested pair of mean AUROCs, both ways round: (first, other), its row, and the sign of first minus other."""
    rows = at(evidence(results.at_base().tests, adjust=facts.adjust)).to_dict("records")
    ways = [((row["head_a"], row["head_b"]), row, 1) for row in rows]
    return ways + [((row["head_b"], row["head_a"]), row, -1) for row in rows]


def _gap(found: tuple[dict[str, Any], int] | None) -> str:
    if found is None or pd.isna(found[0]["difference"]):
        return "—"
    row, sign = found
    low, high = sorted((sign * row["low"], sign * row["high"]))
    interval = "" if pd.isna(low) else f" [{signed(low)}, {signed(high)}]"
    return f"{signed(sign * row['difference'])}{interval} {row['mark']}".rstrip()
