"""A file of plug-ins, as a person writes it."""

FILE = '''
"""Mine."""
from qcxr.models.layers import Linear
from qcxr.plugins import figure, head, loss, metric

LEVEL = 0.95


@head("wide")
def wide(n_features, n_labels, *, key, hidden: int = 8, gains: list[float] | None = None):
    return helper(Linear)


@loss("mine")
def mine(targets, *, temperature: float = 1.0):
    return LEVEL


@metric("level")
def level(truth, probability, *, threshold):
    return 0.5


@figure("dots", needs=["metrics"], by=("task",), caption="Dots.")
def dots(metrics, task):
    return level


def helper(x):
    return x
'''
