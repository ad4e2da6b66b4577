"""Tapes that are the paper's circuit, or one of its family: they run on the engines written for it.

The generic chain knows nothing about layers; `qcxr.circuits.chain` and `statevector` do, and are faster for it. So a
tape is compared, once, with the tape of every `Ansatz` it could be.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from qcxr.circuits import chain, cost, statevector
from qcxr.circuits.ansatz import ENTANGLERS, PATTERNS, ROTATIONS, Ansatz
from qcxr.circuits.noise import Noise, Rates
from qcxr.circuits.tapes.tape import CHANNELS, Feed, Gate, Tape, of_ansatz

# a gate: its name, its wires, how many such gates came before, and a channel's rate
_Id = tuple[str, tuple[int, ...], int, float | None]


class Tuned(NamedTuple):
    """What a tape is, and how its numbers become the engines' weights and angles.

    encode: what feeds each qubit's encoding rotation. rotate: what feeds the rotations, by layer and qubit. seen: the
    qubit whose Z each of the tape's words is, n for the identity.
    """

    ansatz: Ansatz
    noise: Noise
    encode: tuple[Feed, ...]
    rotate: tuple[Feed, ...]
    seen: tuple[int, ...]

    def engine(self, name: str, batch: int) -> str | None:
        """`chain` or `statevector`, whichever is expected to be faster; name: `auto`, or `chain` for that alone.

        None where neither can run it.
        """
        if name == "dense":
            return None
        able = [e for e in ("chain", "statevector") if cost.obstacle(e, self.ansatz, self.noise, 4096) is None]
        if name == "chain" or len(able) < 2:
            return able[0] if able and name in ("auto", able[0]) else None
        return cost.choose(self.ansatz, batch, noise=self.noise)

    def words(
        self, engine: str, weights: Float[Array, "*shape"], angles: Float[Array, "batch angles"]
    ) -> Float[Array, "batch words"]:
        """Expectation value of each of the tape's words."""
        n, batch = self.ansatz.n_qubits, angles.shape[0]
        shared = jnp.concatenate([weights.reshape(-1), jnp.ones(1, weights.dtype)])

        def of(feeds: tuple[Feed, ...]) -> Float[Array, " feeds"]:
            index = np.array([feed.which if feed.source == "weight" else len(shared) - 1 for feed in feeds], np.int32)
            return shared[index] * jnp.asarray([feed.factor for feed in feeds], shared.dtype)

        if self.encode[0].source == "angle":
            entering = angles[:, np.array([feed.which for feed in self.encode], np.int32)]
            entering = entering * jnp.asarray([feed.factor for feed in self.encode], angles.dtype)
        else:
            entering = jnp.broadcast_to(of(self.encode), (batch, n))
        build = chain.build if engine == "chain" else statevector.build
        simulate = build(self.ansatz)
        z = simulate(of(self.rotate).reshape(self.ansatz.n_layers, n), entering, self.noise)
        return jnp.concatenate([z, jnp.ones((batch, 1), z.dtype)], 1)[:, np.array(self.seen, np.int32)]


@functools.lru_cache(maxsize=64)
def tuned(tape: Tape) -> Tuned | None:
    """The tape's ansatz: equal up to the order of gates that share no wire, with Z of single qubits as observables.

    What feeds the rotations is the tape's own; one feed enters the same qubit at every re-upload, trained rotations are
    the same for all samples, and rates of channels are numbers on the tape (of rates that are weights nobody knows yet
    whether they are equal).
    """
    if any(len(word) > 1 or (word and word[0][1] != "Z") for word in tape.words):
        return None
    own = _identities(tape)
    for ansatz, noise in _candidates(tape):
        model = of_ansatz(ansatz, noise)
        if len(model.gates) == len(tape.gates) and _by_wire(model, _identities(model)) == _by_wire(tape, own):
            fed = _feeds(ansatz, dict(zip(own, tape.gates, strict=True)), model)
            if fed is not None:
                seen = tuple(word[0][0] if word else tape.n_qubits for word in tape.words)
                return Tuned(ansatz, noise, *fed, seen)
    return None


def _candidates(tape: Tape) -> Iterator[tuple[Ansatz, Noise]]:
    """Read off qubit 0 and the first two-qubit gate; the rest of the tape may still differ."""
    on = [gate for gate in tape.gates if 0 in gate.wires]
    turns = [gate.name for gate in on if gate.name in ROTATIONS]
    joins = [gate for gate in tape.gates if len(gate.wires) == 2]
    if len(turns) < 2 or on[0].name != "Hadamard" or (joins and joins[0].name not in ENTANGLERS):
        return
    after = tape.gates[tape.gates.index(joins[0]) + 1 :] if joins else ()
    one = _rates(on[1:])
    two = _rates(gate for gate in after if joins[0].wires[0] in gate.wires)
    if one is None or two is None:
        return
    entangler = joins[0].name if joins else ENTANGLERS[0]
    for reupload, pattern in itertools.product((False, True), PATTERNS):
        layers = len(turns) // 2 if reupload else len(turns) - 1
        ansatz = Ansatz(tape.n_qubits, layers, turns[0], turns[1], entangler, pattern, reupload)
        yield ansatz, Noise(one, two)


def _rates(gates: Iterable[Gate]) -> Rates | None:
    """Of the channels that come first; None if a rate is not a number."""
    fields = {channel: field for field, channel in CHANNELS.items()}
    channels = list(itertools.takewhile(lambda gate: gate.name in fields, gates))
    if any(gate.feeds[0].source != "number" for gate in channels):
        return None
    return Rates(**{fields[gate.name]: gate.feeds[0].factor for gate in channels})


def _identities(tape: Tape) -> list[_Id]:
    """Of each gate, the same for all orders of gates that give the same circuit."""
    seen: Counter[tuple[str, tuple[int, ...]]] = Counter()
    out = []
    for gate in tape.gates:
        rates = [feed.factor for feed in gate.feeds if feed.source == "number" and gate.name in CHANNELS.values()]
        out.append((gate.name, gate.wires, seen[gate.name, gate.wires], rates[0] if rates else None))
        seen[gate.name, gate.wires] += 1
    return out


def _by_wire(tape: Tape, identities: list[_Id]) -> list[list[_Id]]:
    out: list[list[_Id]] = [[] for _ in range(tape.n_qubits)]
    for gate, identity in zip(tape.gates, identities, strict=True):
        for wire in gate.wires:
            out[wire].append(identity)
    return out


def _feeds(ansatz: Ansatz, gates: dict[_Id, Gate], model: Tape) -> tuple[tuple[Feed, ...], tuple[Feed, ...]] | None:
    """What feeds the encoding and the trained rotations; None where the engines cannot be fed so."""
    fed: dict[Feed, set[Feed]] = {}
    for identity, gate in zip(_identities(model), model.gates, strict=True):
        for feed in gate.feeds:
            fed.setdefault(feed, set()).update(gates[identity].feeds)
    encode = [fed[Feed("angle", i)] for i in range(model.n_angles)]
    rotate = [fed[Feed("weight", i)] for i in range(ansatz.n_layers * ansatz.n_qubits)]
    if any(len(feeds) > 1 for feeds in (*encode, *rotate)):
        return None
    (entering, trained) = (tuple(feed for feeds in some for feed in feeds) for some in (encode, rotate))
    if any(feed.source == "angle" for feed in trained) or len({feed.source == "angle" for feed in entering}) > 1:
        return None
    return entering, trained
