"""A circuit written out gate by gate: the one definition from which the chain, the dense simulation and PennyLane's
twin are made.

Qubits are numbered along a line, every one of them starts in |0>. A parameter is a number, or a weight or an angle
times a factor; `Ansatz` becomes a tape by `of_ansatz`, a PennyLane circuit by `scripts.of_script`.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.circuits.ansatz import Ansatz
from qcxr.circuits.noise import Noise, Rates, present
from qcxr.circuits.tapes.gates import KINDS
from qcxr.errors import InputError

Word = tuple[tuple[int, str], ...]  # a product of Paulis: (qubit, X, Y or Z), by qubit; () is the identity
Observable = tuple[tuple[float, Word], ...]  # a sum of such products with their coefficients
CHANNELS = {  # by the names of `noise.Rates`, in the order in which they act
    "depolarizing": "DepolarizingChannel",
    "bit_flip": "BitFlip",
    "phase_flip": "PhaseFlip",
    "amplitude_damping": "AmplitudeDamping",
    "phase_damping": "PhaseDamping",
}


class Feed(NamedTuple):
    """factor times the weight or the angle of that index (weights counted in row-major order), or the number factor."""

    source: str  # weight, angle or number
    which: int = 0
    factor: float = 1.0


class Gate(NamedTuple):
    """name: one of `gates.KINDS`, which are PennyLane's names and meanings."""

    name: str
    wires: tuple[int, ...]
    feeds: tuple[Feed, ...] = ()


class Values(NamedTuple):
    """Gates' parameters in the order of the tape: those fed by weights and numbers, and those fed by angles."""

    shared: Float[Array, " shared"]
    own: Float[Array, "own batch"]


@dataclasses.dataclass(frozen=True)
class Tape:
    """n_qubits; gates and channels in the order in which they act; observables: by default Z of every qubit.

    weights: shape of the weights; n_angles: how many angles one sample has.
    Raises InputError for a gate, a wire or a parameter that is not there.
    """

    n_qubits: int
    gates: tuple[Gate, ...]
    weights: tuple[int, ...] = (0,)
    n_angles: int = 0
    observables: tuple[Observable, ...] | None = None

    def __post_init__(self) -> None:
        if self.n_qubits < 1:
            raise InputError(f"a tape must have at least 1 qubit, got {self.n_qubits}; name its wires")
        if self.observables is None:
            object.__setattr__(self, "observables", tuple(((1.0, ((i, "Z"),)),) for i in range(self.n_qubits)))
        for gate in self.gates:
            self._check(gate)
        for word in self.words:
            qubits = [qubit for qubit, _ in word]
            if qubits != sorted(set(qubits)) or any(p not in ("X", "Y", "Z") for _, p in word):
                raise InputError(f"a word must name X, Y or Z of each qubit once, by qubit, got {word}; sort it")
            self._on_line(tuple(qubits), f"observable {word}")

    def _check(self, gate: Gate) -> None:
        if gate.name not in KINDS:
            raise InputError(f"a gate must be one of {', '.join(KINDS)}, got {gate.name!r}; write it in these")
        kind = KINDS[gate.name]
        if len(set(gate.wires)) != kind.wires or len(gate.wires) != kind.wires:
            raise InputError(f"{gate.name} acts on {kind.wires} qubits, got {gate.wires}; name so many different ones")
        self._on_line(gate.wires, gate.name)
        if len({feed.source == "angle" for feed in gate.feeds}) > 1:
            raise InputError(f"{gate.name} must be fed by angles alone or not at all, got {gate.feeds}; feed it by one")
        if len(gate.feeds) != kind.parameters:
            raise InputError(f"{gate.name} takes {kind.parameters} parameters, got {len(gate.feeds)}; feed so many")
        sizes = {"weight": math.prod(self.weights), "angle": self.n_angles, "number": 1}
        for feed in gate.feeds:
            if feed.source not in sizes or not 0 <= feed.which < sizes[feed.source]:
                raise InputError(
                    f"{gate.name} must be fed by one of {sizes['weight']} weights, one of {self.n_angles} angles or a "
                    f"number, got {feed.source} {feed.which}; set the tape's weights and n_angles"
                )

    def _on_line(self, wires: tuple[int, ...], name: str) -> None:
        if not all(0 <= wire < self.n_qubits for wire in wires):
            raise InputError(f"{name} must act on qubits 0 .. {self.n_qubits - 1}, got {wires}; raise n_qubits")

    @property
    def sums(self) -> tuple[Observable, ...]:
        """The observables, whether given or not."""
        assert self.observables is not None
        return self.observables

    @functools.cached_property
    def words(self) -> tuple[Word, ...]:
        """Every product of Paulis that some observable holds, once."""
        return tuple(dict.fromkeys(word for terms in self.sums for _, word in terms))

    @functools.cached_property
    def coefficients(self) -> Float[np.ndarray, "observables words"]:
        """Of each word in each observable."""
        matrix = np.zeros((len(self.sums), len(self.words)))
        places = {word: i for i, word in enumerate(self.words)}
        for row, terms in zip(matrix, self.sums, strict=True):
            for coefficient, word in terms:
                row[places[word]] += coefficient
        return matrix

    def __hash__(self) -> int:
        return self._hash  # a tape is a key of many caches, at every call

    @functools.cached_property
    def _hash(self) -> int:
        return hash((self.n_qubits, self.gates, self.weights, self.n_angles, self.observables))

    @functools.cached_property
    def is_unitary(self) -> bool:
        """Whether no channel is on the tape."""
        return all(KINDS[gate.name].unitary is not None for gate in self.gates)

    def values(self, weights: Float[Array, "*shape"], angles: Float[Array, " angles"]) -> Float[Array, " parameters"]:
        """The parameters of all gates, in their order, of one sample."""
        feeds = [feed for gate in self.gates for feed in gate.feeds]
        starts = {"weight": 0, "angle": math.prod(self.weights), "number": math.prod(self.weights) + self.n_angles}
        every = jnp.concatenate([weights.reshape(-1), angles, jnp.ones(1, angles.dtype)])
        index = np.array([starts[feed.source] + feed.which for feed in feeds], np.int32)
        return every[index] * jnp.asarray([feed.factor for feed in feeds], angles.dtype)

    def split(self, weights: Float[Array, "*shape"], angles: Float[Array, "batch angles"]) -> "Values":
        """The parameters of all gates of a batch: what all samples share is there once."""
        feeds = [feed for gate in self.gates for feed in gate.feeds]
        shared = [feed for feed in feeds if feed.source != "angle"]
        own = [feed for feed in feeds if feed.source == "angle"]
        every = jnp.concatenate([weights.reshape(-1), jnp.ones(1, weights.dtype)])
        last = math.prod(self.weights)
        index = np.array([feed.which if feed.source == "weight" else last for feed in shared], np.int32)
        factors, scales = (jnp.asarray([feed.factor for feed in some], angles.dtype) for some in (shared, own))
        return Values(
            every[index] * factors, angles.T[np.array([feed.which for feed in own], np.int32)] * scales[:, None]
        )


def of_ansatz(ansatz: Ansatz, noise: Noise | None = None) -> Tape:
    """The tape of an ansatz; noise: of the gates, with plain numbers for rates (read-out errors are not gates)."""
    noise = noise or Noise()
    gates: list[Gate] = []

    def add(rates: Rates, name: str, *wires: int, feed: Feed | None = None) -> None:
        gates.append(Gate(name, wires, () if feed is None else (feed,)))
        for wire in wires:
            for field, channel in CHANNELS.items():
                rate = getattr(rates, field)
                if present(rate):
                    gates.append(Gate(channel, (wire,), (Feed("number", factor=float(rate)),)))

    n = ansatz.n_qubits
    for i in range(n):
        add(noise.one_qubit, "Hadamard", i)
    for layer in range(ansatz.n_layers):
        for i in range(n):
            if layer == 0 or ansatz.reupload:
                add(noise.one_qubit, ansatz.encoding, i, feed=Feed("angle", i))
            add(noise.one_qubit, ansatz.rotation, i, feed=Feed("weight", layer * n + i))
        for pair in ansatz.joined(layer):
            add(noise.two_qubit, ansatz.entangler, *pair)
    return Tape(n, tuple(gates), (ansatz.n_layers, n), n)
