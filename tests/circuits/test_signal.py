"""Signal and gradient spread against another engine, a closed form and the study's own figures."""

from functools import partial

import jax
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, Rates, make_engine
from qcxr.circuits.signal import Shapes, film_angles, gradient_variance, gradient_variance_over_films, signal
from qcxr.circuits.tapes import expectations, of_ansatz
from qcxr.errors import InputError

NOISE = Noise(Rates(0.02), Rates(0.05, amplitude_damping=0.1))


def inputs(n, layers, circuits=2, films=7):
    rng = np.random.default_rng(n)
    return rng.uniform(0, 6, (circuits, layers, n)), rng.uniform(-1.5, 1.5, (films, n))


@pytest.mark.slow
@pytest.mark.sample
def test_spreads_over_films_are_those_of_pennylane():
    w, x = inputs(2, 2)
    chain, oracle = (make_engine(name, 2, 2, noise=NOISE) for name in ("chain", "pennylane"))
    values = jax.jit(jax.vmap(lambda w: oracle(w, x)))
    with jax.enable_x64(True):
        np.testing.assert_allclose(signal(chain, w, x), values(w).std(1), atol=1e-10)
        shifts = np.pi / 2 * np.eye(4).reshape(4, 1, 2, 2)  # the parameter-shift rule, of every weight
        slopes = [(values(w + s)[:, :, 1] - values(w - s)[:, :, 1]) / 2 for s in shifts]
        want = np.stack(slopes, -1).var(1, ddof=1).reshape(2, 2, 2)
        np.testing.assert_allclose(gradient_variance_over_films(chain, w, x, observed=1), want, atol=1e-10)
        each = [gradient_variance_over_films(chain, w, x, observed=k) for k in range(2)]
        np.testing.assert_allclose(gradient_variance_over_films(chain, w, x), np.mean(each, 0), atol=1e-10)


@pytest.mark.sample
@pytest.mark.slow
def test_a_tape_has_a_signal_too():
    """Against the paper's circuit as an engine, which is another program."""
    w, x = inputs(3, 2)

    tape = of_ansatz(Ansatz(3, 2))
    shapes = Shapes(tape.weights, tape.n_angles)
    engine, ours = make_engine("statevector", 3, 2), partial(expectations, tape)
    with jax.enable_x64(True):
        np.testing.assert_allclose(signal(ours, w, x, shapes=shapes), signal(engine, w, x), atol=1e-10)
        got = gradient_variance_over_films(ours, w, x, observed=2, shapes=shapes)
        np.testing.assert_allclose(got, gradient_variance_over_films(engine, w, x, observed=2), atol=1e-10)
        key = jax.random.key(0)
        got = gradient_variance(ours, key, observed=2, samples=5, shapes=shapes)
        np.testing.assert_allclose(got, gradient_variance(engine, key, observed=2, samples=5), atol=1e-10)
    with pytest.raises(InputError, match="shapes must be given for a circuit that is no engine"):
        signal(ours, w, x)


def test_one_set_of_weights_needs_no_axis():
    w, x = inputs(4, 1)
    engine = make_engine("statevector", 4, 1)
    assert signal(engine, w[0], x).shape == (4,)
    assert gradient_variance_over_films(engine, w[0], x, observed=1).shape == (1, 4)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(
    "n, uniform, small",
    [
        (8, 0.084, 0.31),
        (14, 0.018, 0.12),
        (19, 0.009, 0.064),
        (45, 5e-5, 1e-3),
    ],
)
def test_signal_fades_with_the_width_as_measured(n, uniform, small):
    """Medians over qubits and 20 random circuits of 3 layers, which scatter from draw to draw."""
    engine, x = make_engine("chain", n, 3), film_angles(jax.random.key(1), 256, n)
    weights = jax.random.uniform(jax.random.key(2), (20, 3, n), maxval=2 * np.pi)
    near = 0.1 * jax.random.normal(jax.random.key(2), (20, 3, n))
    assert np.median(signal(engine, weights, x)) == pytest.approx(uniform, rel=0.35)
    assert np.median(signal(engine, near, x)) == pytest.approx(small, rel=0.25)


def test_gradient_variance_takes_any_first_weights():
    engine = make_engine("chain", 5, 1)
    from_zero = gradient_variance(
        engine, jax.random.key(0), observed=1, samples=4000, draw=lambda key, shape: jax.numpy.zeros(shape)
    )
    # <Z_1> = sin(x_0) sin(x_1); over x uniform on [-pi/2, pi/2] both squares average to 1/2
    np.testing.assert_allclose(from_zero[0, :2], 0.25, rtol=0.1)
    np.testing.assert_allclose(from_zero[0, 2:], 0, atol=1e-12)


def test_signal_refuses_what_has_no_spread():
    engine = make_engine("chain", 3, 1)
    w, x = inputs(3, 1)
    with pytest.raises(InputError, match="films must be >= 2 for a spread, got 1"):
        signal(engine, w, x[:1])
    with pytest.raises(InputError, match=r"weights must have shape \(..., 1, 3\), got \(2, 1, 4\)"):
        signal(engine, np.zeros((2, 1, 4)), np.zeros((7, 4)))
    with pytest.raises(InputError, match="observed must be a qubit in 0 .. 2, got 3"):
        gradient_variance_over_films(engine, w, x, observed=3)
