"""A circuit between two linear layers, or what stands in its place: the frame of several kinds of head."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.models.contracts import Fixed
from qcxr.models.initial import circuit_weights
from qcxr.models.layers import Linear

Engine = Callable[[jax.Array, jax.Array], jax.Array]
Sampler = Callable[[jax.Array, jax.Array, PRNGKeyArray], jax.Array]


class Core(NamedTuple):
    """A circuit, or what stands in its place.

    `engine` maps its weights and angles (batch, labels) to `width` values per film (None: one per label); `draw` gives
    the first weights; without `trained` they stay so. `shots` gives the engine's values from shots, by a key, with
    gradients from shots.
    """

    engine: Engine
    draw: Callable[[PRNGKeyArray], jax.Array]
    trained: bool = True
    width: int | None = None
    shots: Sampler | None = None


class DressedHead(nnx.Module):
    """Dressed circuit: linear -> tanh * pi / 2 -> circuit, one qubit per label -> linear (paper, section III-C).

    Without a core the circuit is left out, with tanh alone between the layers.
    """

    def __init__(self, n_features: int, n_labels: int, *, key: PRNGKeyArray, core: Core | None) -> None:
        keys = [jax.random.fold_in(key, i) for i in range(3)]
        width = n_labels
        self.preprocess = Linear(n_features, n_labels, key=keys[0])
        self.engine = self.shots = None
        if core is not None:
            self.engine, self.shots = core.engine, core.shots
            self.quantum = (nnx.Param if core.trained else Fixed)(core.draw(keys[1]))
            width = core.width or n_labels
        self.postprocess = Linear(width, n_labels, key=keys[2])

    @property
    def last(self) -> Linear:
        """The layer that gives the logits."""
        return self.postprocess

    def __call__(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        if self.engine is None:
            return self.postprocess(jnp.tanh(self.preprocess(features)))
        return self.postprocess(self.engine(self.quantum[...], self.angles(features)))

    def from_shots(self, features: Float[Array, "batch features"], key: PRNGKeyArray) -> Float[Array, "batch labels"]:
        """Logits of a training step whose circuit is measured, by the step's key; for a head with `shots` only."""
        assert self.shots is not None  # said to mypy
        return self.postprocess(self.shots(self.quantum[...], self.angles(features), key))

    def angles(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        """What the circuit takes of each film, in radians."""
        return jnp.tanh(self.preprocess(features)) * (jnp.pi / 2)


def rotations(init: str, layers: int, n_labels: int) -> Callable[[PRNGKeyArray], jax.Array]:
    """How a circuit's weights (layers, labels) are drawn, by the initialiser's name."""
    return lambda key: circuit_weights(init, key, (layers, n_labels))
