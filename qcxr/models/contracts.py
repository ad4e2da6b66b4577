"""What a head must offer, so that everything else in the package works with it (a backbone: `description.Backbone`).

A head is a `flax.nnx` module, which a protocol cannot say of itself. `check_head` holds it to the whole contract.
"""

from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.errors import InputError
from qcxr.models.layers import Linear

PARTS = ("preprocess", "quantum", "postprocess")  # of a head: the columns of the paper's Table II


class Fixed(nnx.Variable):
    """An array of a head that stays as it was drawn: in the weights file as its parameters are, and never trained."""


@runtime_checkable
class Head(Protocol):
    """A network from pooled features to logits.

    All its arrays are float32 `nnx.Param`s in PARTS, which the table of parameters counts, or `Fixed` where they never
    train; nothing in it is random (shots: see `Measured`) or changes but by training. It lies in the classifier as
    `head`, by which `trainable: head`, `train.head_learning_rate` and `train.freeze_epochs` find it.
    """

    @property
    def last(self) -> Linear:
        """The layer that gives the logits: `train.prior_bias` sets its bias."""
        ...

    def __call__(self, features: Float[Array, "batch features"]) -> Float[Array, "batch labels"]:
        """Logits in float32, each row from its own film's features alone."""
        ...


@runtime_checkable
class Measured(Protocol):
    """What a head offers besides if training may see it through shots: by the step's key, where `shots` is not None."""

    shots: object | None

    def from_shots(self, features: Float[Array, "batch features"], key: PRNGKeyArray) -> Float[Array, "batch labels"]:
        """Logits as `__call__` gives them, but for the shots' noise in values and gradients."""
        ...


HEAD = (
    "a head is an nnx.Module with __call__(features) that gives float32 logits, one a label; a property `last`, the "
    f"Linear that gives them; and float32 nnx.Params (or Fixed, which never train) in {', '.join(PARTS)} only; "
    "see Head in qcxr/models/contracts.py"
)


def check_head(name: str, head: object, *, n_features: int, n_labels: int) -> Head:
    """`head` itself, if it keeps the contract; else an InputError that says what is wrong and what a head must offer.

    It is called on shapes only: nothing is computed.
    """
    if wrong := _unlike_a_head(head, n_labels):
        raise InputError(f"head {name!r} {wrong}; {HEAD}")
    assert isinstance(head, Head)  # said to mypy
    logits = jax.eval_shape(head, jax.ShapeDtypeStruct((2, n_features), jnp.float32))
    if getattr(logits, "shape", None) != (2, n_labels) or logits.dtype != jnp.float32:
        found = f"{logits.dtype} {logits.shape}" if hasattr(logits, "shape") else type(logits).__name__
        raise InputError(f"head {name!r} gives {found} for 2 films and {n_labels} labels; {HEAD}")
    return head


def _unlike_a_head(head: object, n_labels: int) -> str | None:
    """What can be seen without calling it."""
    if not isinstance(head, nnx.Module):
        return f"is no nnx.Module, got {type(head).__name__}"
    if not isinstance(head, Head):
        return f"has no {' and no '.join(name for name in ('__call__', 'last') if not hasattr(head, name))}"
    if not isinstance(head.last, Linear) or head.last.bias.shape != (n_labels,):
        return f"has a last layer that is no Linear of {n_labels} labels, got {_said(head.last)}"
    for path, variable in nnx.to_flat_state(nnx.state(head)):
        place = ".".join(map(str, path))
        if not isinstance(variable, nnx.Param | Fixed) or variable.dtype != jnp.float32:
            return f"has an array {place} that is no float32 nnx.Param, got {_said(variable)}"
        if path[0] not in PARTS:
            return f"has a parameter {place} outside of its parts"
    return None


def _said(value: object) -> str:
    """A value by its type, and what it holds."""
    held = value.bias if isinstance(value, Linear) else value
    about = f" of {held.dtype} {held.shape}" if isinstance(held, nnx.Variable) else ""
    return f"{type(value).__name__}{about}"
