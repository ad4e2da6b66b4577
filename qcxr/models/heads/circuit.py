"""`circuit`, the dressed head with a circuit of the user's own."""

import inspect
from typing import Any

from jaxtyping import PRNGKeyArray

from qcxr.circuits.own import own, seeing
from qcxr.errors import InputError
from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead
from qcxr.models.initial import circuit_weights


def circuit(
    n_features: int,
    n_labels: int,
    *,
    key: PRNGKeyArray,
    init: str = "uniform",
    train_circuit: bool = True,
    **definition: Any,
) -> Head:
    """The dressed head around a PennyLane quantum function. Without `train_circuit` its weights stay as drawn.

    Other options (function, weights, arguments, engine, digest) go to `qcxr.circuits.own.own`.
    """
    known = [p.name for p in inspect.signature(own).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if unknown := sorted(set(definition) - set(known)):
        raise InputError(
            f"head 'circuit' has no option {unknown[0]!r}; allowed: init, train_circuit, {', '.join(known)}; "
            "correct the head's options in the config"
        )
    run = seeing(str(definition.get("function")), own(n_labels, **definition))
    core = Core(run, lambda drawn: circuit_weights(init, drawn, run.shape), trained=train_circuit)
    return DressedHead(n_features, n_labels, key=key, core=core)
