"""`product`, the dressed head that never entangles: what rotations do alone."""

import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from qcxr.models.contracts import Head
from qcxr.models.heads.dressed import Core, DressedHead, rotations


def product(n_features: int, n_labels: int, *, key: PRNGKeyArray, layers: int = 3, init: str = "uniform") -> Head:
    """The dressed head with the ring of CNOTs left out: qubits stay a product state, <Z_i> in closed form."""
    core = Core(product_state, rotations(init, layers, n_labels))
    return DressedHead(n_features, n_labels, key=key, core=core)


def product_state(
    weights: Float[Array, "layers qubits"], angles: Float[Array, "*batch qubits"]
) -> Float[Array, "*batch qubits"]:
    """<Z_i> of H, RY(x_i), RY(w_1i), ..., RY(w_Li) on |0>: -sin(x_i + sum_l w_li), angles in radians."""
    return -jnp.sin(angles + weights.sum(0))
