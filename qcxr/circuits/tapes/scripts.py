"""Between PennyLane's circuits and tapes, both ways. Importing this module imports PennyLane, which takes seconds."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pennylane as qml

from qcxr.circuits.tapes.gates import KINDS
from qcxr.circuits.tapes.tape import Feed, Gate, Observable, Tape, Word
from qcxr.errors import InputError

_NOTHING = ("Identity", "GlobalPhase", "Barrier", "WireCut", "Snapshot")  # what changes no expectation value
# gates of several parameters, in the order in which their parts act; a global phase is left out
_WRITTEN: dict[str, Callable[..., list[tuple[str, Any]]]] = {
    "Rot": lambda phi, theta, omega: [("RZ", phi), ("RY", theta), ("RZ", omega)],
    "U3": lambda theta, phi, delta: [("RZ", delta), ("RY", theta), ("RZ", phi)],
    "U2": lambda phi, delta: [("RZ", delta), ("RY", np.pi / 2), ("RZ", phi)],
    "U1": lambda phi: [("RZ", phi)],
    "PhaseShift": lambda phi: [("RZ", phi)],
}
_MAX_MATRIX = 4  # qubits of an observable or a gate given as a matrix
_DEEPEST = 20  # decompositions inside decompositions


class Read(NamedTuple):
    """A PennyLane circuit as a tape whose observables are words, and what of it may be traced.

    values: the tape's weights, one scalar each. terms: of each measurement (coefficient, index of a word). rows: the
    tape's angles, of the parameters that came with a batch, one array of as many numbers as samples each.
    """

    tape: Tape
    values: list[Any]
    terms: list[list[tuple[Any, int]]]
    rows: list[Any]


def read(script: qml.tape.QuantumScript, wires: Sequence[Any] | None = None, *, batched: bool = False) -> Read:
    """wires: their labels along the line, by default numbers if all are numbers (the highest is the last), else the
    script's own order. batched: whether parameters may come with a batch (PennyLane's broadcasting) and become angles.

    Every other parameter becomes a weight, in the order of the gates it feeds. SWAP exchanges the wires' names from
    there on instead of acting. What is not in `gates.KINDS` is decomposed by PennyLane.
    Raises InputError for what is no gate, no channel, no expectation value, or has no decomposition.
    """
    labels = _labels(script) if wires is None else list(wires)
    place = {label: i for i, label in enumerate(labels)}
    gates: list[Gate] = []
    values: list[Any] = []
    rows: list[Any] = []
    if not batched:
        _check_single(script)
    for name, on, given in _flat(script.operations, 0):
        if name == "SWAP":
            place[on[0]], place[on[1]] = place[on[1]], place[on[0]]
            continue
        own = any(qml.math.ndim(value) for value in given)
        source, taken = ("angle", rows) if own else ("weight", values)
        feeds = tuple(Feed(source, len(taken) + i) for i in range(len(given)))
        taken.extend(given)
        gates.append(Gate(name, tuple(place[wire] for wire in on), feeds))
    sums = [_sum(measurement, place) for measurement in script.measurements]
    words = list(dict.fromkeys(word for terms in sums for _, word in terms))
    places = {word: i for i, word in enumerate(words)}
    tape = Tape(len(labels), tuple(gates), (len(values),), len(rows), tuple(((1.0, word),) for word in words))
    return Read(tape, values, [[(coefficient, places[word]) for coefficient, word in terms] for terms in sums], rows)


def of_script(script: qml.tape.QuantumScript, wires: Sequence[Any] | None = None) -> tuple[Tape, np.ndarray]:
    """The tape of a circuit whose parameters are known, with its observables, and the weights it was written with."""
    tape, values, terms, _ = read(script, wires)
    sums: tuple[Observable, ...] = tuple(
        tuple((float(coefficient), tape.words[i]) for coefficient, i in row) for row in terms
    )
    return Tape(tape.n_qubits, tape.gates, tape.weights, 0, sums), np.array([float(v) for v in values])


def _check_single(script: qml.tape.QuantumScript) -> None:
    for op in script.operations:
        if op.batch_size is not None:
            raise InputError(f"a tape holds one sample, got {op} with a batch; use jax.vmap, or broadcast_expand first")


def takes_batch(operation: Any) -> bool:
    """Whether an operation that `accepts` lets pass may come with a batch of parameters."""
    if operation.name in KINDS and len(operation.parameters) > 1:  # a gate of a tape is fed by angles alone
        return all(qml.math.ndim(parameter) for parameter in operation.parameters)
    return operation.name in KINDS or operation.name in _WRITTEN or operation.name == "ControlledPhaseShift"


def accepts(operation: Any) -> bool:
    """Whether `read` takes an operation as it is."""
    name = operation.name
    if name == "MultiRZ":
        return len(operation.wires) <= 2
    if name in KINDS or name in _WRITTEN or name in (*_NOTHING, "SWAP", "ControlledPhaseShift"):
        return True
    return not operation.has_decomposition and _is_small(operation)


def _is_small(operation: Any) -> bool:
    """Whether it can be decomposed by its matrix."""
    return operation.has_matrix and len(operation.wires) <= _MAX_MATRIX


def _labels(script: qml.tape.QuantumScript) -> list[Any]:
    labels = list(script.wires)
    if all(isinstance(label, int) and label >= 0 for label in labels):
        return list(range(max(labels, default=0) + 1))
    return labels


def _flat(operations: Iterable[Any], depth: int) -> Iterator[tuple[str, tuple[Any, ...], list[Any]]]:
    """(name, wires, parameters) of gates of `KINDS` and SWAP."""
    for op in operations:
        wires, name = tuple(op.wires), op.name
        if name in _NOTHING:
            continue
        if name in KINDS or name == "SWAP":
            yield name, wires, list(op.parameters)
        elif name in _WRITTEN:
            for part, value in _WRITTEN[name](*op.parameters):
                yield part, wires, [value]
        elif name == "MultiRZ" and len(wires) <= 2:
            yield ("RZ", "IsingZZ")[len(wires) - 1], wires, list(op.parameters)
        elif name == "ControlledPhaseShift":  # = CRZ and half the phase on the control
            yield "CRZ", wires, list(op.parameters)
            yield "RZ", wires[:1], [op.parameters[0] / 2]
        elif getattr(op, "has_decomposition", False) and depth < _DEEPEST:
            yield from _flat(op.decomposition(), depth + 1)
        elif _is_small(op) and depth < _DEEPEST:
            yield from _flat([qml.QubitUnitary(qml.matrix(op), wires=op.wires)], depth + 1)
        else:
            raise InputError(
                f"a tape takes {', '.join(KINDS)}, and what PennyLane decomposes into them, got {name}; "
                "write it in these gates"
            )


def _sum(measurement: Any, place: dict[Any, int]) -> list[tuple[Any, Word]]:
    if not isinstance(measurement, qml.measurements.ExpectationMP) or measurement.obs is None:
        raise InputError(f"a tape returns expectation values, got {measurement}; return qml.expval(...)")
    return [
        (_real(coefficient), tuple(sorted((place[wire], p) for wire, p in word.items())))
        for word, coefficient in sentence(measurement.obs).items()
    ]


def sentence(observable: Any) -> Any:
    """An observable as PennyLane's sum of Pauli words.

    Raises InputError for one that is none and acts on too many qubits to be decomposed.
    """
    if observable.pauli_rep is not None:
        return observable.pauli_rep
    if len(observable.wires) > _MAX_MATRIX:
        raise InputError(f"an observable must be a sum of Pauli products, got {observable}; write it as one")
    matrix = qml.matrix(observable, wire_order=observable.wires)
    return qml.pauli_decompose(matrix, wire_order=observable.wires, pauli=True)


def _real(coefficient: Any) -> Any:
    """Of a Hermitian observable: without the imaginary part that PennyLane may carry along."""
    return qml.math.real(coefficient)


def to_qnode(tape: Tape, device: Any = None, **options: Any) -> qml.QNode:
    """PennyLane's twin: a QNode of (weights, angles), which returns a list with each observable's expectation value.

    device: by default `default.qubit`, with channels `default.mixed`. options: of `qml.QNode`.
    """

    def circuit(weights: Any, angles: Any = ()) -> list[Any]:
        play(tape, weights, angles)
        return [qml.expval(observable) for observable in observables(tape)]

    device = device or qml.device("default.qubit" if tape.is_unitary else "default.mixed", wires=tape.n_qubits)
    return qml.QNode(circuit, device, **options)


def play(tape: Tape, weights: Any, angles: Any = ()) -> None:
    """Queues the tape's gates in PennyLane."""
    flat = qml.math.reshape(weights, (-1,)) if np.prod(tape.weights) else ()
    sources = {"weight": flat, "angle": angles, "number": (1.0,)}
    for gate in tape.gates:
        values = [sources[feed.source][feed.which] * feed.factor for feed in gate.feeds]
        operator(gate.name)(*values, wires=gate.wires)


def observables(tape: Tape) -> list[Any]:
    """The tape's observables in PennyLane."""
    return [_observable(terms) for terms in tape.sums]


def operator(name: str) -> Callable[..., Any]:
    """PennyLane's operator of one of `gates.KINDS`."""
    if name.startswith("Adjoint("):
        plain = getattr(qml, name[8:-1])
        return lambda wires: qml.adjoint(plain(wires=wires))
    return getattr(qml, name)


def _observable(terms: Observable) -> Any:
    words = [qml.prod(*(getattr(qml, p)(i) for i, p in word)) if word else qml.Identity(0) for _, word in terms]
    return qml.dot([coefficient for coefficient, _ in terms], words)
