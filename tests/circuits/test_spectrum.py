"""The weight spectrum against sums over all Pauli strings, by adding up, and where it is known in closed form."""

import functools
import itertools

import jax
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, Rates, make_engine
from qcxr.circuits.spectrum import spectrum, truncated
from qcxr.errors import InputError

PAULIS = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
NOISE = Noise(Rates(0.02, amplitude_damping=0.1), Rates(0.05, phase_flip=0.03, amplitude_damping=0.04), 0.02, 0.05)
CASES = [
    (4, 3, {}, Noise()),
    (5, 2, {}, Noise()),
    (4, 2, {"entangler": "CZ", "pattern": "chain", "rotation": "RX"}, Noise()),
    (3, 2, {"rotation": "RX", "encoding": "RZ", "reupload": True}, Noise()),
    (3, 3, {"pattern": "none", "reupload": True}, NOISE),
    (3, 2, {}, NOISE),
    (3, 2, {"entangler": "CZ", "reupload": True, "rotation": "RX"}, NOISE),
    (2, 2, {}, NOISE),
    (1, 2, {}, NOISE),
]


def inputs(n, layers, films=2):
    rng = np.random.default_rng(10 * n + layers)
    return rng.uniform(0, 6, (layers, n)), rng.uniform(-1.5, 1.5, (films, n))


def steps(ansatz, w, x, noise):
    """Kraus matrices of all that acts after the encoding, by PennyLane, in its order."""
    import pennylane as qml

    from qcxr.circuits.pennylane import gates

    with qml.queuing.AnnotatedQueue() as queue:
        gates(ansatz, w, x, noise)
    operations = qml.tape.QuantumScript.from_queue(queue).operations
    channels = sum(noise_rate != 0 for noise_rate in jax.tree.leaves(noise.one_qubit))
    wires = range(ansatz.n_qubits)
    for operation in operations[2 * len(wires) * (1 + channels) :]:  # H, rotation and their channels on every wire
        kraus = operation.kraus_matrices() if isinstance(operation, qml.operation.Channel) else [operation.matrix()]
        yield [qml.math.expand_matrix(k, operation.wires, wires) for k in kraus]


def measured(n, state):
    signs = [1 - 2 * ((np.arange(2**n) >> (n - 1 - k)) & 1) for k in range(n)]
    return np.array([(np.diag(state).real * s).sum() for s in signs])


def brute_force(ansatz, w, x, noise):
    """Every Pauli string of the encoded state, each sent through the circuit by itself."""
    import pennylane as qml

    from qcxr.circuits.pennylane import _channels

    n = ansatz.n_qubits

    @qml.qnode(qml.device("default.mixed", wires=1))
    def encoded(angle):
        qml.Hadamard(0)
        _channels(noise.one_qubit, 0)
        getattr(qml, ansatz.encoding)(angle, 0)
        _channels(noise.one_qubit, 0)
        return [qml.expval(p(0)) for p in (qml.X, qml.Y, qml.Z)]

    bloch = [np.array([1.0, *encoded(angle)]) for angle in x]
    parts = np.zeros((n + 1, n))
    circuit = list(steps(ansatz, w, x, noise))
    for string in itertools.product(range(4), repeat=n):
        share = np.prod([bloch[i][p] for i, p in enumerate(string)]) / 2**n
        if abs(share) < 1e-15:
            continue
        operator = functools.reduce(np.kron, [PAULIS[p] for p in string])
        for kraus in circuit:
            operator = sum(k @ operator @ k.conj().T for k in kraus)
        parts[np.count_nonzero(string)] += share * measured(n, operator)
    p, q = noise.readout_0, noise.readout_1
    parts *= 1 - p - q
    parts[0] += q - p
    return parts


@pytest.mark.parametrize("n, layers, options, noise", CASES)
def test_parts_are_the_sums_over_all_pauli_strings(n, layers, options, noise):
    w, x = inputs(n, layers)
    engine = make_engine("chain", n, layers, noise=noise, **options)
    got = spectrum(engine, w, x)
    want = np.stack([brute_force(engine.ansatz, w, row, noise) for row in x])
    np.testing.assert_allclose(got, want, atol=1e-10)


@pytest.mark.parametrize("n, layers, noise", [(19, 3, Noise()), (8, 2, NOISE), (100, 2, Noise()), (20, 1, Noise())])
def test_parts_add_up_to_the_expectation_values(n, layers, noise):
    w, x = inputs(n, layers, films=3)
    engine = make_engine("chain", n, layers, noise=noise)
    parts = spectrum(engine, w, x[None])
    assert parts.shape == (1, 3, n + 1, n)
    with jax.enable_x64(True):
        want = np.asarray(jax.jit(engine)(w, x))
    np.testing.assert_allclose(parts[0].sum(-2), want, atol=1e-10)
    np.testing.assert_allclose(truncated(engine, w, x, n), want, atol=1e-10)
    np.testing.assert_allclose(truncated(engine, w, x, 2), parts[0, :, :3].sum(-2), atol=1e-12)


def test_one_layer_reads_one_string_per_qubit():
    """The ring turns Z_k into Z_0 ... Z_k, so qubit k reads one string of weight k + 1, and qubit 0 one of n - 1."""
    w, x = inputs(30, 1)
    parts = spectrum(Ansatz(30, 1), w, x)
    want = np.zeros_like(parts)
    factors = -np.sin(x + w[0])
    for k in range(1, 30):
        want[:, k + 1, k] = factors[:, : k + 1].prod(-1)
    want[:, 29, 0] = factors[:, 1:].prod(-1)
    np.testing.assert_allclose(parts, want, atol=1e-12)


def test_films_go_in_chunks():
    w, x = inputs(4, 2, films=150)
    whole = spectrum(Ansatz(4, 2), w, x)
    np.testing.assert_allclose(whole[64:128], spectrum(Ansatz(4, 2), w, x[64:128]), atol=1e-12)
    assert spectrum(Ansatz(4, 2), w, x[:0]).shape == (0, 5, 4)


def test_spectrum_refuses_what_is_no_chain_and_weights_out_of_range():
    w, x = inputs(3, 1)
    with pytest.raises(InputError, match="engine 'chain' takes gates between neighbours only, got 'all_to_all'"):
        spectrum(Ansatz(3, 1, pattern="all_to_all"), w, x)
    with pytest.raises(InputError, match="weight must be in 0 .. 3, one per qubit at most, got 4"):
        truncated(Ansatz(3, 1), w, x, 4)
    with pytest.raises(InputError, match="weights must have shape"):
        spectrum(Ansatz(3, 2), w, x)
