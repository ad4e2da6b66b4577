"""Where the amplitudes of a few samples lie in memory, so that every rotation is one plain matrix product.

Qubits come in groups g0 ... gm of consecutive ones, with one axis of 2^k amplitudes each; the rotations of a whole
group are one (2^k, 2^k) matrix. A matrix product runs at full speed on the first or on the last axis only, so the
axes are

    home, before a layer's rotations   g0, g1, ..., g(m-1), samples, gm     (qubits in their own order)
    away, after them                   g(m-1), samples, gm, g0, ..., g(m-2)

for a rotation turns the last group where it lies, then brings g0, g1, ... to the end of the array as it turns each
(the product writes its result transposed, which costs no pass of its own), then turns g(m-1), which lies first by
then. Entanglers read the amplitudes in a new order anyway, so their read also leads from `away` to `home`.
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

State = Inexact[Array, " flat"]  # amplitudes of all samples, in one of the two arrangements
Matrix = Inexact[Array, "_out _in"]  # sides differ from group to group
Values = Float[Array, "samples qubits"]

# Largest groups: two groups need no transpose, so sides of 64 pay; from three on sides of 32 are faster (measured).
_OF_TWO, _OF_MORE = 6, 5


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

    @property
    def home(self) -> tuple[list[int], list[int]]:
        """The groups before the axis of samples, and those behind it."""
        m = len(self.sizes) - 1
        return list(range(m)), [m]

    @property
    def away(self) -> tuple[list[int], list[int]]:
        """As `home`, after a layer's rotations."""
        m = len(self.sizes) - 1
        return ([m - 1] if m else []), [m, *range(m - 1)]


def rotate(state: State, matrices: list[Matrix]) -> State:
    """One layer's rotations, a matrix for each group: from home to away."""
    *others, last = [matrix.astype(state.dtype) for matrix in matrices]
    state = _dot(state.reshape(-1, len(last)), last, (1, 1))
    for matrix in others[:-1]:
        state = _dot(state.reshape(len(matrix), -1), matrix, (0, 1))
    for matrix in others[-1:]:
        state = _dot(matrix, state.reshape(len(matrix), -1), (1, 0))
    return state.reshape(-1)


def unrotate(state: State, cotangent: State, matrices: list[Matrix]) -> tuple[State, State, list[Matrix]]:
    """Undoes `rotate` on the state and on its cotangent; also the cotangents of the matrices.

    JAX's cotangents of complex arrays are not conjugated: they go back by the transpose, the state by the adjoint.
    A matrix's cotangent is the product of its output's cotangent with its input, summed over everything else.
    """
    *others, last = matrices
    grads: list[Matrix] = []
    for number, matrix in enumerate(reversed(others)):
        back, shape, axis = matrix.astype(state.dtype), (len(matrix), -1), 0
        if number:  # its axis was brought to the end
            shape, axis = (-1, len(matrix)), 1
        state = _dot(back.conj(), state.reshape(shape), (0, axis))
        grads.insert(0, _dot(cotangent.reshape(shape), state, (1 - axis, 1)))
        cotangent = _dot(back, cotangent.reshape(shape), (0, axis))
    back = last.astype(state.dtype)
    state = _dot(state.reshape(-1, len(last)), back.conj(), (1, 0))
    cotangent = cotangent.reshape(-1, len(last))
    grads.append(_dot(cotangent, state, (0, 0)))
    cotangent = _dot(cotangent, back, (1, 0))
    # real where the matrix is, also in a complex state (RY after RX or RZ)
    grads = [g if jnp.iscomplexobj(m) else g.real for g, m in zip(grads, matrices, strict=True)]
    return state.reshape(-1), cotangent.reshape(-1), grads


def _dot(a: Inexact[Array, "_ _"], b: Inexact[Array, "_ _"], axes: tuple[int, int]) -> Inexact[Array, "_ _"]:
    """The product over one axis of each; the remaining axis of `a` comes first."""
    return jax.lax.dot_general(a, b, ((axes[:1], axes[1:]), ((), ())), precision=jax.lax.Precision.HIGHEST)


def _outer(a: Inexact[Array, "samples _left"], b: Inexact[Array, "samples _right"]) -> Inexact[Array, "samples _"]:
    return (a[:, :, None] * b[:, None]).reshape(len(a), -1)


def _signs(k: int, dtype: DTypeLike) -> Float[Array, "side {k}"]:
    """+1 or -1 of each qubit in each basis state of k qubits."""
    index = jnp.arange(2**k, dtype=jnp.int32)
    return jnp.stack([1 - 2 * ((index >> (k - 1 - i)) & 1) for i in range(k)], -1).astype(dtype)


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
    """The product of the qubits' states, away."""
    vectors = [vector[..., 0] for vector in krons(layout, wires[..., None])]
    one = jnp.ones((len(wires), 1), wires.dtype)
    before, behind = (functools.reduce(_outer, [vectors[g] for g in part], one) for part in layout.away)
    return (before.T[:, :, None] * behind[None]).reshape(-1)


def measure(layout: Layout, state: State) -> Values:
    """<Z> of every qubit; the state is at home."""
    p = jnp.square(state.real) + jnp.square(state.imag) if jnp.iscomplexobj(state) else jnp.square(state)
    before, _ = layout.home
    p = p.reshape(-1, layout.samples, 2 ** layout.sizes[-1])
    marginal = p.sum(2).T.reshape(layout.samples, *(2 ** layout.sizes[g] for g in before))
    shares = [marginal.sum([1 + other for other in before if other != g]) for g in before] + [p.sum(0)]
    signs = [_signs(k, p.dtype) for k in layout.sizes]
    return jnp.concatenate([_dot(share, sign, (1, 0)) for share, sign in zip(shares, signs, strict=True)], -1)


def diagonal(layout: Layout, g: Values) -> Float[Array, " flat"]:
    """sum_i g_i Z_i in every basis state, at home."""
    parts = [_dot(g[:, q.start : q.stop], _signs(len(q), g.dtype), (1, 1)) for q in layout.groups]
    zero = jnp.zeros((layout.samples, 1), g.dtype)
    high = functools.reduce(lambda a, b: (a[:, :, None] + b[:, None]).reshape(len(a), -1), parts[:-1], zero)
    return (high.T[:, :, None] + parts[-1][None]).reshape(-1)
