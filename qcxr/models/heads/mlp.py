"""`mlp`, the dressed head without its circuit: what tanh between two layers does alone."""

from jaxtyping import PRNGKeyArray

from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import DressedHead


def mlp(n_features: int, n_labels: int, *, key: PRNGKeyArray) -> Head:
    """The dressed head without its circuit: linear -> tanh -> linear."""
    return DressedHead(n_features, n_labels, key=key, core=None)
