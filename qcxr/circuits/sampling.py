"""Shots: exact samples of all qubits at once, correlations included, qubit by qubit along the chain.

The probability of bits y_0 ... y_k is a left environment, the columns with each qubit's outcome put in, joined to the
right environment of what is not measured yet. Right environments are the same for all shots, so a shot draws bit k
from its conditional probability and goes on: its cost is linear in the number of qubits. Without noise on the gates
columns hold amplitudes (2^(L - 1) values per bond) and probabilities are squares; with noise they hold probabilities
(4^(L - 1) values per bond). What comes after the last rotation acts on the bits (`bits`).
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Inexact, PRNGKeyArray

from qcxr.circuits import cost
from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.bits import finish
from qcxr.circuits.contract import contract
from qcxr.circuits.engine import Engine
from qcxr.circuits.noise import Noise, Rate, present
from qcxr.circuits.outcomes import amplitudes, probabilities
from qcxr.circuits.sites import is_ring
from qcxr.errors import InputError

Column = Inexact[Array, "bond bond 2"]  # over the bonds left and right, and the qubit's outcome
Left = Inexact[Array, "shots closing bond"]
Right = Inexact[Array, "closing bond"] | Inexact[Array, "closing bond closing bond"]  # of probabilities, of amplitudes


def sample(
    engine: Engine,
    weights: Float[Array | np.ndarray, "layers qubits"],
    angles: Float[Array | np.ndarray, "*films qubits"],
    *,
    shots: int,
    key: PRNGKeyArray,
) -> Bool[Array, "*films shots qubits"]:
    """Outcomes of `shots` measurements of every film's circuit, with the engine's noise; True is 1.

    weights, angles: radians. All qubits are measured together, shots and films are independent. Exact up to the
    rounding of the conditional probabilities, 1e-6 in float32. May stand inside jit and vmap; for gradients see
    `shots.py`.
    Raises InputError for what no chain can run, and as engines do for wrong shapes.
    """
    cost.check("chain", engine.ansatz, engine.noise)
    if isinstance(shots, bool) or shots < 1:
        raise InputError(f"shots must be a whole number >= 1, got {shots!r}; set shots to some hundred")
    weights, angles = engine.check(weights, angles)
    films = angles.reshape(-1, angles.shape[-1])
    rates, tree = jax.tree.flatten(engine.noise)
    some = {i: jnp.asarray(rate) for i, rate in enumerate(rates) if present(rate)}
    bits = _sample(engine.ansatz, tree, shots, key, weights, films, some)
    return bits.reshape(*angles.shape[:-1], shots, angles.shape[-1])


@partial(jax.jit, static_argnums=(0, 1, 2))
def _sample(
    ansatz: Ansatz,
    tree: jax.tree_util.PyTreeDef,
    shots: int,
    key: PRNGKeyArray,
    weights: Float[Array, "layers qubits"],
    films: Float[Array, "films qubits"],
    rates: dict[int, Rate],
) -> Bool[Array, "films shots qubits"]:
    """rates: those of `tree`, a Noise, that are not plainly zero: what is absent is left out of the program."""
    noise: Noise = jax.tree.unflatten(tree, [rates.get(i, 0.0) for i in range(tree.num_leaves)])
    pure = noise.is_unitary
    columns = amplitudes(ansatz, weights, films) if pure else probabilities(ansatz, weights, films, noise)

    def film(key: PRNGKeyArray, columns: Inexact[Array, "qubits bond bond 2"]) -> Bool[Array, "shots qubits"]:
        first, second = jax.random.split(key)
        uniforms = jax.random.uniform(first, (ansatz.n_qubits, shots), films.dtype)
        return finish(second, _draw(columns, uniforms, is_ring(ansatz), pure), ansatz, noise).T

    return jax.vmap(film)(jax.random.split(key, len(films)), columns)


def _draw(
    columns: Inexact[Array, "qubits bond bond 2"], uniforms: Float[Array, "qubits shots"], ring: bool, pure: bool
) -> Bool[Array, "qubits shots"]:
    """Outcomes after the last rotation."""
    size = columns.shape[1]
    # outside of the first and of the last wire: the closing gates' bond on a ring, else nothing
    edge = jnp.eye(size, dtype=columns.dtype)[: size if ring else 1]

    def step_right(right: Right, column: Column) -> tuple[Right, Right]:
        if pure:
            half = contract("lry,crds->cydls", column, right)
            left = contract("cydls,msy->cldm", half, column.conj())
        else:
            left = contract("lry,cr->cl", column, right)
        return left / jnp.abs(left).max(), right  # only ratios of probabilities count

    def step_left(left: Left, site: tuple[Column, Right, Float[Array, " shots"]]) -> tuple[Left, Bool[Array, " shots"]]:
        column, right, uniform = site
        both = contract("scl,lry->yscr", left, column)
        if pure:
            joined = contract("yscr,crdq->ysdq", both, right)
            chances = (joined * both.conj()).real.sum((-1, -2))
        else:
            chances = contract("yscr,cr->ys", both, right)
        chances = jnp.maximum(chances, 0)  # rounding may take an impossible outcome below
        bit = uniform * chances.sum(0) < chances[1]
        chance = jnp.maximum(jnp.where(bit, chances[1], chances[0]), jnp.finfo(chances.dtype).tiny)
        left = jnp.where(bit[:, None, None], both[1], both[0])
        return left / (jnp.sqrt(chance) if pure else chance)[:, None, None], bit

    outside = contract("cr,ds->crds", edge, edge) if pure else edge
    _, rights = jax.lax.scan(step_right, outside, columns, reverse=True)
    start = jnp.broadcast_to(edge, (uniforms.shape[1], *edge.shape))
    return jax.lax.scan(step_left, start, (columns, rights, uniforms))[1]
