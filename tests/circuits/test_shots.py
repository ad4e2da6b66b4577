"""Gradients from shots: the rules on exact values against JAX, the estimates against the exact gradient over draws."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Noise, Rates, make_engine
from qcxr.circuits.shots import estimator, parameter_shift, spsa
from qcxr.errors import InputError

NOISE = Noise(Rates(0.02, amplitude_damping=0.1), Rates(0.05), 0.02, 0.1)
DRAWS = 10_000


def inputs(n, layers, films=2):
    rng = np.random.default_rng(10 * n + layers)
    shapes = (layers, n), (films, n), (films, n)
    w, x, g = (rng.uniform(-1.5, 1.5, shape) for shape in shapes)
    return w, x, g


def exact(engine, w, x, g):
    return jax.jit(jax.grad(lambda w, x: jnp.sum(g * engine(w, x)), (0, 1)))(w, x)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(
    "options", [{}, {"reupload": True}, {"rotation": "RX", "encoding": "RZ", "reupload": True, "noise": NOISE}]
)
def test_parameter_shift_of_exact_values_is_the_exact_gradient(options):
    with jax.enable_x64(True):
        w, x, g = map(jnp.asarray, inputs(4, 3))
        engine = make_engine("chain", 4, 3, **options)
        rule = partial(parameter_shift, lambda w, x, key: engine(w, x), repeats=3 if "reupload" in options else 1)
        got = jax.jit(rule)(w, x, g, jax.random.key(0))
        for a, b in zip(got, exact(engine, w, x, g), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)


def mean_of_spsa(engine, w, x, g, step):
    """Over every direction, of exact values."""
    signs = jnp.asarray(list(itertools.product((-1.0, 1.0), repeat=w.size + x.size)))

    def one(sign):
        along, turning = sign[: w.size].reshape(w.shape), sign[w.size :].reshape(x.shape)
        ahead, behind = (engine(w + s * along, x + s * turning) for s in (step, -step))
        slopes = (g * (ahead - behind)).sum(-1) / (2 * step)
        return slopes.sum() * along, slopes[:, None] * turning

    return [a.mean(0) for a in jax.jit(jax.vmap(one))(signs)]


@pytest.mark.sample
@pytest.mark.slow
def test_spsa_is_the_gradient_up_to_the_square_of_its_step():
    with jax.enable_x64(True):
        w, x, g = map(jnp.asarray, inputs(3, 2, films=1))
        engine = make_engine("chain", 3, 2)
        want = exact(engine, w, x, g)
        far, near = (
            max(float(abs(a - b).max()) for a, b in zip(mean_of_spsa(engine, w, x, g, step), want, strict=True))
            for step in (0.2, 0.1)
        )
        assert 3.5 < far / near < 4.5


@pytest.mark.sample
@pytest.mark.slow
@pytest.mark.parametrize(
    "gradient, options",
    [
        ("parameter_shift", {}),
        ("parameter_shift", {"reupload": True, "noise": NOISE}),
        ("spsa", {}),
        ("spsa", {"noise": NOISE, "entangler": "CZ"}),
    ],
)
def test_gradients_from_shots_are_unbiased(gradient, options):
    """Means over 10^4 draws of 3 shots each, within 4.5 standard errors of what they estimate."""
    n, layers, step = 3, 2, 0.3
    w, x, g = (jnp.asarray(a, jnp.float32) for a in inputs(n, layers, films=1))
    engine = make_engine("chain", n, layers, **options)
    estimate = estimator(engine, shots=3, gradient=gradient, step=step)

    def draw(key):
        value, pull = jax.vjp(lambda w, x: estimate(w, x, key), w, x)
        return value, *pull(g)

    draws = jax.jit(lambda keys: jax.lax.map(draw, keys, batch_size=500))(jax.random.split(jax.random.key(0), DRAWS))
    slopes = exact(engine, w, x, g) if gradient == "parameter_shift" else mean_of_spsa(engine, w, x, g, step)
    for got, want in zip(draws, (engine(w, x), *slopes), strict=True):
        errors = (got.mean(0) - want) / (got.std(0) / DRAWS**0.5 + 1e-6)
        assert np.abs(errors).max() < 4.5


@pytest.mark.slow
@pytest.mark.sample
def test_a_key_decides_value_and_gradient():
    w, x, g = (jnp.asarray(a, jnp.float32) for a in inputs(3, 2))
    for gradient in ("parameter_shift", "spsa"):
        estimate = estimator(make_engine("chain", 3, 2), shots=10, gradient=gradient)
        run = jax.jit(jax.value_and_grad(lambda w, key, f=estimate: jnp.sum(g * f(w, x, key))))
        one, same, other = (run(w, jax.random.key(k)) for k in (1, 1, 2))
        np.testing.assert_array_equal(one[1], same[1])
        assert one[0] == same[0] and (one[1] != other[1]).any()


def test_estimators_refuse_unknown_rules():
    engine = make_engine("chain", 3, 2)
    with pytest.raises(InputError, match="gradient must be one of parameter_shift, spsa, got 'adjoint'"):
        estimator(engine, shots=10, gradient="adjoint")
    with pytest.raises(InputError, match="step must be > 0, got 0"):
        estimator(engine, shots=10, step=0)


def test_spsa_moves_all_parameters_by_the_step():
    seen = []

    def measure(w, x, key):
        seen.append((w, x))
        return x

    w, x, g = (jnp.asarray(a, jnp.float32) for a in inputs(3, 2))
    spsa(measure, w, x, g, jax.random.key(0), step=0.25)
    for (up, down), start in zip(zip(*seen, strict=True), (w, x), strict=True):
        np.testing.assert_allclose(np.abs(up - start), 0.25, atol=1e-6)
        np.testing.assert_allclose(up + down, 2 * start, atol=1e-6)
