"""`dqc`, the paper's dressed quantum circuit."""

from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.circuits import make_engine
from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import DressedHead


def dqc(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    engine: str = "auto",
    layers: int = 3,
    init: str = "uniform",
    **circuit: Any,
) -> Head:
    """The paper's dressed quantum circuit; other options (noise, ansatz, ...) go to `qcxr.circuits.make_engine`."""
    if circuit.get("shots") is not None:
        raise InputError(
            f"head.dqc.shots must be left out in training: shots are sampled with a key of each call; got "
            f"{circuit['shots']}; use qcxr.circuits.make_engine for them"
        )
    run = make_engine(engine, n_labels, layers, **circuit)
    return DressedHead(n_features, n_labels, key=key, engine=run, layers=layers, init=init)
