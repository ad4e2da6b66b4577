"""The exact chain: environments along the qubits instead of a state vector, linear in their number.

For gates between neighbours (ring or open chain) each expectation value is a product of one column per qubit
(`sites`), summed over a bond of 4 values per layer; `structure` finds the few entries that count and `environments`
multiplies them. Noise changes the columns only.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.environments import sweep
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.simulator import Simulator
from qcxr.circuits.sites import Entries, columns, tables
from qcxr.circuits.structure import plan as make_plan
from qcxr.errors import InputError

MAX_LAYERS = 5
Turn = Float[Array, "sites 4 4"] | Float[Array, "sites 4 4 batch"]  # a rotation of every site, of every sample or one


def build(ansatz: Ansatz) -> Simulator:
    """Raises InputError for gates that are not a chain."""
    if ansatz.pattern == "all_to_all":
        raise InputError(
            "engine 'chain' takes pattern ring, chain or none, got 'all_to_all'; "
            "use engine 'statevector' or, with noise, 'pennylane'"
        )
    if ansatz.permutation_seed is not None and ansatz.pairs:
        raise InputError(
            f"engine 'chain' takes gates between neighbours, got permutation_seed {ansatz.permutation_seed}; "
            "use engine 'statevector' or, with noise, 'pennylane'"
        )
    if ansatz.n_layers > MAX_LAYERS and ansatz.pairs:
        raise InputError(
            f"engine 'chain' takes at most {MAX_LAYERS} layers (its environments grow as 16^layers), "
            f"got {ansatz.n_layers}; use engine 'statevector'"
        )
    return lambda weights, angles, noise: _expectations(ansatz, weights, angles, noise)


def _expectations(
    ansatz: Ansatz, weights: Float[Array, "layers qubits"], angles: Float[Array, "batch qubits"], noise: Noise
) -> Float[Array, "batch qubits"]:
    dtype = angles.dtype
    clean = noise.is_unitary
    after_one = np.eye(4, dtype=dtype) if clean else noise.one_qubit.matrix(dtype)
    after_two = np.eye(4, dtype=dtype) if clean else noise.two_qubit.matrix(dtype)
    turns, start = _wires(ansatz, weights, angles, after_one)
    if ansatz.n_qubits == 1 or ansatz.pattern == "none":
        return _separate(turns, start)
    plan = make_plan(ansatz, damps(noise.one_qubit), damps(noise.two_qubit))
    table = tables(ansatz, after_two, np if clean else jnp)

    def column(
        place: Float[Array | np.ndarray, "left right 4 4"], entries: Entries, sites: slice
    ) -> Float[Array, "sites entries batch"]:
        return columns(place, entries, [t[sites] for t in turns], start[sites])

    first = column(table.first, plan.first, slice(0, 1))[0]
    inner = column(table.inner, plan.inner, slice(1, -1))
    last = column(table.last, plan.last, slice(-1, None))[0]
    cut = plan.left + 1
    z = sweep(plan, first[:cut], first[cut:], inner, last[:cut], last[cut:])
    return z.T


def _wires(
    ansatz: Ansatz,
    weights: Float[Array, "layers qubits"],
    angles: Float[Array, "batch qubits"],
    channel: Float[Array | np.ndarray, "4 4"],
) -> tuple[list[Turn], Float[Array, "qubits 4 batch"]]:
    """Rotations of layers 1 .. L - 1, and every wire's coefficients after layer 0's."""
    rotate = channel @ pauli.rotation(ansatz.rotation, weights)  # (L, n, 4, 4)
    encode = channel @ pauli.rotation(ansatz.encoding, angles)  # (B, n, 4, 4)
    plus = channel @ jnp.asarray(pauli.PLUS, angles.dtype)
    start = jnp.einsum("nij,bnj->nib", rotate[0], encode @ plus)
    if not ansatz.reupload:
        return list(rotate[1:]), start
    return [jnp.einsum("nij,bnjk->nikb", r, encode) for r in rotate[1:]], start


def _separate(turns: list[Turn], start: Float[Array, "qubits 4 batch"]) -> Float[Array, "batch qubits"]:
    """Qubits that never meet: one Bloch vector each."""
    for turn in turns:
        start = jnp.einsum("nijb,njb->nib" if turn.ndim == 4 else "nij,njb->nib", turn, start)
    return start[:, pauli.Z].T
