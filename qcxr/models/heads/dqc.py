"""`dqc`, the paper's dressed quantum circuit."""

from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.circuits import make_engine
from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead, rotations


def dqc(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    engine: str = "auto",
    layers: int = 3,
    init: str = "uniform",
    train_circuit: bool = True,
    **circuit: Any,
) -> Head:
    """The paper's dressed quantum circuit. Without `train_circuit` its weights stay as drawn.

    Other options (noise, ansatz, ...) go to `qcxr.circuits.make_engine`.
    """
    if circuit.get("shots") is not None:
        raise InputError(
            f"head.dqc.shots must be left out in training: shots are sampled with a key of each call; got "
            f"{circuit['shots']}; use qcxr.circuits.make_engine for them"
        )
    run = make_engine(engine, n_labels, layers, **circuit)
    core = Core(run, rotations(init, layers, n_labels), trained=train_circuit)
    return DressedHead(n_features, n_labels, key=key, core=core)
