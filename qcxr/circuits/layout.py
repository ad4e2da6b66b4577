"""Where the amplitudes of a few samples lie in memory, so that every rotation is one plain matrix product.

Qubits come in groups g0 ... gm of consecutive ones, with one axis of 2^k amplitudes each; the rotations of a whole
group are one (2^k, 2^k) matrix. The axes are g0, ..., g(m-1), samples, gm. So the first and the last group, and with
up to 12 qubits these are all, meet their matrices in one large product each, without a transpose; a group between
them takes one small product for each value of the groups before it, wide enough because the samples lie behind it.
"""

import functools
import itertools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import DTypeLike
from jaxtyping import Float, Inexact

State = Inexact[Array, " flat"]  # amplitudes of all samples, axes as above
Matrix = Inexact[Array, "_out _in"]  # sides differ from group to group
Values = Float[Array, "samples qubits"]

# Largest groups: sides of 64 pay in the large products of the first and the last group, not in the small ones between
_OF_TWO, _OF_MORE = 6, 5
_EXACT = jax.lax.Precision.HIGHEST


class Layout(NamedTuple):
    """sizes: qubits of each group. samples: states in one array."""

    sizes: tuple[int, ...]
    samples: int

    @classmethod
    def of(cls, n_qubits: int, samples: int) -> "Layout":
        """Groups of nearly the same size, as few as are fast."""
        count = math.ceil(n_qubits / (_OF_TWO if n_qubits <= 2 * _OF_TWO else _OF_MORE))
        edges = [n_qubits * i // count for i in range(count + 1)]
        return cls(tuple(b - a for a, b in itertools.pairwise(edges)), samples)

    @property
    def n_qubits(self) -> int:
        """Of all groups."""
        return sum(self.sizes)

    @property
    def groups(self) -> list[range]:
        """The qubits of each group."""
        return [range(b - k, b) for k, b in zip(self.sizes, itertools.accumulate(self.sizes), strict=True)]


def rotate(state: State, matrices: list[Matrix]) -> State:
    """One layer's rotations, a matrix for each group."""
    matrices = [matrix.astype(state.dtype) for matrix in matrices]
    for axes, matrix in zip(_axes(matrices), matrices, strict=True):
        state = _turn(matrix, state.reshape(axes)).reshape(-1)
    return state


def unrotate(state: State, cotangent: State, matrices: list[Matrix]) -> tuple[State, State, list[Matrix]]:
    """Undoes `rotate` on the state and on its cotangent; also the cotangents of the matrices.

    JAX's cotangents of complex arrays are not conjugated: they go back by the transpose, the state by the adjoint.
    A matrix's cotangent is the product of its output's cotangent with its input, summed over everything else; real
    where the matrix is, also in a complex state (RY after RX or RZ).
    """
    grads = []
    for axes, matrix in zip(_axes(matrices), matrices, strict=True):
        back = matrix.astype(state.dtype).T
        state = _turn(back.conj(), state.reshape(axes))
        grad = _pair(cotangent.reshape(axes), state)
        grads.append(grad if jnp.iscomplexobj(matrix) else grad.real)
        cotangent = _turn(back, cotangent.reshape(axes))
    return state.reshape(-1), cotangent.reshape(-1), grads


def _axes(matrices: list[Matrix]) -> list[tuple[int, int, int]]:
    """For each group: what lies before it, itself, what lies behind (the samples are behind all but the last)."""
    before, axes = 1, []
    for matrix in matrices[:-1]:
        axes.append((before, len(matrix), -1))
        before *= len(matrix)
    return [*axes, (-1, len(matrices[-1]), 1)]


def _turn(matrix: Matrix, state: Inexact[Array, "before in_ behind"]) -> Inexact[Array, "before out_ behind"]:
    """The matrix on the middle axis, as the kind of product that needs no transpose."""
    before, side, behind = state.shape
    if behind == 1:
        return _dot(state.reshape(before, side), matrix, (1, 1))[..., None]
    if before == 1:
        return _dot(matrix, state.reshape(side, behind), (1, 0))[None]
    return jnp.matmul(jnp.broadcast_to(matrix, (before, side, side)), state, precision=_EXACT)


def _pair(
    cotangent: Inexact[Array, "before out_ behind"], state: Inexact[Array, "before in_ behind"]
) -> Inexact[Array, "out_ in_"]:
    """Their products over all axes but the middle one."""
    before, side, behind = state.shape
    if behind == 1:
        return _dot(cotangent.reshape(before, side), state.reshape(before, side), (0, 0))
    if before == 1:
        return _dot(cotangent.reshape(side, behind), state.reshape(side, behind), (1, 1))
    return jnp.matmul(cotangent, jnp.swapaxes(state, 1, 2), precision=_EXACT).sum(0)


def _dot(a: Inexact[Array, "_ _"], b: Inexact[Array, "_ _"], axes: tuple[int, int]) -> Inexact[Array, "_ _"]:
    """The product over one axis of each; the remaining axis of `a` comes first."""
    return jax.lax.dot_general(a, b, ((axes[:1], axes[1:]), ((), ())), precision=_EXACT)


def krons(layout: Layout, factors: Inexact[Array, "*batch qubits a b"]) -> list[Inexact[Array, "*batch _out _in"]]:
    """Kronecker products of the factors of each group's qubits.

    All groups in one go, so that the program stays short: smaller groups have a 1 in front, which is cut off again.
    """
    *batch, _, a, b = factors.shape
    most = max(layout.sizes)
    one = jnp.broadcast_to(jnp.eye(a, b, dtype=factors.dtype), (*batch, 1, a, b))
    qubits = np.stack([np.r_[[-1] * (most - len(group)), group] for group in layout.groups]).astype(int)
    factors = jnp.concatenate([factors, one], -3)[..., qubits, :, :]  # (*batch, groups, most, a, b)
    whole = factors[..., 0, :, :]
    for i in range(1, most):
        whole = whole[..., :, None, :, None] * factors[..., i, None, :, None, :]
        whole = whole.reshape(*batch, len(qubits), a ** (i + 1), b ** (i + 1))
    return [whole[..., i, : a**size, : b**size] for i, size in enumerate(layout.sizes)]


def product(layout: Layout, wires: Inexact[Array, "samples qubits 2"]) -> State:
    """The product of the qubits' states."""
    *others, last = [vector[..., 0] for vector in krons(layout, wires[..., None])]
    before = functools.reduce(_outer, others, jnp.ones((len(wires), 1), wires.dtype))
    return (before.T[:, :, None] * last[None]).reshape(-1)


def measure(layout: Layout, state: State) -> Values:
    """<Z> of every qubit."""
    p = jnp.square(state.real) + jnp.square(state.imag) if jnp.iscomplexobj(state) else jnp.square(state)
    others = range(len(layout.sizes) - 1)
    p = p.reshape(-1, layout.samples, 2 ** layout.sizes[-1])
    marginal = p.sum(2).T.reshape(layout.samples, *(2 ** layout.sizes[g] for g in others))
    shares = [marginal.sum([1 + i for i in others if i != g]) for g in others] + [p.sum(0)]
    signs = [_signs(k, p.dtype) for k in layout.sizes]
    return jnp.concatenate([_dot(share, sign, (1, 0)) for share, sign in zip(shares, signs, strict=True)], -1)


def diagonal(layout: Layout, g: Values) -> Float[Array, " flat"]:
    """sum_i g_i Z_i in every basis state."""
    parts = [_dot(g[:, q.start : q.stop], _signs(len(q), g.dtype), (1, 1)) for q in layout.groups]
    zero = jnp.zeros((layout.samples, 1), g.dtype)
    high = functools.reduce(lambda a, b: (a[:, :, None] + b[:, None]).reshape(len(a), -1), parts[:-1], zero)
    return (high.T[:, :, None] + parts[-1][None]).reshape(-1)


def _outer(a: Inexact[Array, "samples _left"], b: Inexact[Array, "samples _right"]) -> Inexact[Array, "samples _"]:
    return (a[:, :, None] * b[:, None]).reshape(len(a), -1)


def _signs(k: int, dtype: DTypeLike) -> Float[Array, "side {k}"]:
    """+1 or -1 of each qubit in each basis state of k qubits."""
    index = jnp.arange(2**k, dtype=jnp.int32)
    return jnp.stack([1 - 2 * ((index >> (k - 1 - i)) & 1) for i in range(k)], -1).astype(dtype)
