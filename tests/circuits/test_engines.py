"""Every engine against PennyLane, in value and gradient (float64 to 1e-10, float32 to 1e-5)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import make_engine

SIZES = [(1, 1), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2), (4, 3), (5, 4), (7, 3)]


def inputs(n, layers, batch, dtype):
    rng = np.random.default_rng(100 * n + layers)
    return (
        jnp.asarray(rng.uniform(0, 2 * np.pi, (layers, n)), dtype),
        jnp.asarray(rng.uniform(-np.pi / 2, np.pi / 2, (batch, n)), dtype),
        jnp.asarray(rng.normal(size=(batch, n)), dtype),
    )


def value_and_gradient(engine, w, x, v):
    value, pull = jax.vjp(engine, w, x)
    return value, *pull(v)


@functools.cache
def oracle(n, layers):
    with jax.enable_x64(True):
        return [
            np.asarray(a)
            for a in value_and_gradient(make_engine("pennylane", n, layers), *inputs(n, layers, 2, "float64"))
        ]


@pytest.mark.parametrize("n, layers", SIZES)
@pytest.mark.parametrize("name", ["statevector", "chain", "auto"])
def test_matches_pennylane(name, n, layers):
    engine = make_engine(name, n, layers)
    with jax.enable_x64(True):
        for got, want in zip(
            value_and_gradient(engine, *inputs(n, layers, 2, "float64")), oracle(n, layers), strict=True
        ):
            assert got.dtype == jnp.float64
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-10)
    for got, want in zip(
        jax.jit(functools.partial(value_and_gradient, engine))(*inputs(n, layers, 2, "float32")),
        oracle(n, layers),
        strict=True,
    ):
        assert got.dtype == jnp.float32
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)
