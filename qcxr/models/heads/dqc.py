"""`dqc`, the paper's dressed quantum circuit."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.circuits import Engine, make_engine
from qcxr.circuits.shots import estimator
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead, Sampler, rotations


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

    `shots`, a mapping of number, gradient and step for `qcxr.circuits.shots.estimator`: training sees the circuit
    through so many measurements, values and gradients alike, while validation and predictions stay exact. Other options
    (noise, ansatz, ...) go to `qcxr.circuits.make_engine`.
    """
    shots: Mapping[str, Any] | None = circuit.pop("shots", None)
    run = make_engine(engine, n_labels, layers, **circuit)
    sampler = None if shots is None else _sampler(run, **shots)
    core = Core(run, rotations(init, layers, n_labels), trained=train_circuit, shots=sampler)
    return DressedHead(n_features, n_labels, key=key, core=core)


def _sampler(engine: Engine, *, number: int, **rule: Any) -> Sampler:
    return estimator(engine, shots=number, **rule)
