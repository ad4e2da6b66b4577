"""Bad input: one clear error each, with its text."""

import subprocess
import sys

import jax
import numpy as np
import pytest

from qcxr.circuits import make_engine
from qcxr.errors import InputError

W, X = np.zeros((2, 3)), np.zeros((4, 3))


@pytest.mark.parametrize(
    "arguments, options, text",
    [
        (("qiskit", 3, 2), {}, "engine must be one of pennylane, statevector, chain, auto, got 'qiskit'; set engine"),
        (("chain", 0, 2), {}, "n_qubits must be a whole number >= 1, got 0"),
        (("chain", 3, 2.0), {}, "n_layers must be a whole number >= 1, got 2.0"),
        (("chain", 3, 2), {"rotation": "RA"}, "rotation must be one of RX, RY, RZ, got 'RA'"),
        (("chain", 3, 2), {"encoding": "ry"}, "encoding must be one of RX, RY, RZ, got 'ry'"),
        (("chain", 3, 2), {"entangler": "SWAP"}, "entangler must be one of CNOT, CZ, got 'SWAP'"),
        (("chain", 3, 2), {"pattern": "star"}, "pattern must be one of ring, chain, none, all_to_all, got 'star'"),
        (("chain", 3, 2), {"reupload": 1}, "reupload must be true or false, got 1"),
        (("chain", 3, 2), {"device": "default.qubit"}, "engine 'chain' takes the options encoding, rotation"),
        (("chain", 3, 2), {"pattern": "all_to_all"}, "got 'all_to_all'; use engine 'statevector'"),
        (
            ("chain", 9, 6),
            {},
            "engine 'chain' takes at most 5 layers of these gates, got 6 (more than 4,000,000 products",
        ),
        (("chain", 9, 6), {}, "a step of 32 samples); use engine 'statevector'"),
        (("chain", 40, 6), {}, "no other engine can either: take fewer layers or qubits"),
        (("statevector", 40, 6), {}, "no other engine can either: take fewer layers or qubits"),
        (("auto", 40, 6), {}, "no engine can run the circuit: 'chain' takes at most 5 layers"),
        (("auto", 40, 3), {"pattern": "all_to_all"}, "'statevector' needs 25,165,824 MB for one sample of 40 qubits"),
        (("auto", 20, 5), {"noise": {"two_qubit": {"amplitude_damping": 0.1}}}, "no engine can run the circuit"),
        (("chain", 3, 2), {"shots": 0}, "shots must be a whole number >= 1 or None (exact), got 0"),
        (("statevector", 30, 2), {}, "engine 'statevector' needs 24,576 MB for one sample of 30 qubits"),
        (("statevector", 4, 2), {"noise": {"one_qubit": {"bit_flip": 0.1}}}, "got rates; use engine 'chain'"),
    ],
)
def test_making_an_engine(arguments, options, text, unchecked):
    with pytest.raises(InputError) as error:
        make_engine(*arguments, **options)
    assert text in str(error.value)


@pytest.mark.parametrize(
    "weights, angles, text",
    [
        (W.T, X, "weights must have shape (layers, qubits) = (2, 3), got (3, 2)"),
        (W, X[:, :2], "angles must have shape (..., 3), one per qubit, got (4, 2)"),
        (W, 0.0, "angles must have shape (..., 3), one per qubit, got ()"),
        (W, np.full((4, 3), np.nan), "angles must be finite, got NaN or infinity"),
        (np.full((2, 3), np.inf), X, "weights must be finite, got NaN or infinity"),
        (W, X + 1j, "angles must be real, got complex64"),
    ],
)
def test_calling_an_engine(weights, angles, text, unchecked):
    with pytest.raises(InputError) as error:
        make_engine("chain", 3, 2)(weights, angles)
    assert text in str(error.value)


def test_key_and_shots_belong_together():
    with pytest.raises(InputError, match="an engine with shots=10 needs key"):
        make_engine("chain", 3, 2, shots=10)(W, X)
    with pytest.raises(InputError, match="an engine with shots=None takes no key"):
        make_engine("chain", 3, 2)(W, X, key=jax.random.key(0))


def test_importing_the_room_leaves_pennylane_alone():
    code = "import sys, qcxr.circuits; qcxr.circuits.make_engine('auto', 19, 3); assert 'pennylane' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
