"""`permuted`, the dressed circuit without the ring's order: what that structure is worth."""

from jaxtyping import PRNGKeyArray

from qcxr.circuits import make_engine
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead, rotations


def permuted(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    layers: int = 3,
    init: str = "uniform",
    permutation_seed: int = 0,
    memory_mb: float = 4096,
) -> Head:
    """`dqc` whose ring of CNOTs visits the qubits in another random order in every layer.

    As many gates, no neighbours: the circuit is no chain, so its state vector is simulated, of as many qubits as
    `memory_mb` holds.
    """
    run = make_engine("statevector", n_labels, layers, permutation_seed=permutation_seed, memory_mb=memory_mb)
    return DressedHead(n_features, n_labels, key=key, core=Core(run, rotations(init, layers, n_labels)))
