"""Joint samples against the exact joint distribution of PennyLane, and against exact moments at widths beyond it."""

import jax
import numpy as np
import pytest
from scipy import stats

from qcxr.circuits import Noise, Rates, make_engine
from qcxr.circuits.sampling import sample
from qcxr.errors import InputError

NOISE = Noise(Rates(0.02, amplitude_damping=0.1), Rates(0.05, bit_flip=0.04, amplitude_damping=0.1), 0.03, 0.1)
CASES = [
    (6, 3, {}, Noise()),
    (5, 2, {"pattern": "chain", "entangler": "CZ", "rotation": "RX"}, Noise()),
    (4, 3, {"rotation": "RX", "encoding": "RZ", "reupload": True}, Noise(readout_0=0.1, readout_1=0.2)),
    (4, 1, {}, Noise()),
    (3, 2, {"pattern": "none"}, Noise(readout_1=0.3)),
    (2, 3, {}, Noise()),
    (1, 2, {}, Noise()),
    (4, 3, {}, NOISE),
    (3, 2, {"pattern": "chain", "entangler": "CZ", "reupload": True}, NOISE),
    (2, 2, {"rotation": "RX"}, NOISE),
    (5, 2, {}, Noise(two_qubit=Rates(depolarizing=0.1))),
]
SHOTS = 20_000


def inputs(n, layers, films):
    rng = np.random.default_rng(10 * n + layers)
    return rng.uniform(0, 6, (layers, n)), rng.uniform(-1.5, 1.5, (films, n))


def distribution(ansatz, w, x, noise):
    """Probability of every basis state, qubit 0 the highest bit, read-out errors included."""
    import pennylane as qml

    from qcxr.circuits.pennylane import gates

    n = ansatz.n_qubits

    @qml.qnode(qml.device("default.qubit" if noise.is_unitary else "default.mixed", wires=n))
    def node():
        gates(ansatz, w, x, noise)
        return qml.probs(wires=range(n))

    read = np.array([[1 - noise.readout_0, noise.readout_1], [noise.readout_0, 1 - noise.readout_1]])
    p = np.asarray(node()).reshape((2,) * n)
    for i in range(n):
        p = np.moveaxis(np.tensordot(read, p, (1, i)), 0, i)
    return p.reshape(-1)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("n, layers, options, noise", CASES)
def test_samples_follow_the_joint_distribution(n, layers, options, noise):
    w, x = inputs(n, layers, films=2)
    engine = make_engine("chain", n, layers, noise=noise, **options)
    bits = np.asarray(sample(engine, w, x, shots=SHOTS, key=jax.random.key(1)))
    assert bits.shape == (2, SHOTS, n)
    for row, film in zip(bits, x, strict=True):
        expected = SHOTS * distribution(engine.ansatz, w, film, noise)
        counts = np.bincount(row @ (1 << np.arange(n)[::-1]), minlength=2**n)
        assert counts[expected < 1e-6].sum() == 0
        often = expected >= 5  # the rest as one class
        observed, wanted = ([*a[often], a[~often].sum()] for a in (counts, expected))
        if wanted[-1] < 5:
            observed, wanted = observed[:-1], np.array(wanted[:-1]) * sum(observed[:-1]) / sum(wanted[:-1])
        assert len(wanted) == 1 or stats.chisquare(observed, np.array(wanted)).pvalue > 1e-4


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(
    "n, layers, noise",
    [
        (19, 3, Noise()),
        (100, 2, Noise()),
        (12, 2, NOISE),
    ],
)
def test_marginals_are_the_expectation_values_at_any_width(n, layers, noise):
    w, x = inputs(n, layers, films=2)
    engine = make_engine("chain", n, layers, noise=noise)
    z = 1 - 2 * np.asarray(sample(engine, w, x, shots=4000, key=jax.random.key(2))).mean(1)
    want = np.asarray(jax.jit(engine)(w, x))
    errors = (z - want) / np.sqrt((1 - want**2) / 4000)
    assert np.abs(errors).max() < 4.5
    assert 0.7 < errors.std() < 1.3


@pytest.mark.slow
@pytest.mark.sample
def test_covariances_are_exact_at_19_qubits():
    """Products of outcomes, whose exact expectation values a circuit with one ring more reads as single qubits."""
    n, layers = 19, 2
    w, x = inputs(n, layers, films=1)
    engine = make_engine("chain", n, layers)
    signs = 1 - 2 * np.asarray(sample(engine, w, x, shots=20_000, key=jax.random.key(3)))[0].astype(float)
    # a layer more with weights 0 is a ring more, after which Z_k is what Z_0 ... Z_k was (Z_0 what Z_1 ... Z_n-1 was)
    deeper = make_engine("chain", n, layers + 1)
    want = np.asarray(jax.jit(deeper)(np.vstack([w, np.zeros(n)]), x))[0]
    products = np.cumprod(signs, 1)
    products[:, 0] = signs[:, 1:].prod(1)
    errors = (products.mean(0) - want) / np.sqrt((1 - want**2) / 20_000)
    assert np.abs(errors).max() < 4.5


def test_keys_decide_every_bit_and_films_differ():
    w, x = inputs(5, 2, films=1)
    engine = make_engine("chain", 5, 2)
    both = np.repeat(x, 2, 0)
    one, same, other = (np.asarray(sample(engine, w, both, shots=64, key=jax.random.key(k))) for k in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (one[0] != one[1]).any()


def test_sampling_refuses_what_is_no_chain():
    w, x = inputs(3, 1, films=1)
    with pytest.raises(InputError, match="engine 'chain' takes gates between neighbours only, got 'all_to_all'"):
        sample(make_engine("statevector", 3, 1, pattern="all_to_all"), w, x, shots=1, key=jax.random.key(0))
    with pytest.raises(InputError, match="shots must be a whole number >= 1, got 0"):
        sample(make_engine("chain", 3, 1), w, x, shots=0, key=jax.random.key(0))
