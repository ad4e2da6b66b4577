"""The exact chain: environments along the qubits instead of a state vector, linear in their number.

For gates between neighbours (ring or open chain) each expectation value is a product of one column per qubit
(`sites`), summed over a bond of 4 values per layer; `structure` finds the few entries that count and `environments`
multiplies them. Noise changes the columns only.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Inexact

from qcxr.circuits import pauli
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.contract import contract
from qcxr.circuits.forms import sweep
from qcxr.circuits.noise import Noise, damps
from qcxr.circuits.simulator import Simulator
from qcxr.circuits.sites import Entries, Matrix, Parts, Rotations, Turn, columns, tables
from qcxr.circuits.structure import plan as make_plan


def build(ansatz: Ansatz, *, form: str = "scan") -> Simulator:
    """Of a circuit that `cost.check` and `forms.check` let pass."""
    return lambda weights, angles, noise: expectations(ansatz, weights, angles, noise, form=form)


def expectations(
    ansatz: Ansatz,
    weights: Float[Array, "layers qubits"],
    angles: Float[Array, "batch qubits"],
    noise: Noise,
    scale: Inexact[Array, ""] | Inexact[Array, " batch"] | None = None,
    *,
    form: str = "scan",
) -> Inexact[Array, "batch qubits"]:
    """<Z_i> of every qubit; weights and angles in radians, of one dtype.

    scale: what the Bloch vector of every encoded qubit (its coefficients of X, Y and Z, after the encoding and before
    the first trained rotation) is multiplied by, one number or one per sample, real or complex. A Pauli string of
    weight m on the encoded qubits then counts scale^m times. A complex scale gives complex values. form: of `forms`.
    """
    dtype = angles.dtype
    clean = noise.is_unitary
    eye = np.eye(4, dtype=dtype)
    after_one = eye if clean else noise.one_qubit.matrix(dtype)
    after_two = eye if clean else noise.two_qubit.matrix(dtype)
    rotate, encode = (_parts(name, after_one) for name in (ansatz.rotation, ansatz.encoding))
    start = _start(rotate, encode, after_one, weights[0], angles, scale)
    rotations = Rotations(rotate, weights[1:], encode if ansatz.reupload else None, angles)
    if ansatz.n_qubits == 1 or ansatz.pattern == "none":
        return _separate(rotations.each(), start)
    plan = make_plan(ansatz, damps(noise.one_qubit), damps(noise.two_qubit))
    table = tables(ansatz, after_two)

    def column(
        place: Float[Array, "left right 4 4"] | Float[np.ndarray, "left right 4 4"], entries: Entries, sites: slice
    ) -> Inexact[Array, "sites entries batch"]:
        return columns(place, entries, rotations.at(sites), start[sites], plan.start)

    first = column(table.first, plan.first, slice(0, 1))[0]
    inner = column(table.inner, plan.inner, slice(1, -1))
    last = column(table.last, plan.last, slice(-1, None))[0]
    cut = plan.left + 1
    z = sweep(form)(plan, first[:cut], first[cut:], inner, last[:cut], last[cut:])
    return z.T


def _parts(name: str, channel: Matrix) -> Float[Array, "3 4 4"] | Float[np.ndarray, "3 4 4"]:
    """The parts of a rotation and the noise after it that go with 1, cos t and sin t."""
    return contract("pq,gqr->gpr", channel, pauli.rotation_parts(name).astype(channel.dtype))


def _start(
    rotate: Parts,
    encode: Parts,
    channel: Matrix,
    weights: Float[Array, " qubits"],
    angles: Float[Array, "batch qubits"],
    scale: Inexact[Array, ""] | Inexact[Array, " batch"] | None,
) -> Inexact[Array, "qubits 4 batch"]:
    """Every wire's coefficients after layer 0's rotation."""
    plus = contract("gpq,qr,r->gp", encode, channel, pauli.PLUS.astype(angles.dtype))
    start = contract("gp,gbn->npb", plus, pauli.waves(angles))
    if scale is not None:
        start = jnp.concatenate([start[:, :1].astype(jnp.result_type(start, scale)), scale * start[:, 1:]], 1)
    return contract("nqp,npb->nqb", contract("gqp,gn->nqp", rotate, pauli.waves(weights)), start)


def _separate(turns: list[Turn], start: Inexact[Array, "qubits 4 batch"]) -> Inexact[Array, "batch qubits"]:
    """Qubits that never meet: one Bloch vector each."""
    for turn in turns:
        start = contract("nijb,njb->nib" if turn.ndim == 4 else "nij,njb->nib", turn, start)
    return start[:, pauli.Z].T
