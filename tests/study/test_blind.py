"""Which circuits are refused as blind, against simulating every combination of options on small state vectors."""

import functools
import itertools

import numpy as np
import pytest

from qcxr.circuits import Ansatz, make_engine
from qcxr.errors import InputError
from qcxr.study.blind import blindness

ROTATIONS = ("RX", "RY", "RZ")
SIZES = [(n, layers) for n in (1, 2, 3, 4) for layers in (1, 2, 3)]
OF_THE_PAPER = {  # (encoding, rotation, reupload) that a ring of CNOTs cannot use, at three qubits and layers
    ("RX", "RX", False),
    ("RX", "RX", True),
    ("RX", "RY", False),
    ("RX", "RZ", False),
    ("RY", "RZ", False),
    ("RZ", "RZ", False),
    ("RZ", "RZ", True),
}
PAULI = {"RX": np.array([[0, 1], [1, 0]]), "RY": np.array([[0, -1j], [1j, 0]]), "RZ": np.diag([1, -1])}


def turned(state, name, angle, qubit):
    matrix = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * PAULI[name]
    return np.moveaxis(np.tensordot(matrix, state, (1, qubit)), 0, qubit)


def entangled(state, name, pair):
    state = np.moveaxis(state, pair, (0, 1)).copy()
    state[1] = (
        state[1, ::-1].copy() if name == "CNOT" else state[1] * np.array([1, -1]).reshape(2, *[1] * (state.ndim - 2))
    )
    return np.moveaxis(state, (0, 1), pair)


def read(ansatz, weights, angles):
    """<Z_i> by plain state vectors."""
    n = ansatz.n_qubits
    state = np.full([2] * n, 2 ** (-n / 2), complex)
    for layer in range(ansatz.n_layers):
        for i in range(n):
            if layer == 0 or ansatz.reupload:
                state = turned(state, ansatz.encoding, angles[i], i)
            state = turned(state, ansatz.rotation, weights[layer, i], i)
        for pair in ansatz.pairs:
            state = entangled(state, ansatz.entangler, pair)
    odds = np.abs(state) ** 2
    return np.array([odds.take(0, i).sum() - odds.take(1, i).sum() for i in range(n)])


def ignores(ansatz):
    """Whether other angles, or other weights, change nothing."""
    rng = np.random.default_rng(0)
    (w, v), (x, y) = (
        rng.uniform(0, 6, (2, ansatz.n_layers, ansatz.n_qubits)),
        rng.uniform(-1.5, 1.5, (2, ansatz.n_qubits)),
    )
    here = read(ansatz, w, x)
    return any(np.abs(here - read(ansatz, *other)).max() < 1e-9 for other in ((w, y), (v, x)))


@pytest.mark.parametrize("encoding, rotation", list(itertools.product(ROTATIONS, ROTATIONS)))
def test_what_is_refused_is_what_ignores_its_angles_or_weights(encoding, rotation):
    for entangler, pattern, reupload, (n, layers) in itertools.product(
        ("CNOT", "CZ"), ("ring", "chain", "none", "all_to_all"), (False, True), SIZES
    ):
        ansatz = Ansatz(n, layers, encoding, rotation, entangler, pattern, reupload)
        assert (blindness(ansatz, n, layers) is not None) == ignores(ansatz), ansatz


def test_of_eighteen_choices_seven_are_blind_in_the_papers_ring():
    make = functools.partial(Ansatz, 3, 3)
    choices = itertools.product(ROTATIONS, ROTATIONS, (False, True))
    assert {c for c in choices if blindness(make(c[0], c[1], reupload=c[2]), 3, 3)} == OF_THE_PAPER


def test_the_engine_says_why():
    with pytest.raises(
        InputError, match=r"got RX and RY: H prepares \|\+>, an eigenstate of RX: the angles have no effect"
    ):
        make_engine("chain", 3, 2, encoding="RX")
    with pytest.raises(
        InputError, match="got RY and RZ: RZ commutes with what is read out: the weights have no effect"
    ):
        make_engine("auto", 3, 2, rotation="RZ")
