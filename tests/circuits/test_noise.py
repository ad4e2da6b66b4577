"""Noise on the chain against PennyLane's density matrices, in value and gradient."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, Rates, make_engine
from qcxr.errors import InputError

CHANNELS = [field.name for field in dataclasses.fields(Rates)]
EACH = {name: Noise(Rates(**{name: 0.07}), Rates(**{name: 0.11})) for name in CHANNELS}
ALL = Noise(Rates(0.01, 0.02, 0.03, 0.04, 0.05), Rates(0.06, 0.05, 0.04, 0.03, 0.02))
CASES = [(name, noise, (3, 2), {}) for name, noise in EACH.items()] + [
    ("all", ALL, (4, 2), {"rotation": "RX", "reupload": True}),
    ("all CZ", ALL, (3, 2), {"entangler": "CZ"}),
    ("gates", Noise(two_qubit=Rates(amplitude_damping=0.1)), (2, 2), {"pattern": "chain"}),
    ("apart", ALL, (2, 2), {"pattern": "none"}),
    ("one", Noise(Rates(amplitude_damping=0.1)), (1, 2), {}),
]
SLOW = [(name, noise, (n, 3), {}) for name, noise in [*EACH.items(), ("all", ALL)] for n in (3, 5, 6)]
SAMPLE = [(name, 3) for name in EACH] + [("all", 6)]  # CI runs these of SLOW: each channel, and all at the largest n


def inputs(n, layers):
    rng = np.random.default_rng(n)
    return rng.uniform(0, 6, (layers, n)), rng.uniform(-1.5, 1.5, (2, n)), rng.normal(size=(2, n))


def oracle(noise, n, layers, options):
    """Value and pulled-back v from default.mixed and autograd."""
    import pennylane as qml

    from qcxr.circuits.pennylane import circuit

    w, x, v = inputs(n, layers)

    @qml.qnode(qml.device("default.mixed", wires=n), diff_method="backprop", interface="autograd")
    def node(w, x):
        return circuit(Ansatz(n, layers, **options), w, x, noise)

    def loss(w, x, v):
        return qml.numpy.sum(v * qml.numpy.stack(node(w, x)))

    def variable(a):
        return qml.numpy.array(a, requires_grad=True)

    values = np.stack([np.asarray(qml.numpy.stack(node(w, row))) for row in x])
    grads = [qml.grad(loss, argnums=[0, 1])(variable(w), variable(row), vi) for row, vi in zip(x, v, strict=True)]
    return values, sum(np.asarray(g[0]) for g in grads), np.stack([np.asarray(g[1]) for g in grads])


def check(noise, size, options):
    n, layers = size
    engine = make_engine("chain", n, layers, noise=noise, **options)
    w, x, v = inputs(n, layers)
    with jax.enable_x64(True):
        value, pull = jax.vjp(jax.jit(engine), w, x)
        for got, want in zip((value, *pull(jnp.asarray(v))), oracle(noise, n, layers, options), strict=True):
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name, noise, size, options", CASES, ids=[c[0] for c in CASES])
def test_matches_density_matrices(name, noise, size, options):
    check(noise, size, options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, noise, size, options",
    [
        pytest.param(*case, marks=pytest.mark.sample if (case[0], case[2][0]) in SAMPLE else (), id=f"{case[0]}-{n}")
        for case in SLOW
        for n in case[2][:1]
    ],
)
def test_matches_density_matrices_up_to_six_qubits(name, noise, size, options):
    check(noise, size, options)


@pytest.mark.slow
@pytest.mark.sample
def test_pennylane_engine_takes_noise():
    w, x, _ = inputs(3, 2)
    engine = make_engine("pennylane", 3, 2, noise=ALL)
    with jax.enable_x64(True):
        np.testing.assert_allclose(engine(w, x), oracle(ALL, 3, 2, {})[0], rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.sample
def test_gradient_of_every_rate_matches_finite_differences():
    w, x, v = inputs(3, 2)
    engine = make_engine("chain", 3, 2)
    noise = dataclasses.replace(ALL, readout_0=0.02, readout_1=0.05)
    with jax.enable_x64(True):
        leaves, tree = jax.tree.flatten(noise)
        leaves = jnp.asarray(leaves)
        loss = jax.jit(lambda r: jnp.sum(v * engine(w, x, noise=jax.tree.unflatten(tree, list(r)))))
        grads = jax.jit(jax.grad(loss))(leaves)
        steps = 1e-6 * jnp.eye(len(leaves))
        slopes = [(loss(leaves + s) - loss(leaves - s)) / 2e-6 for s in steps]
        np.testing.assert_allclose(grads, slopes, rtol=1e-6, atol=1e-7)
        assert np.all(np.abs(grads) > 1e-4)


def test_readout_error_is_that_of_flipped_outcomes():
    w, x, _ = inputs(3, 2)
    z = np.asarray(make_engine("chain", 3, 2)(w, x))
    noisy = make_engine("chain", 3, 2, noise={"readout_0": 0.1, "readout_1": 0.3})(w, x)
    reads_one = (1 + z) / 2 * 0.1 + (1 - z) / 2 * 0.7
    np.testing.assert_allclose(noisy, 1 - 2 * reads_one, atol=1e-6)


@pytest.mark.parametrize(
    "noise, text",
    [
        ({"one_qubit": {"depolarizing": 1.5}}, "noise.one_qubit.depolarizing must be a rate in [0, 1], got 1.5"),
        ({"readout_0": -0.1}, "noise.readout_0 must be a rate in [0, 1], got -0.1"),
        ({"two_qubit": {"bit_flip": float("nan")}}, "noise.two_qubit.bit_flip must be a rate in [0, 1], got nan"),
        ({"two_qubit": {"bitflip": 0.1}}, "noise.two_qubit may hold depolarizing, bit_flip"),
        ({"three_qubit": {}}, "noise may hold one_qubit, two_qubit, readout_0, readout_1, got 'three_qubit'"),
        ({"one_qubit": 0.1}, "noise.one_qubit must be a mapping of depolarizing"),
        (0.1, "noise must be a mapping of one_qubit"),
    ],
)
def test_bad_noise_is_one_clear_error(noise, text, unchecked):
    with pytest.raises(InputError) as error:
        make_engine("chain", 3, 2, noise=noise)
    assert text in str(error.value)
