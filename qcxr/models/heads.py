"""Classification heads: pooled features -> logits. To add one: one function and one entry in `HEADS`.

What a head must offer is `qcxr.models.contracts.Head`; `create` holds every head to it. Beside the paper's two heads
stand the twins that tell what the circuit itself contributes: the same layers without a circuit (`mlp`), and with one
that never entangles (`product`).
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.contracts import Head, check_head
from qcxr.models.initial import circuit_weights
from qcxr.models.layers import Linear

Engine = Callable[[jax.Array, jax.Array], jax.Array]


class ClassicalHead(nnx.Module):
    """Classical deep learning: one linear layer."""

    def __init__(self, n_features: int, n_labels: int, *, key: PRNGKeyArray) -> None:
        self.preprocess = Linear(n_features, n_labels, key=key)

    @property
    def last(self) -> Linear:
        """The layer that gives the logits."""
        return self.preprocess

    def __call__(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        return self.preprocess(features)


class DressedHead(nnx.Module):
    """Dressed circuit: linear -> tanh * pi / 2 -> circuit, one qubit per label -> linear (paper, section III-C).

    `engine` maps weights (layers, labels) and angles (batch, labels) to expectation values (batch, labels) in [-1, 1];
    None leaves the circuit out, with tanh alone between the layers.
    """

    def __init__(
        self,
        n_features: int,
        n_labels: int,
        *,
        key: PRNGKeyArray,
        engine: Engine | None,
        layers: int = 0,
        init: str = "",
    ) -> None:
        keys = [jax.random.fold_in(key, i) for i in range(3)]
        self.preprocess = Linear(n_features, n_labels, key=keys[0])
        self.engine = engine
        if engine is not None:
            self.quantum = nnx.Param(circuit_weights(init, keys[1], (layers, n_labels)))
        self.postprocess = Linear(n_labels, n_labels, key=keys[2])

    @property
    def last(self) -> Linear:
        """The layer that gives the logits."""
        return self.postprocess

    def __call__(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        squashed = jnp.tanh(self.preprocess(features))
        if self.engine is None:
            return self.postprocess(squashed)
        return self.postprocess(self.engine(self.quantum[...], squashed * (jnp.pi / 2)))


def cdl(n_features: int, n_labels: int, *, key: PRNGKeyArray) -> Head:
    """The paper's classical head."""
    return ClassicalHead(n_features, n_labels, key=key)


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
    # Here, not above: the hash of the code that trains a run follows the imports of modules, and an edit of a circuit
    # must not retrain the other heads (qcxr.study.slices.HEAD_CODE adds the circuits for this one).
    from qcxr.circuits import make_engine

    if circuit.get("shots") is not None:
        raise InputError(
            f"head.dqc.shots must be left out in training: shots are sampled with a key of each call; got "
            f"{circuit['shots']}; use qcxr.circuits.make_engine for them"
        )
    run = make_engine(engine, n_labels, layers, **circuit)
    return DressedHead(n_features, n_labels, key=key, engine=run, layers=layers, init=init)


def mlp(n_features: int, n_labels: int, *, key: PRNGKeyArray) -> Head:
    """The dressed head without its circuit: linear -> tanh -> linear."""
    return DressedHead(n_features, n_labels, key=key, engine=None)


def product(n_features: int, n_labels: int, *, key: PRNGKeyArray, layers: int = 3, init: str = "uniform") -> Head:
    """The dressed head with the ring of CNOTs left out: qubits stay a product state, <Z_i> in closed form."""
    return DressedHead(n_features, n_labels, key=key, engine=product_state, layers=layers, init=init)


def product_state(
    weights: Float[Array, "layers qubits"], angles: Float[Array, "*batch qubits"]
) -> Float[Array, "*batch qubits"]:
    """<Z_i> of H, RY(x_i), RY(w_1i), ..., RY(w_Li) on |0>: -sin(x_i + sum_l w_li), angles in radians."""
    return -jnp.sin(angles + weights.sum(0))


# name -> function of (n_features, n_labels, key, the head's options)
HEADS: dict[str, Callable[..., Head]] = {"cdl": cdl, "dqc": dqc, "mlp": mlp, "product": product}


def create(
    name: str, n_features: int, n_labels: int, *, key: PRNGKeyArray, options: Mapping[str, Any] | None = None
) -> Head:
    """Build the head `name`.

    An option that it does not take, or a head that does not offer what it must, is an InputError.
    """
    if name not in HEADS:
        raise InputError(f"head must be one of {', '.join(HEADS)}, got {name!r}; set heads in the config")
    if n_labels < 1:
        raise InputError(f"n_labels must be >= 1, got {n_labels}; give the task at least one label")
    options = dict(options or {})
    make = HEADS[name]
    # of a class the options are its __init__'s, which nnx's metaclass hides
    signature = inspect.signature(make.__init__ if inspect.isclass(make) else make)
    takes = signature.parameters.values()
    open_ended = any(p.kind is p.VAR_KEYWORD for p in takes)
    allowed = [p.name for p in takes if p.kind is p.KEYWORD_ONLY and p.name != "key"]
    unknown = sorted(set(options) - set(allowed))
    if unknown and not open_ended:
        raise InputError(
            f"head {name!r} has no option {unknown[0]!r}; allowed: {', '.join(allowed) or 'none'}; "
            "correct the head's options in the config"
        )
    layers = options.get("layers", 1)
    if type(layers) is not int or layers < 1:
        raise InputError(f"layers must be an integer >= 1, got {layers!r}; set layers in the head's options")
    head = make(n_features, n_labels, key=key, **options)
    return check_head(name, head, n_features=n_features, n_labels=n_labels)


def start_at_prevalence(head: Head, targets: Float[np.ndarray, "films labels"]) -> None:
    """Set the last bias to the log odds of each label, of (positives + 1) among (films + 2).

    A rare label's logit then starts where a thousand steps would have to bring it (Lin et al. 2017, arXiv 1708.02002,
    section 3.3).
    """
    prevalence = (np.asarray(targets, np.float64).sum(0) + 1) / (len(targets) + 2)
    head.last.bias[...] = jnp.asarray(np.log(prevalence / (1 - prevalence)), jnp.float32)
