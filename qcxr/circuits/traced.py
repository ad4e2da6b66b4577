"""A PennyLane quantum function of weights and angles as an engine of ours: traced once into a tape.

PennyLane runs the function on JAX's tracers, so that every gate's parameter is known as a function of weights and
angles, whatever arithmetic it is made by (w * x, arccos x). Parameters that no angle reaches are computed once for a
batch, the others for every sample; `tapes.expectations` does the rest. Importing this module imports PennyLane.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
from jax import Array
from jax.extend.core import ClosedJaxpr
from jaxtyping import Float

import qcxr.circuits.pennylane  # noqa: F401  (gives JAX 0.12 the name that PennyLane asks for under jit)
from qcxr.circuits.feeds import Feeds, feeding, sources, traced
from qcxr.circuits.tapes.scripts import Read, read
from qcxr.circuits.tapes.simulate import chosen, cost, expectations
from qcxr.circuits.tapes.tape import Feed, Observable, Tape
from qcxr.errors import InputError

QuantumFunction = Callable[..., Any]
BLIND = 1e-10  # what does not move an expectation value by more, in float64, does not move it


class _Trace(NamedTuple):
    """The tape, whose weights are the parameters that all samples share and whose angles those of their own; `feeds`
    gives both."""

    tape: Tape
    jaxpr: ClosedJaxpr
    feeds: Callable[..., tuple[Float[Array, " shared"], Float[Array, "batch own"]]]
    shared: Feeds
    own: Feeds


class Traced:
    """The circuit as a pure function of weights and angles, in radians, to the expectation values that it returns.

    May stand inside jit, grad, vmap and scan; forward-mode differentiation is not supported.
    """

    def __init__(
        self, function: QuantumFunction, shape: tuple[int, ...], n_angles: int, *, engine: str = "auto"
    ) -> None:
        """function: (weights of that shape, n_angles angles) -> one qml.expval, or a list of them.

        engine: `chain`, `dense`, or `auto` (of fewer products, see `tapes.cost`). Raises InputError for what is no
        circuit of gates, channels and expectation values, for one that is not the same at every call, for one that the
        engine cannot run, and for one whose outputs ignore the weights or the angles.
        """
        self._function, self.shape, self.n_angles = function, shape, n_angles
        self._traces: dict[str, _Trace] = {}
        trace = self._trace("float32")
        again = _trace(function, shape, n_angles, "float32")
        if (trace.tape, str(trace.jaxpr)) != (again.tape, str(again.jaxpr)):
            raise InputError(
                "a quantum function must give the same circuit at every call, got two different ones; draw nothing at "
                "random in it, or from a generator with a seed"
            )
        self.tape = trace.tape
        self.cost = cost(self.tape)
        self.engine = chosen(self.tape, engine)
        if getattr(self.cost, self.engine) is None:
            raise InputError(
                f"engine {engine!r} cannot run this circuit of {self.tape.n_qubits} qubits; "
                f"use {'auto' if self.cost.cheapest else 'fewer gates across a cut, or fewer qubits'}"
            )

    def __repr__(self) -> str:
        return f"Traced({self.tape.n_qubits} qubits, {len(self.tape.gates)} gates, engine {self.engine!r})"

    def __call__(
        self, weights: Float[Array | np.ndarray, "*shape"], angles: Float[Array | np.ndarray, "*batch angles"]
    ) -> Float[Array, "*batch outputs"]:
        """Each expectation value. Raises InputError for wrong shapes."""
        weights, angles = jnp.asarray(weights), jnp.asarray(angles)
        if weights.shape != self.shape or angles.shape[-1:] != (self.n_angles,):
            raise InputError(
                f"weights must have shape {self.shape} and angles (..., {self.n_angles}), got {weights.shape} and "
                f"{angles.shape}; give what the function was traced with"
            )
        dtype = jnp.result_type(weights, angles)
        trace = self._trace(dtype.name)
        flat = angles.astype(dtype).reshape(-1, self.n_angles)
        z = expectations(trace.tape, *trace.feeds(weights.astype(dtype), flat), engine=self.engine)
        return z.reshape(*angles.shape[:-1], z.shape[-1])

    def names(self) -> tuple[list[str], list[str]]:
        """What to call the tape's weights and angles: w0,1 and x2 where they are those of the function."""
        trace = self._trace("float32")
        return trace.shared.names(self.shape, "f(w)"), trace.own.names(self.shape, "f(x)")

    def _trace(self, dtype: str) -> _Trace:
        if dtype not in self._traces:
            self._traces[dtype] = _trace(self._function, self.shape, self.n_angles, dtype)
        return self._traces[dtype]


def ignored(circuit: Traced) -> str | None:
    """`weights` or `angles` that no output depends on, measured in float64 at random ones; None where both matter."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2 * np.pi, (2, *circuit.shape))
    angles = rng.uniform(-np.pi / 2, np.pi / 2, (2, circuit.n_angles))
    with jax.enable_x64(True):
        z = np.stack([np.asarray(circuit(w, angles)) for w in weights])
    if np.abs(z[:, 0] - z[:, 1]).max() < BLIND:
        return "angles"
    return "weights" if np.abs(z[0] - z[1]).max() < BLIND else None


def _trace(function: QuantumFunction, shape: tuple[int, ...], n_angles: int, dtype: str) -> _Trace:
    found: dict[str, Any] = {}

    def parameters(weights: Float[Array, "*shape"], angles: Float[Array, " angles"]) -> list[Array]:
        found["read"] = circuit = read(script(function, weights, angles))
        found["known"] = {i: float(v) for i, v in enumerate(circuit.values) if not isinstance(v, jax.core.Tracer)}
        return [jnp.asarray(value).reshape(()) for value in circuit.values]

    jaxpr = traced(parameters, shape, n_angles, dtype)
    return _split(found["read"].tape, _sums(found["read"]), found["known"], jaxpr)


def script(function: QuantumFunction, weights: Any, angles: Any) -> qml.tape.QuantumScript:
    """What the function does and returns, as PennyLane records it. Raises InputError for other than expectation values.

    A QNode's own device and shots are left aside.
    """
    function = getattr(function, "func", function) if isinstance(function, qml.QNode) else function
    with qml.queuing.AnnotatedQueue() as queue:
        out = function(weights, angles)
    returned = list(out) if isinstance(out, list | tuple) else [out]
    if not returned or not all(isinstance(value, qml.measurements.ExpectationMP) for value in returned):
        raise InputError(
            f"a quantum function must return a list of qml.expval, got {out!r}; return [qml.expval(qml.Z(0)), ...]"
        )
    recorded = qml.tape.QuantumScript.from_queue(queue)
    return qml.tape.QuantumScript(recorded.operations, returned)


def _sums(circuit: Read) -> tuple[Observable, ...]:
    if any(isinstance(coefficient, jax.core.Tracer) for row in circuit.terms for coefficient, _ in row):
        raise InputError(
            "an observable's coefficients must be numbers, got some that depend on weights or angles; measure its "
            "parts, and let the layer behind the circuit weigh them"
        )
    words = circuit.tape.words
    return tuple(tuple((float(coefficient), words[i]) for coefficient, i in row) for row in circuit.terms)


def _split(tape: Tape, sums: tuple[Observable, ...], known: Mapping[int, float], jaxpr: ClosedJaxpr) -> _Trace:
    """The tape with its parameters told apart; known: those that are numbers."""
    found = sources(jaxpr)
    # a gate is fed by angles alone or not at all
    own = [f.which for gate in tape.gates for f in gate.feeds if any(found[other.which].own for other in gate.feeds)]
    shared = [i for i in range(len(found)) if i not in known and i not in set(own)]
    of_all, shared_place = feeding(jaxpr, found, shared)
    of_each, own_place = feeding(jaxpr, found, own)

    def feed(i: int) -> Feed:
        if i in own_place:
            return Feed("angle", own_place[i])
        return Feed("weight", shared_place[i]) if i in shared_place else Feed("number", factor=known[i])

    @jax.jit
    def values(
        weights: Float[Array, "*shape"], angles: Float[Array, "batch angles"]
    ) -> tuple[Float[Array, " shared"], Float[Array, "batch own"]]:
        none = jnp.zeros(angles.shape[1:], angles.dtype)
        return of_all(weights, none), jax.vmap(lambda row: of_each(weights, row))(angles)

    gates = tuple(gate._replace(feeds=tuple(feed(f.which) for f in gate.feeds)) for gate in tape.gates)
    return _Trace(Tape(tape.n_qubits, gates, (len(shared),), len(own), sums), jaxpr, values, of_all, of_each)


def shape_of(function: QuantumFunction, n_labels: int, arguments: Mapping[str, Any]) -> tuple[int, ...]:
    """What the function's own attribute `shape` says of its weights. Raises InputError if it says nothing."""
    ask = getattr(function, "shape", None)
    if not callable(ask):
        raise InputError(
            "the shape of the weights must be known, got no attribute shape of the function; set head.circuit.weights, "
            "like [3, labels, 3], or write layers.shape = lambda labels: (3, labels, 3) below the function"
        )
    return checked(ask(n_labels, **arguments))


def checked(shape: Any) -> tuple[int, ...]:
    """A shape of at least one weight. Raises InputError for anything else."""
    sizes = (shape,) if isinstance(shape, int) else tuple(shape) if isinstance(shape, list | tuple) else ()
    if not all(isinstance(size, int) and size >= 1 for size in sizes) or not math.prod(sizes) or not sizes:
        raise InputError(f"weights must have a shape of whole numbers >= 1, got {shape!r}; give (3, labels), say")
    return sizes
