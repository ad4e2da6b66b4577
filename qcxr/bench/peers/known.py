"""The peers by name: where each builds its step, whose versions a row names, and in which environment it lives.

An environment is a requirements file of `qcxr/bench/environments`; `own` is the one that qcxr itself runs in.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

OURS = "qcxr"


class Known(NamedTuple):
    """A peer. place: module:function of this package, called with the case and `options`; what: words for a page."""

    place: str
    packages: tuple[str, ...]
    what: str
    environment: str = "own"
    options: Mapping[str, Any] = {}


# the head's circuit: value and gradient of the summed read-outs
CIRCUITS = {
    OURS: Known("ours:engine", ("qcxr", "jax"), "engine `auto`"),
    "qcxr chain": Known("ours:engine", ("qcxr", "jax"), "engine `chain`", options={"name": "chain"}),
    "qcxr statevector": Known("ours:engine", ("qcxr", "jax"), "engine `statevector`", options={"name": "statevector"}),
    "default.qubit": Known("pennylanes:default_qubit", ("pennylane", "jax"), "PennyLane through JAX, backprop"),
    "lightning.qubit": Known(
        "pennylanes:lightning", ("pennylane-lightning", "pennylane"), "PennyLane, adjoint, sample by sample"
    ),
    "default.mixed": Known("pennylanes:mixed", ("pennylane", "jax"), "PennyLane's density matrices through JAX"),
    "tensorcircuit": Known("networks:tensorcircuit", ("tensorcircuit-ng", "jax"), "state vector on JAX", "jax"),
    "quimb": Known("networks:quimb", ("quimb", "cotengra", "jax"), "exact tensor networks on JAX", "jax"),
    "default.tensor": Known("pennylanes:tensor", ("pennylane", "quimb"), "PennyLane on quimb, values only", "mps"),
    "pauli-prop": Known(
        "propagated:pauliprop", ("pauli-prop", "qiskit"), "Qiskit's Pauli propagation, values only", "pauli"
    ),
    "propaq": Known("propagated:propaq", ("propaq", "qiskit"), "Pauli propagation in Rust, values only", "pauli"),
}
NOISY = (OURS, "default.mixed")  # those that take the depolarizing channels

# a whole training step: backbone, head, loss, gradient and Adam
MODELS = {
    OURS: Known("jaxmodel:ours", ("qcxr", "jax"), "engine `auto`"),
    "qcxr chain": Known("jaxmodel:ours", ("qcxr", "jax"), "engine `chain`", options={"engine": "chain"}),
    "qcxr statevector": Known(
        "jaxmodel:ours", ("qcxr", "jax"), "engine `statevector`", options={"engine": "statevector"}
    ),
    "qcxr bfloat16": Known("jaxmodel:ours", ("qcxr", "jax"), "backbone in bfloat16", options={"precision": "bfloat16"}),
    "JAX, default.qubit": Known(
        "jaxmodel:ours", ("pennylane", "jax"), "the paper's way: PennyLane under vmap", options={"engine": "pennylane"}
    ),
    "JAX, TensorCircuit": Known("jaxmodel:tensorcircuit", ("tensorcircuit-ng", "jax"), "state vector on JAX", "jax"),
    "torch": Known("torchstep:step", ("torch", "pennylane"), "channels last, PennyLane's TorchLayer by backprop"),
    "torch, lightning.qubit": Known(
        "torchstep:step",
        ("torch", "pennylane", "pennylane-lightning"),
        "TorchLayer by the adjoint method",
        options={"circuit": "lightning.qubit"},
    ),
    "torch.compile": Known(
        "torchstep:step", ("torch", "pennylane"), "all but the circuit compiled", options={"compiled": True}
    ),
    "torch TF32": Known("torchstep:step", ("torch", "pennylane"), "cards only", options={"precision": "tf32"}),
    "torch bfloat16": Known(
        "torchstep:step", ("torch", "pennylane"), "autocast of the backbone", options={"precision": "bfloat16"}
    ),
    "torch.compile bfloat16": Known(
        "torchstep:step",
        ("torch", "pennylane"),
        "autocast, compiled",
        options={"precision": "bfloat16", "compiled": True},
    ),
    "TensorFlow": Known(
        "tensorflowmodel:step", ("tensorflow-cpu", "pennylane"), "PennyLane's interface, circuit by XLA", "tensorflow"
    ),
    "TensorFlow, TensorCircuit": Known(
        "tensorflowmodel:step",
        ("tensorflow-cpu", "tensorcircuit-ng"),
        "state vector on TensorFlow",
        "tensorflow",
        {"circuit": "tensorcircuit"},
    ),
}
LOOSE = ("qcxr bfloat16", "torch TF32", "torch bfloat16", "torch.compile bfloat16")  # of another precision than ours
# the same as only `qcxr bench card` asks for it
ON_CARD = {
    "qcxr float32": Known(
        "oncard:ours", ("qcxr", "jax"), "bare float32, whatever JAX takes for it", options={"matmul": "float32"}
    ),
    "qcxr deterministic": Known(
        "oncard:ours", ("qcxr", "jax"), "resources.deterministic", options={"deterministic": True}
    ),
    "torch.compile TF32": Known(
        "torchstep:step", ("torch", "pennylane"), "compiled", options={"precision": "tf32", "compiled": True}
    ),
}
KINDS = {"circuit": CIRCUITS, "model": MODELS | ON_CARD}
