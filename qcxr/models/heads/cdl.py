"""`cdl`, the paper's classical head."""

from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.models.contracts import Head
from qcxr.models.layers import Linear


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


def cdl(n_features: int, n_labels: int, *, key: PRNGKeyArray) -> Head:
    """The paper's classical head."""
    return ClassicalHead(n_features, n_labels, key=key)
