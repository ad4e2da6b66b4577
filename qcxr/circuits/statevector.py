"""Real amplitudes, product-state start, the ring as one permutation of indices."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from qcxr.circuits.ansatz import Ansatz
from qcxr.errors import InputError


def build(ansatz: Ansatz) -> Callable:
    """`(weights (L, n), angles (B, n)) -> (B, n)`."""
    if not ansatz.is_real or ansatz.entangler != "CNOT":
        raise InputError(f"statevector takes RY and CNOT only for now, got {ansatz}; use engine 'pennylane'")
    n = ansatz.n_qubits
    ring = _permutation(ansatz)

    def one(weights, angles):
        t = angles + weights[0]
        psi = jnp.ones(1, t.dtype)
        for i in range(n):
            a = jnp.stack([jnp.cos(t[i] / 2 + np.pi / 4), jnp.sin(t[i] / 2 + np.pi / 4)])
            psi = (psi[:, None] * a).reshape(-1)
        for layer in range(1, ansatz.n_layers):
            psi = psi[ring]
            w = weights[layer] + (angles if ansatz.reupload else 0)
            for i in range(n):
                c, s = jnp.cos(w[i] / 2), jnp.sin(w[i] / 2)
                p = psi.reshape(2**i, 2, -1)
                psi = jnp.stack([c * p[:, 0] - s * p[:, 1], s * p[:, 0] + c * p[:, 1]], 1).reshape(-1)
        p = jnp.square(psi[ring])
        out = []
        for i in range(n):
            q = p.reshape(2**i, 2, -1)
            out.append(jnp.sum(q[:, 0]) - jnp.sum(q[:, 1]))
        return jnp.stack(out)

    return jax.vmap(one, in_axes=(None, 0))


def _permutation(ansatz):
    """source (2^n,): the entangled state is psi[source]; qubit 0 is the highest bit, as in PennyLane."""
    n = ansatz.n_qubits
    bits = [(np.arange(2**n) >> (n - 1 - i)) & 1 for i in range(n)]
    for control, target in reversed(ansatz.pairs):  # a CNOT is its own inverse: walk the output bits back
        bits[target] = bits[target] ^ bits[control]
    return sum(b << (n - 1 - i) for i, b in enumerate(bits)).astype(np.int32)
