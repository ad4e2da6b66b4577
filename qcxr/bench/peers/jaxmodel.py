"""Whole training steps in JAX: our networks with our engines, or with the circuit in another simulator's hands."""

from typing import Any

import numpy as np

from qcxr.bench.peers.case import Case, Peer, Results
from qcxr.bench.peers.model import LEARNING_RATE, Model


def ours(model: Model, engine: str = "auto", precision: str = "float32") -> Peer:
    """Our classifier; engine: of the circuit (pennylane is the paper's way: default.qubit under vmap, backprop)."""
    # here, as below: other peers' environments do not have what they need
    from qcxr.models import arrays, classifier

    options = {"engine": engine, "layers": model.n_layers} if model.head == "dqc" else {}
    architecture = classifier.Architecture(
        dict(model.section), model.head, model.n_labels, options, batch_norm=model.batch_norm, precision=precision
    )
    return _trained(model, arrays.fill(classifier.build(architecture, seed=0), model.arrays))


def tensorcircuit(model: Model) -> Peer:
    """Our backbone, with TensorCircuit-NG's state vector on JAX for the head's circuit."""
    import jax  # here, as below: of the peer's environment

    from qcxr.bench.peers.networks import tensorcircuit_z  # here: as above
    from qcxr.models import arrays, classifier
    from qcxr.models.heads.dressed import DressedHead

    options = {"layers": model.n_layers} if model.head == "dqc" else {}
    architecture = classifier.Architecture(
        dict(model.section), model.head, model.n_labels, options, batch_norm=model.batch_norm
    )
    network = arrays.fill(classifier.build(architecture, seed=0), model.arrays)
    if isinstance(network.head, DressedHead):
        one = tensorcircuit_z(Case(np.zeros((model.n_layers, model.n_labels)), np.zeros((1, model.n_labels))))
        network.head.engine = jax.vmap(one, (None, 0))
    return _trained(model, network)


def _trained(model: Model, network: Any) -> Peer:
    """The step of a classifier of ours: mean BCE, gradient and Adam in one compiled program, its state donated."""
    import jax  # here, as below: of the peer's environment
    import jax.numpy as jnp
    import optax

    from qcxr.models import groups  # here: as above

    graphdef, trained, frozen, running = groups.split(network)
    optimizer = optax.adam(LEARNING_RATE)

    def loss(trained: Any, running: Any, films: Any, labels: Any) -> tuple[Any, tuple[Any, Any]]:
        copy = groups.merge(graphdef, trained, frozen, running)
        logits = copy(films, train=True)
        return optax.sigmoid_binary_cross_entropy(logits, labels).mean(), (logits, groups.statistics(copy))

    def step(state: Any, films: Any, labels: Any) -> tuple[Any, Any]:
        trained, running, moments = state
        (value, (_, running)), gradient = jax.value_and_grad(loss, has_aux=True)(trained, running, films, labels)
        updates, moments = optimizer.update(gradient, moments, trained)
        return (optax.apply_updates(trained, updates), running, moments), value

    compiled = jax.jit(step, donate_argnums=0)
    state = jax.tree.map(jnp.copy, (trained, running, optimizer.init(trained)))
    zeros = jax.device_put(model.zeros())

    def once() -> float:
        nonlocal state
        state, value = compiled(state, *zeros)
        return float(value)

    def results() -> Results:
        slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
        (value, (logits, _)), gradient = slope(trained, running, model.films(), model.labels())
        return {"loss": np.asarray(value), "logits": np.asarray(logits), **_watched(model, gradient)}

    return Peer(once, results, jax.devices()[0].device_kind)


def _watched(model: Model, gradient: Any) -> Results:
    from flax.traverse_util import flatten_dict  # here: of the peer's environment

    slopes = {".".join(map(str, path)): value for path, value in flatten_dict(gradient).items()}
    return {f"by {name}": np.asarray(slopes[name]) for name in model.watched}
