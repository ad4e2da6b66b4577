"""How the parameters of a traced circuit come from its weights and angles: some are one of them, others computed.

A parameter that is an element of the weights or the angles, however it was indexed, is looked up: what XLA compiles is
then one gather, where hundreds of slices took it longer than the circuit. All others run the function's own arithmetic.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.extend.core import ClosedJaxpr, Literal, Var, jaxpr_as_fun
from jaxtyping import Float, Int

Tags = Int[np.ndarray, "..."]  # of each element of an array, its place among all weights and angles
# what moves elements about and changes none
_MOVES: dict[str, Callable[[list[Any], Mapping[str, Any]], Tags]] = {
    "slice": lambda x, p: x[0][
        tuple(map(slice, p["start_indices"], p["limit_indices"], p["strides"] or x[0].ndim * [1]))
    ],
    "squeeze": lambda x, p: np.squeeze(x[0], p["dimensions"]),
    "reshape": lambda x, p: x[0].reshape(p["new_sizes"]),
    "transpose": lambda x, p: np.transpose(x[0], p["permutation"]),
    "concatenate": lambda x, p: np.concatenate(x, p["dimension"]),
    "rev": lambda x, p: np.flip(x[0], p["dimensions"]),
}


class Source(NamedTuple):
    """Of one parameter: whether it differs from sample to sample; its place among weights and angles, if it is one."""

    own: bool
    place: int | None


class Feeds(NamedTuple):
    """Some of the parameters of `jaxpr`: those at these places of weights and angles first, then computed ones."""

    jaxpr: ClosedJaxpr
    places: tuple[int, ...]
    computed: tuple[int, ...]

    def __call__(self, weights: Float[Array, "*shape"], angles: Float[Array, " angles"]) -> Float[Array, " parameters"]:
        """Their values for one sample."""
        every = jnp.concatenate([weights.reshape(-1), angles])
        looked_up = every[np.array(self.places, np.int32)]
        if not self.computed:
            return looked_up
        out = jaxpr_as_fun(self.jaxpr)(weights, angles)
        return jnp.concatenate([looked_up, jnp.stack([out[i].astype(every.dtype) for i in self.computed])])

    def names(self, shape: tuple[int, ...], computed: str) -> list[str]:
        """What to call them: w0,1 for weights[0, 1], x2 for angles[2], `computed` for what is neither."""
        size = math.prod(shape)
        indices = [np.unravel_index(place, shape) if place < size else (place - size,) for place in self.places]
        letters = ["w" if place < size else "x" for place in self.places]
        named = [letter + ",".join(map(str, index)) for letter, index in zip(letters, indices, strict=True)]
        return named + [computed] * len(self.computed)


def traced(
    parameters: Callable[..., Sequence[Array]], shape: tuple[int, ...], n_angles: int, dtype: str
) -> ClosedJaxpr:
    """The scalars that a function makes of (weights, angles), as a program of JAX."""
    return jax.make_jaxpr(parameters)(jax.ShapeDtypeStruct(shape, dtype), jax.ShapeDtypeStruct((n_angles,), dtype))


def sources(jaxpr: ClosedJaxpr) -> list[Source]:
    """Where each output of a program of (weights, angles) comes from."""
    weights, angles = jaxpr.jaxpr.invars
    own: set[Var] = {angles}
    size = int(np.prod(weights.aval.shape))
    tags: dict[Var, Tags] = {
        weights: np.arange(size).reshape(weights.aval.shape),
        angles: size + np.arange(angles.aval.shape[0]),
    }
    for equation in jaxpr.jaxpr.eqns:
        given = [v for v in equation.invars if not isinstance(v, Literal)]
        if any(v in own for v in given):
            own |= set(equation.outvars)
        move = _MOVES.get(equation.primitive.name)
        if move is not None and all(not isinstance(v, Literal) and v in tags for v in equation.invars):
            tags[equation.outvars[0]] = move([tags[v] for v in equation.invars], equation.params)
    found = []
    for v in jaxpr.jaxpr.outvars:
        if isinstance(v, Literal):
            found.append(Source(False, None))
        else:
            found.append(Source(v in own, int(tags[v].reshape(())) if v in tags else None))
    return found


def feeding(jaxpr: ClosedJaxpr, every: Sequence[Source], some: Sequence[int]) -> tuple[Feeds, dict[int, int]]:
    """The feeds of some of a program's outputs, and where each of these is among them."""
    looked_up = [i for i in some if every[i].place is not None]
    computed = [i for i in some if every[i].place is None]
    places = tuple(place for i in looked_up if (place := every[i].place) is not None)
    return Feeds(jaxpr, places, tuple(computed)), {i: k for k, i in enumerate([*looked_up, *computed])}
