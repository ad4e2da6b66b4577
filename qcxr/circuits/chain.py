"""The exact chain: environments along the qubits instead of a state vector, linear in their number.

For gates between neighbours (ring or open chain) each expectation value is a product of one column per qubit
(`sites`), summed over a bond of 4 values per layer; `structure` finds the few entries that count and `environments`
multiplies them. Noise changes the columns only.
"""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.environments import sweep
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.sites import columns, tables
from qcxr.circuits.structure import plan as make_plan
from qcxr.errors import InputError

MAX_LAYERS = 5


def build(ansatz: Ansatz) -> Callable:
    """`(weights (L, n), angles (B, n), noise) -> (B, n)`. Raises InputError for gates that are not a chain."""
    if ansatz.pattern == "all_to_all":
        raise InputError(
            "engine 'chain' takes pattern ring, chain or none, got 'all_to_all'; "
            "use engine 'statevector' or, with noise, 'pennylane'"
        )
    if ansatz.n_layers > MAX_LAYERS and ansatz.pairs:
        raise InputError(
            f"engine 'chain' takes at most {MAX_LAYERS} layers (its environments grow as 16^layers), "
            f"got {ansatz.n_layers}; use engine 'statevector'"
        )
    return lambda weights, angles, noise: _expectations(ansatz, weights, angles, noise)


def _expectations(ansatz, weights, angles, noise: Noise):
    dtype = angles.dtype
    clean = noise.is_unitary
    after_one = np.eye(4, dtype=dtype) if clean else noise.one_qubit.matrix(dtype)
    after_two = np.eye(4, dtype=dtype) if clean else noise.two_qubit.matrix(dtype)
    turns, start = _wires(ansatz, weights, angles, after_one)
    if ansatz.n_qubits == 1 or ansatz.pattern == "none":
        return _separate(turns, start)
    plan = make_plan(ansatz, damps(noise.one_qubit), damps(noise.two_qubit))
    table = tables(ansatz, after_two, np if clean else jnp)

    def column(place, entries, sites):
        return columns(place, entries, [t[sites] for t in turns], start[sites])

    first = column(table.first, plan.first, slice(0, 1))[0]
    inner = column(table.inner, plan.inner, slice(1, -1))
    last = column(table.last, plan.last, slice(-1, None))[0]
    cut = plan.left + 1
    z = sweep(plan, first[:cut], first[cut:], inner, last[:cut], last[cut:])
    return z.T


def _wires(ansatz, weights, angles, channel):
    """Rotations of layers 1 .. L - 1, (n, 4, 4) or (n, 4, 4, B), and coefficients after layer 0's, (n, 4, B)."""
    rotate = channel @ pauli.rotation(ansatz.rotation, weights)  # (L, n, 4, 4)
    encode = channel @ pauli.rotation(ansatz.encoding, angles)  # (B, n, 4, 4)
    plus = channel @ jnp.asarray(pauli.PLUS, angles.dtype)
    start = jnp.einsum("nij,bnj->nib", rotate[0], encode @ plus)
    if not ansatz.reupload:
        return list(rotate[1:]), start
    return [jnp.einsum("nij,bnjk->nikb", r, encode) for r in rotate[1:]], start


def _separate(turns, start):
    """Qubits that never meet: one Bloch vector each."""
    for turn in turns:
        start = jnp.einsum("nijb,njb->nib" if turn.ndim == 4 else "nij,njb->nib", turn, start)
    return start[:, pauli.Z].T
