"""Our own engine, as a peer among the others."""

from qcxr.bench.peers.case import Case, Step
from qcxr.bench.peers.differentiated import differentiated


def auto(case: Case) -> Step:
    """The engine `auto`, which takes a batch as it is."""
    from qcxr.circuits import make_engine  # here: other peers' environments do not have what it needs

    return differentiated(make_engine("auto", case.n_qubits, len(case.weights)), case, batched=True)
