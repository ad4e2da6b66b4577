"""What must hold whatever the numbers: bounds, limits of noise, batch shapes, transformations, light cones, shots."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcxr.circuits import Noise, Rates, make_engine
from qcxr.circuits import statevector as statevector_room

N, LAYERS = 5, 3
SEEDS = st.integers(0, 2**32 - 1)


@functools.cache
def compiled(name):
    return jax.jit(make_engine(name, N, LAYERS))


@functools.cache
def compiled_noisy():
    engine = make_engine("chain", N, LAYERS)
    return jax.jit(lambda w, x, noise: engine(w, x, noise=noise))


def draw(seed, batch=(4,), n=N, layers=LAYERS):
    rng = np.random.default_rng(seed)
    return rng.uniform(-7, 7, (layers, n)).astype("float32"), rng.uniform(-3, 3, (*batch, n)).astype("float32")


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_engines_agree_and_stay_in_bounds(seed):
    a, b = (np.asarray(compiled(name)(*draw(seed))) for name in ("chain", "statevector"))
    assert np.all(np.abs(a) <= 1 + 1e-5)
    np.testing.assert_allclose(a, b, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_noise_keeps_bounds(seed, rates):
    noise = Noise(Rates(*rates[:5]), Rates(*rates[5:10]), *rates[10:])
    assert np.all(np.abs(compiled_noisy()(*draw(seed), noise)) <= 1 + 1e-5)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_zero_noise_is_no_noise(seed):
    w, x = draw(seed)
    np.testing.assert_allclose(compiled_noisy()(w, x, Noise()), compiled("chain")(w, x), atol=1e-5)


@pytest.mark.parametrize("place", ["one_qubit", "two_qubit"])
def test_full_depolarizing_forgets_everything(place):
    z = compiled_noisy()(*draw(0), Noise(**{place: Rates(depolarizing=0.75)}))
    np.testing.assert_allclose(z, 0, atol=1e-6)


def test_full_damping_ends_in_the_ground_state():
    z = compiled_noisy()(*draw(0), Noise(two_qubit=Rates(amplitude_damping=1.0)))
    np.testing.assert_allclose(z, 1, atol=1e-6)


@pytest.mark.parametrize("name", ["chain", "statevector"])
@pytest.mark.parametrize("batch", [(), (0,), (1,), (2, 3), (2, 0, 3)])
def test_batch_shape_never_matters(name, batch):
    w, x = draw(1, batch)
    got = jax.jit(make_engine(name, N, LAYERS))(w, x)
    assert got.shape == (*batch, N)
    for row, z in zip(x.reshape(-1, N), got.reshape(-1, N), strict=True):
        np.testing.assert_allclose(z, compiled(name)(w, np.tile(row, (4, 1)))[0], atol=2e-6)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("name", ["chain", "statevector"])
def test_inside_other_peoples_transformations(name):
    w, x = draw(2)
    engine = make_engine(name, N, LAYERS)
    want = compiled(name)(w, x)
    np.testing.assert_allclose(jax.jit(jax.vmap(engine, (None, 0)))(w, x), want, atol=2e-6)
    scanned = jax.jit(lambda w, x: jax.lax.scan(lambda c, row: (c, engine(c, row)), w, x)[1])
    np.testing.assert_allclose(scanned(w, x), want, atol=2e-6)
    weights = np.stack([w, w[::-1]])
    many = jax.jit(jax.vmap(jax.grad(lambda w: jnp.sum(engine(w, x) ** 2))))(weights)
    for got, one in zip(many, weights, strict=True):
        np.testing.assert_allclose(got, jax.jit(jax.grad(lambda w: jnp.sum(engine(w, x) ** 2)))(one), atol=1e-5)


@pytest.mark.slow
@pytest.mark.sample
def test_second_derivatives_match_the_state_vector_by_differences():
    w, x = draw(3, n=3, layers=2)
    with jax.enable_x64(True):
        w, x = w.astype("float64"), x.astype("float64")
        engine = make_engine("chain", 3, 2)
        grad = jax.jit(jax.grad(lambda w: jnp.sum(engine(w, x))))
        hessian = jax.jit(jax.jacrev(grad))(w).reshape(6, 6)
        step = 1e-5 * np.eye(6).reshape(6, *w.shape)
        rows = [np.ravel(grad(w + s) - grad(w - s)) / 2e-5 for s in step]
        np.testing.assert_allclose(hessian, rows, atol=1e-8)


def test_low_precision_inputs_are_computed_in_float32():
    w, x = draw(4)
    z = make_engine("chain", N, LAYERS)(jnp.asarray(w, jnp.bfloat16), jnp.asarray(x, jnp.bfloat16))
    assert z.dtype == jnp.float32


@pytest.mark.slow
@pytest.mark.sample
def test_chain_equals_state_vector_at_sixteen_qubits():
    w, x = draw(5, (1,), n=16)
    values = [jax.jit(make_engine(name, 16, LAYERS))(w, x) for name in ("chain", "statevector")]
    np.testing.assert_allclose(*values, atol=1e-5)


@pytest.mark.parametrize("n", [45, 100])
def test_one_layer_has_a_closed_form(n):
    w, x = draw(6, (2,), n=n, layers=1)
    z = -np.sin((x + w[0]).astype("float64"))
    want = np.cumprod(z, -1)
    want[:, 0] = np.prod(z[:, 1:], -1)
    np.testing.assert_allclose(jax.jit(make_engine("chain", n, 1))(w, x), want, atol=1e-6)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("n", [45, 100])
def test_wide_chain_on_a_light_cone_that_a_state_vector_covers(n):
    """Open chain of L layers: <Z_k> knows of qubits up to k + L - 1 only, so six qubits need a circuit of eight."""
    w, x = draw(7, (2,), n=n)
    wide = jax.jit(make_engine("chain", n, LAYERS, pattern="chain"))(w, x)
    small = jax.jit(make_engine("statevector", 8, LAYERS, pattern="chain"))(w[:, :8], x[:, :8])
    np.testing.assert_allclose(wide[:, :6], small[:, :6], atol=1e-5)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize("n", [45, 100])
def test_wide_ring_with_idle_qubits(n):
    """However many qubits idle in |+> between the active ones and the ring's end, the active ones notice nothing."""
    rng = np.random.default_rng(8)
    w, x = np.zeros((LAYERS, n), "float32"), np.zeros((1, n), "float32")
    w[:, :5], x[:, :5] = rng.uniform(0, 6, (LAYERS, 5)), rng.uniform(-1, 1, (1, 5))
    wide = jax.jit(make_engine("chain", n, LAYERS))(w, x)
    small = jax.jit(make_engine("statevector", 12, LAYERS))(w[:, :12], x[:, :12])
    np.testing.assert_allclose(wide[:, :5], small[:, :5], atol=1e-5)
    assert np.abs(wide[:, 1:5]).max() > 0.05


@pytest.mark.slow
@pytest.mark.sample
def test_state_vector_in_chunks_changes_nothing():
    w, x = draw(9, (7,))
    whole = jax.value_and_grad(lambda w, x: jnp.sum(make_engine("statevector", N, LAYERS)(w, x) ** 2), (0, 1))
    budget = 2.5 * statevector_room.state_mb(make_engine("chain", N, LAYERS).ansatz) * statevector_room.COPIES
    parts = jax.value_and_grad(
        lambda w, x: jnp.sum(make_engine("statevector", N, LAYERS, memory_mb=budget)(w, x) ** 2), (0, 1)
    )
    for a, b in zip(jax.tree.leaves(jax.jit(whole)(w, x)), jax.tree.leaves(jax.jit(parts)(w, x)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.sample
@pytest.mark.slow
def test_shots_are_seeded_binomial_and_leave_gradients_exact():
    w, x = draw(10, (2000,))
    x[:] = x[0]
    exact = make_engine("chain", N, LAYERS)
    engine = make_engine("chain", N, LAYERS, shots=100)
    sampled = jax.jit(lambda w, x, key: engine(w, x, key=key))
    z, key = np.asarray(exact(w, x[:1]))[0], jax.random.key(0)
    draws = np.asarray(sampled(w, x, key))
    np.testing.assert_array_equal(draws, sampled(w, x, key))
    assert np.abs(draws).max() <= 1 and not np.array_equal(draws, sampled(w, x, jax.random.key(1)))
    np.testing.assert_allclose(draws * 50 + 50, np.round(draws * 50 + 50), atol=1e-3)  # counts of 100
    sigma = np.sqrt((1 - z**2) / 100)
    np.testing.assert_array_less(np.abs(draws.mean(0) - z), 5 * sigma / np.sqrt(len(x)) + 1e-6)
    np.testing.assert_allclose(draws.std(0), sigma, rtol=0.15, atol=1e-6)
    grads = [
        jax.jit(jax.grad(lambda w, f=f: jnp.sum(f(w, x[:2]))))(w) for f in (exact, functools.partial(engine, key=key))
    ]
    np.testing.assert_allclose(*grads, atol=1e-6)
