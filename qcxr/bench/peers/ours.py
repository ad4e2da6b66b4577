"""Our own engines, as peers among the others."""

from qcxr.bench.peers.case import Case, Peer
from qcxr.bench.peers.differentiated import differentiated


def engine(case: Case, name: str = "auto") -> Peer:
    """An engine by its name; it takes a batch as it is."""
    from qcxr.circuits import Noise, Rates, make_engine  # here: other peers' environments do not have what it needs

    rates = Rates(depolarizing=case.noise)
    run = make_engine(name, case.n_qubits, len(case.weights), noise=Noise(rates, rates) if case.noise else None)
    return differentiated(run, case, batched=True)
