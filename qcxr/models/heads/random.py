"""`random`, the dressed circuit that does not learn: what its trained weights are worth."""

from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dqc import dqc


def random(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    engine: str = "auto",
    layers: int = 3,
    init: str = "uniform",
    **circuit: Any,
) -> Head:
    """`dqc` whose circuit keeps the weights that it was drawn with; the layers around it train."""
    if "train_circuit" in circuit:
        raise InputError(
            f"head 'random' takes no train_circuit, got {circuit['train_circuit']!r}: its circuit never trains; "
            "leave it out, or use the head dqc"
        )
    circuit |= {"engine": engine, "layers": layers, "init": init}
    return dqc(n_features, n_labels, key=key, train_circuit=False, **circuit)
