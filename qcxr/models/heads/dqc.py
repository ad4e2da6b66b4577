"""`dqc`, the paper's dressed quantum circuit."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.circuits import make_engine
from qcxr.circuits.shots import estimator
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
    shots: Mapping[str, Any] | None = None,
    **circuit: Any,
) -> Head:
    """The paper's dressed quantum circuit. Without `train_circuit` its weights stay as drawn.

    shots: number, gradient and step of `qcxr.circuits.shots.estimator`; training then sees the circuit through so many
    measurements, values and gradients alike, while validation and predictions stay exact. Other options (noise, ansatz,
    ...) go to `qcxr.circuits.make_engine`.
    """
    run = make_engine(engine, n_labels, layers, **circuit)
    sampler = None
    if shots is not None:
        given = dict(shots)
        sampler = estimator(run, shots=given.pop("number"), **given)
    core = Core(run, rotations(init, layers, n_labels), trained=train_circuit, shots=sampler)
    return DressedHead(n_features, n_labels, key=key, core=core)
