"""`bottleneck`, two linear layers with nothing between: what the second layer does alone."""

import jax
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.models.contracts import Head
from qcxr.models.layers import Linear


class BottleneckHead(nnx.Module):
    """The dressed head without circuit and tanh: linear -> linear, through one value per label.

    It can say no more than `cdl` can; it is trained, and starts, otherwise.
    """

    def __init__(self, n_features: int, n_labels: int, *, key: PRNGKeyArray) -> None:
        first, last = (jax.random.fold_in(key, i) for i in (0, 2))  # the dressed head's, so they start equal
        self.preprocess = Linear(n_features, n_labels, key=first)
        self.postprocess = Linear(n_labels, n_labels, key=last)

    @property
    def last(self) -> Linear:
        """The layer that gives the logits."""
        return self.postprocess

    def __call__(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        return self.postprocess(self.preprocess(features))


def bottleneck(n_features: int, n_labels: int, *, key: PRNGKeyArray) -> Head:
    """The dressed head without its nonlinearity."""
    return BottleneckHead(n_features, n_labels, key=key)
