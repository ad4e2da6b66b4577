"""Random tapes, as arguments of `Tape`, and the part of one that a word sees."""

import numpy as np
from hypothesis import strategies as st

from qcxr.circuits.tapes.gates import KINDS
from qcxr.circuits.tapes.tape import Feed, Gate, Tape

ONE, TWO, CHANNELS = (
    [name for name, kind in KINDS.items() if kind.wires == wires and (kind.unitary is None) == channel]
    for wires, channel in ((1, False), (2, False), (1, True))
)


@st.composite
def tapes(draw, most=8, across=5, channels=True, least=4, gates=24):
    """Up to `across` two-qubit gates across each cut of a line or a ring, between neighbours, in any order.

    What `Tape` takes, not a tape: making one draws random numbers (beartype's), which hypothesis forbids here.
    """
    n = draw(st.integers(1, most))
    count = {"weight": 0, "angle": 0}
    crossing = [0] * n
    out = []
    kinds = ["one", "two", "two"] + (["channel"] if channels else [])
    for kind in draw(st.lists(st.sampled_from(kinds), min_size=least, max_size=gates)):
        name = draw(st.sampled_from({"one": ONE, "two": TWO, "channel": CHANNELS}[kind]))
        wire = draw(st.integers(0, n - 1))
        wires = (wire,)
        if kind == "two":
            if n == 1 or crossing[wire] == across or (n == 2 and wire):
                continue
            crossing[wire] += 1
            wires = draw(st.permutations((wire, (wire + 1) % n)))
        source = "number" if kind == "channel" else draw(st.sampled_from(["weight", "angle", "number"]))
        feeds = []
        for _ in range(KINDS[name].parameters):
            if source == "number":
                feeds.append(Feed("number", factor=draw(st.integers(1, 50)) / 100))
            else:
                feeds.append(Feed(source, count[source], draw(st.sampled_from([1.0, -0.5]))))
                count[source] += draw(st.integers(0, 1))  # an index that stays is used again
        out.append(Gate(name, tuple(wires), tuple(feeds)))
    words = st.dictionaries(st.integers(0, n - 1), st.sampled_from("XYZ"), max_size=3).map(
        lambda d: tuple(sorted(d.items()))
    )
    terms = st.lists(st.tuples(st.integers(-20, 20).map(lambda i: i / 10), words), min_size=1, max_size=2).map(tuple)
    observables = draw(st.none() | st.lists(terms, min_size=1, max_size=4).map(tuple))
    return n, tuple(out), (count["weight"] + 1,), count["angle"] + 1, observables


def brick_wall(seed, n, depth, ring=True):
    """A brick wall of random gates with weights, angles, numbers and channels on n qubits, read at a few of them."""
    rng = np.random.default_rng(seed)
    gates, count = [], {"weight": 0, "angle": 0}

    def add(name, *wires):
        source = "number" if name in CHANNELS else rng.choice(["weight", "angle"])
        feeds = []
        for _ in range(KINDS[name].parameters):
            feeds.append(Feed("number", factor=0.05) if name in CHANNELS else Feed(source, count[source]))
            count[source] = count.get(source, 0) + 1
        gates.append(Gate(name, wires, tuple(feeds)))

    for layer in range(depth):
        names = rng.choice(TWO, 2)  # of a layer, so that columns repeat
        for i in range(n):
            add("RY" if layer % 2 else "RX", i)
            if i % 5 == 0:
                add(CHANNELS[layer % len(CHANNELS)], i)
        for i in range(layer % 2, n if ring else n - 1, 2):
            add(names[i // 2 % 2], i, (i + 1) % n)
    ends = [0, n // 2, n - 1, *rng.integers(0, n, 2).tolist()]
    words = [((i, "XYZ"[k % 3]),) for k, i in enumerate(ends)] + [((n // 3, "Z"), (n // 3 + 1, "Y"))]
    return n, tuple(gates), (count["weight"],), count["angle"], tuple(((1.0, word),) for word in words)


def cone(tape, word):
    """The tape without the gates that a word's expectation value cannot depend on, on the qubits that are left."""
    wires, kept = {wire for wire, _ in word}, []
    for gate in tape.gates[::-1]:
        if wires & set(gate.wires):
            wires |= set(gate.wires)
            kept.append(gate)
    place = {wire: i for i, wire in enumerate(sorted(wires))}
    gates = tuple(gate._replace(wires=tuple(place[wire] for wire in gate.wires)) for gate in kept[::-1])
    seen = tuple((place[wire], p) for wire, p in word)
    return Tape(len(place), gates, tape.weights, tape.n_angles, (((1.0, seen),),))
