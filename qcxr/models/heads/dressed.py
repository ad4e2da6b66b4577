"""A circuit between two linear layers, or what stands in its place: the frame of several kinds of head."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.models.initial import circuit_weights
from qcxr.models.layers import Linear

Engine = Callable[[jax.Array, jax.Array], jax.Array]


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
