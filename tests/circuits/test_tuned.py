"""Tapes that are an ansatz's circuit are known for it, and others are not."""

import dataclasses
import itertools

import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, make_engine
from qcxr.circuits.tapes import Feed, Gate, expectations, of_ansatz
from qcxr.circuits.tapes.tuned import tuned

NOISE = {"one_qubit": {"depolarizing": 0.1, "amplitude_damping": 0.2}, "two_qubit": {"bit_flip": 0.1}}


@pytest.mark.parametrize("n, layers", [(1, 2), (2, 1), (4, 2)])
@pytest.mark.parametrize("noise", [None, NOISE])
def test_every_ansatz_is_recognised(n, layers, noise):
    patterns = ("ring", "chain", "none", "all_to_all")
    for options in itertools.product(("RX", "RY"), ("RY", "RZ"), ("CNOT", "CZ"), patterns, (False, True)):
        tape = of_ansatz(Ansatz(n, layers, *options), Noise.of(noise))
        known = tuned(tape)
        assert known is not None
        # two qubits in a ring are a chain, and so on: what counts is the circuit
        assert of_ansatz(known.ansatz, known.noise) == tape
        assert known.encode == tuple(Feed("angle", i) for i in range(n))
        assert known.rotate == tuple(Feed("weight", i) for i in range(n * layers))


TAPE = of_ansatz(Ansatz(4, 2), Noise.of(NOISE))


def replaced(which, **changes):
    return dataclasses.replace(TAPE, gates=tuple(g._replace(**changes) if which(g) else g for g in TAPE.gates))


def nth(name, n):
    chosen = [gate for gate in TAPE.gates if gate.name == name][n]
    return lambda gate: gate is chosen


@pytest.mark.parametrize(
    "tape",
    [
        replaced(nth("RY", 6), name="RX"),
        replaced(nth("CNOT", 2), wires=(3, 2)),
        replaced(nth("CNOT", 7), name="CZ"),
        replaced(nth("BitFlip", 3), feeds=(Feed("number", factor=0.11),)),
        replaced(nth("BitFlip", 0), feeds=(Feed("weight", 0),)),
        replaced(nth("RY", 5), feeds=(Feed("angle", 0),)),
        dataclasses.replace(TAPE, gates=(*TAPE.gates, Gate("Hadamard", (0,)))),
        dataclasses.replace(TAPE, gates=TAPE.gates[:-1]),
        dataclasses.replace(TAPE, gates=TAPE.gates[::-1]),
        dataclasses.replace(TAPE, observables=(((1.0, ((0, "X"),)),),)),
        dataclasses.replace(TAPE, observables=(((1.0, ((0, "Z"), (1, "Z"))),),)),
    ],
)
def test_what_differs_in_one_thing_is_not(tape):
    assert tuned(TAPE) is not None and tuned(tape) is None


@pytest.mark.sample
@pytest.mark.slow
def test_order_feeds_and_observables_are_the_tapes_own():
    """Gates wire by wire, weights in another order and halved, a sum of Z: through the tuned chain."""
    n, rng = 6, np.random.default_rng(0)
    tape = of_ansatz(Ansatz(n, 2))
    starts = sorted(range(3 * n), key=lambda i: (tape.gates[i].wires, i))
    gates = [tape.gates[i] for i in starts] + list(tape.gates[3 * n :])
    gates = [
        g._replace(feeds=tuple(f._replace(which=2 * n - 1 - f.which, factor=0.5) for f in g.feeds))
        if g.name == "RY" and g.feeds[0].source == "weight"
        else g
        for g in gates
    ]
    sums = (((0.5, ((1, "Z"),)), (-2.0, ((4, "Z"),)), (3.0, ())),)
    tape = dataclasses.replace(tape, gates=tuple(gates), observables=sums)
    known = tuned(tape)
    assert known is not None and known.engine("chain", 3) == "chain" and known.engine("dense", 3) is None
    w, x = (jnp.asarray(rng.uniform(-3, 3, s).astype("float32")) for s in ((2, n), (3, n)))
    z = make_engine("chain", n, 2)(0.5 * w.reshape(-1)[::-1].reshape(2, n), x)
    for engine in ("auto", "chain", "dense"):
        got = expectations(tape, w, x, engine=engine)
        np.testing.assert_allclose(got[:, 0], 0.5 * z[:, 1] - 2 * z[:, 4] + 3, atol=1e-5)


def test_what_no_tuned_engine_can_run_is_left_to_the_others():
    """Six layers on a ring of 40 qubits; and noise between all pairs."""
    known = tuned(of_ansatz(Ansatz(40, 6)))
    assert known is not None and known.engine("auto", 1) is None
    noisy = tuned(of_ansatz(Ansatz(4, 2, pattern="all_to_all"), Noise.of(NOISE)))
    assert noisy is not None and noisy.engine("auto", 1) is None
