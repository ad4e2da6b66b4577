"""A call without jit is compiled once for all that are alike; rates at their ends have finite gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Noise, Rates, make_engine
from qcxr.circuits.engine import _compiled
from qcxr.errors import InputError

W, X = np.ones((2, 3), np.float32), np.ones((4, 3), np.float32)


def test_calls_alike_share_one_program_whatever_the_rates():
    def programs(action):
        before = _compiled._cache_size()
        action()
        return _compiled._cache_size() - before

    def call(rate):
        return lambda: make_engine("chain", 3, 2, entangler="CZ")(W, X, noise={"one_qubit": {"phase_flip": rate}})

    assert programs(call(0.125)) == 1
    assert programs(call(0.25)) == 0
    assert programs(call(0.0)) == 1  # a plain zero is known to be absent


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("end", [0.0, 1.0])
@pytest.mark.parametrize("name", ["depolarizing", "bit_flip", "phase_flip", "amplitude_damping", "phase_damping"])
def test_gradients_are_finite_at_rates_of_zero_and_one(name, end):
    @jax.jit
    def loss(weights, rate):
        rates = Rates(**{name: rate})
        return jnp.sum(make_engine("chain", 3, 2)(weights, X, noise=Noise(rates, rates, rate, rate)))

    assert all(np.isfinite(g).all() for g in jax.grad(loss, (0, 1))(W, jnp.float32(end)))


def test_slopes_beside_a_rate_of_one_are_those_of_differences():
    """Full phase damping's own root has an infinite slope, which nothing may pass on to other inputs."""
    noise = Noise(two_qubit=Rates(phase_damping=jnp.asarray(1.0)))
    with jax.enable_x64(True):
        loss = jax.jit(lambda w: jnp.sum(make_engine("chain", 3, 2)(w, X.astype(float), noise=noise)))
        weights, step = W.astype(float), np.zeros(W.shape)
        step[0, 1] = 1e-5
        slope = (loss(weights + step) - loss(weights - step)) / 2e-5
        np.testing.assert_allclose(jax.grad(loss)(weights)[0, 1], slope, atol=1e-8)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"memory_mb": "x"}, "memory_mb must be a number of megabytes > 0, got 'x'"),
        ({"memory_mb": 0}, "memory_mb must be a number of megabytes > 0, got 0"),
        ({"device": 3}, "device must be one of PennyLane's names, got 3"),
        ({"noise": {"readout_0": None}}, "noise.readout_0 must be a rate in [0, 1], got None"),
        ({"noise": {"one_qubit": {"bit_flip": [0.1]}}}, "noise.one_qubit.bit_flip must be a rate in [0, 1], got [0.1]"),
    ],
)
def test_what_is_no_option_is_one_clear_error(options, text, unchecked):
    with pytest.raises(InputError) as error:
        make_engine("auto", 3, 2, **options)
    assert text in str(error.value)
