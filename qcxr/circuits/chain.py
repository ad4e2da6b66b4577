"""The exact chain: environments along the qubits instead of a state vector."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from qcxr.circuits import statevector
from qcxr.circuits.ansatz import Ansatz
from qcxr.errors import InputError

XOR = np.zeros((2, 2, 2), np.float32)  # XOR[out, a, b] = [out == a ^ b]
for _a in range(2):
    for _b in range(2):
        XOR[_a ^ _b, _a, _b] = 1


def build(ansatz: Ansatz) -> Callable:
    """`(weights (L, n), angles (B, n)) -> (B, n)`."""
    if ansatz != Ansatz(ansatz.n_qubits, ansatz.n_layers):
        raise InputError(f"chain takes the paper's circuit only for now, got {ansatz}; use engine 'pennylane'")
    if ansatz.n_qubits < 3:
        return statevector.build(ansatz)
    return jax.vmap(_closed_form if ansatz.n_layers == 1 else _expectations, in_axes=(None, 0))


def _closed_form(w, x):
    z = -jnp.sin(x + w[0])
    return jnp.concatenate([jnp.prod(z[1:])[None], jnp.cumprod(z)[1:]])


def _ry(theta):
    c, s = jnp.cos(theta / 2), jnp.sin(theta / 2)
    return jnp.stack([jnp.stack([c, -s], -1), jnp.stack([s, c], -1)], -2)


def _interior(a, rotations):
    eye, xor = jnp.eye(2, dtype=a.dtype), jnp.asarray(XOR, a.dtype)
    t = jnp.einsum("b,blr,ry->lry", a, xor, eye)
    for r in rotations[:-1]:
        g = jnp.einsum("by,blr,rz->ylrz", r, xor, eye)
        t = jnp.einsum("LRy,ylrz->LlRrz", t, g).reshape(t.shape[0] * 2, t.shape[1] * 2, 2)
    return jnp.einsum("LRy,zy->zLR", t, rotations[-1])


def _first(a, rotations):
    xor = jnp.asarray(XOR, a.dtype)
    t = jnp.einsum("r,yrt->try", a, xor)
    for r in rotations[:-1]:
        g = jnp.einsum("ry,zrt->ytrz", r, xor)
        t = jnp.einsum("TRy,ytrz->TtRrz", t, g).reshape(t.shape[0] * 2, t.shape[1] * 2, 2)
    return jnp.einsum("TRy,zy->zTR", t, rotations[-1])


def _expectations(w, x):
    n_layers = w.shape[0]
    theta = x + w[0]
    a = jnp.stack([jnp.cos(theta / 2 + jnp.pi / 4), jnp.sin(theta / 2 + jnp.pi / 4)], -1)
    rots = [_ry(w[layer]) for layer in range(1, n_layers)]
    f = _first(a[0], [r[0] for r in rots])
    sites = jax.vmap(lambda ak, *rk: _interior(ak, list(rk)))(a[1:], *[r[1:] for r in rots])
    d = 2 ** (n_layers - 1)
    z = jnp.array([1.0, -1.0], a.dtype)
    eye = jnp.eye(d, dtype=a.dtype)
    env = jnp.stack([jnp.einsum("z,ztr,zus->turs", z, f, f), jnp.einsum("ztr,zus->turs", f, f)])

    def forward(e, t):  # Z on every site so far; e[0] had Z on site 0, e[1] the identity
        e = jnp.einsum("z,qturs,zra,zsb->qtuab", z, e, t, t)
        return e, e[0]

    def backward(e, t):
        return jnp.einsum("tuab,zra,zsb->turs", e, t, t), e

    close = jnp.einsum("tr,us->turs", eye, eye)  # the last bond is the closing bit
    last, left = jax.lax.scan(forward, env, sites)
    _, right = jax.lax.scan(backward, close, sites, reverse=True)  # right[k]: environment to the right of site k + 1
    return jnp.concatenate([jnp.sum(last[1] * close)[None], jnp.einsum("kturs,kturs->k", left, right)])
