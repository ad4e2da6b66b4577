"""A tape's expectation values, by the chain or by a dense simulation, whichever costs less."""

import functools
import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.circuits.tapes import dense, exact
from qcxr.circuits.tapes.columns import Line
from qcxr.circuits.tapes.program import program
from qcxr.circuits.tapes.tape import Tape
from qcxr.circuits.tapes.tuned import tuned
from qcxr.errors import InputError

ENGINES = ("auto", "chain", "dense")
_SLOWER = 2  # a product of the chain takes about as long as so many of a dense simulation: it moves rows about


class Cost(NamedTuple):
    """Multiply-adds of one sample's expectation values; None where an engine cannot run the tape.

    cuts: by cut between neighbours, the product of the bonds that cross it: the chain's environments hold at most so
    many numbers, usually far fewer; largest: how many the largest one does.
    """

    chain: int | None
    dense: int | None
    cuts: tuple[int, ...]
    largest: int | None

    @property
    def cheapest(self) -> str | None:
        """`chain` or `dense`, or None where neither can."""
        if self.chain is None or self.dense is None:
            return "chain" if self.chain is not None else "dense" if self.dense is not None else None
        return "chain" if self.chain * _SLOWER < self.dense else "dense"


@functools.lru_cache(maxsize=64)
def cost(tape: Tape) -> Cost:
    """What the tape costs on either engine, without running it.

    chain: for every column the triples of a row of the environment before it, one after it and an entry of its site
    tensor (`program.Program.products`); a column of too many entries takes its gates one by one instead.
    dense: for every gate 4 (two wires: 16) times the 2^n amplitudes, complex products counted as 4, or with channels
    4 (16) times the 4^n coefficients.
    """
    size = dense.numbers(tape)
    each = sum((4 if tape.is_unitary else 1) * (2 if tape.is_unitary else 4) ** len(gate.wires) for gate in tape.gates)
    cuts = tuple(Line.of(tape).bounds())
    try:
        plans = program(tape)
    except InputError:
        return Cost(None, each * size if size <= dense.MAX_NUMBERS else None, cuts, None)
    return Cost(plans.products, each * size if size <= dense.MAX_NUMBERS else None, cuts, plans.largest)


def expectations(
    tape: Tape,
    weights: Float[Array | np.ndarray, "*shape"],
    angles: Float[Array | np.ndarray, "*batch angles"],
    *,
    engine: str = "auto",
) -> Float[Array, "*batch observables"]:
    """Expectation value of each observable; weights, angles: radians, what feeds the gates.

    engine: `chain`, `dense`, or `auto` (the one that `cost` finds cheaper). A tape that is the circuit of an `Ansatz`
    (`tuned` says when) is recognised, once, and runs on the engines written for it: `chain` on their chain, `auto` on
    their chain or state vector. `dense` is always the dense simulation of the tape.
    Raises InputError for wrong shapes, and for a tape that the engine cannot run.
    """
    weights, angles = jnp.asarray(weights), jnp.asarray(angles)
    if weights.shape != tape.weights or angles.shape[-1:] != (tape.n_angles,):
        raise InputError(
            f"a tape's weights must have shape {tape.weights} and its angles (..., {tape.n_angles}), got "
            f"{weights.shape} and {angles.shape}; give what its gates are fed by"
        )
    dtype = jnp.result_type(weights, angles)
    batch = angles.shape[:-1]
    flat = angles.astype(dtype).reshape(int(np.prod(batch)), tape.n_angles)
    known = tuned(tape) if engine in ENGINES else None
    fast = None if known is None else known.engine(engine, len(flat))
    words = _words(tape, fast is not None, fast or chosen(tape, engine), weights.astype(dtype), flat)
    z = jnp.matmul(words, jnp.asarray(tape.coefficients.T, dtype), precision=jax.lax.Precision.HIGHEST)
    return z.reshape(*batch, len(tape.sums))


def chosen(tape: Tape, engine: str = "auto") -> str:
    """`chain` or `dense`. Raises InputError for another name, and where neither can run the tape."""
    if engine not in ENGINES:
        raise InputError(f"engine must be one of {', '.join(ENGINES)}, got {engine!r}; choose one of them")
    if engine != "auto":
        return engine
    costs = cost(tape)
    if costs.cheapest is None:
        most, state = math.log2(max(costs.cuts)), math.log2(dense.numbers(tape))
        raise InputError(
            f"no engine can run this circuit: the chain's environments may hold 2^{most:.0f} numbers, a dense "
            f"simulation takes 2^{state:.0f}; let fewer gates cross a cut, or take fewer qubits"
        )
    return costs.cheapest


@partial(jax.jit, static_argnums=(0, 1, 2))
def _words(
    tape: Tape, known: bool, engine: str, weights: Float[Array, "*shape"], angles: Float[Array, "batch angles"]
) -> Float[Array, "batch words"]:
    """engine: of `chosen` or, where the tape is known, of `Tuned.engine`."""
    ansatz = tuned(tape) if known else None
    if ansatz is not None:
        return ansatz.words(engine, weights, angles)
    if engine == "chain":
        return exact.words(tape, weights, angles)
    return jax.vmap(lambda row: dense.words(tape, tape.values(weights, row)))(angles)
