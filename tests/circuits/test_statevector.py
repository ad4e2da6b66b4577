"""What only the state vector has: groups of qubits, chunks of samples, one loop over layers, orders as bit maps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, layout, make_engine, permutation, statevector
from qcxr.circuits.layout import Layout


def inputs(n, layers, batch):
    rng = np.random.default_rng(10 * n + layers)
    return (
        rng.uniform(0, 2 * np.pi, (layers, n)),
        rng.uniform(-np.pi / 2, np.pi / 2, (batch, n)),
        rng.normal(size=(batch, n)),
    )


def value_and_gradient(engine, w, x, v):
    value, pull = jax.vjp(engine, w, x)
    return value, *pull(v)


def check(n, layers, batch, **options):
    data = inputs(n, layers, batch)
    with jax.enable_x64(True):
        engines = [make_engine(name, n, layers, **options) for name in ("statevector", "pennylane")]
        got, expected = (jax.jit(lambda *a, e=e: value_and_gradient(e, *a))(*data) for e in engines)
    for a, b in zip(got, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


def test_groups_are_few_and_nearly_equal():
    assert [Layout.of(n, 1).sizes for n in (1, 6, 8, 12)] == [(1,), (6,), (4, 4), (6, 6)]
    assert [Layout.of(n, 1).sizes for n in (14, 19)] == [(4, 5, 5), (4, 5, 5, 5)]


@pytest.mark.sample
@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"permutation_seed": 3},
        {"permutation_seed": 3, "entangler": "CZ", "encoding": "RX", "reupload": True},
        {"reupload": True, "rotation": "RX", "entangler": "CZ"},
    ],
    ids=str,
)
def test_groups_between_the_first_and_the_last_and_chunks_match_pennylane(monkeypatch, options):
    """Three groups and two chunks of two samples, the last one padded: sizes that a test can afford."""
    monkeypatch.setattr(layout, "_OF_TWO", 1)
    monkeypatch.setattr(layout, "_OF_MORE", 2)
    monkeypatch.setattr(statevector, "_AMPLITUDES", 2**6)
    assert Layout.of(5, 2).sizes == (1, 2, 2)
    check(5, 3, 3, **options)


@pytest.mark.slow
@pytest.mark.sample
def test_fifteen_layers_match_pennylane():
    check(3, 15, 1)


@pytest.mark.slow
@pytest.mark.sample
def test_five_layers_where_a_ring_stops():
    """The chain's last depth against the state vector, which PennyLane has confirmed at any."""
    w, x, v = (np.asarray(a, np.float32) for a in inputs(6, 5, 2))
    chain, state = (
        jax.jit(lambda *a, name=name: value_and_gradient(make_engine(name, 6, 5), *a))(w, x, v)
        for name in ("chain", "statevector")
    )
    for a, b in zip(chain, state, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.sample
@pytest.mark.slow
def test_running_forward_again_for_want_of_memory_changes_nothing(monkeypatch):
    monkeypatch.setattr(statevector, "_AMPLITUDES", 2**6)
    w, x, v = (np.asarray(a, np.float32) for a in inputs(6, 4, 9))
    whole, again = (
        jax.jit(lambda *a, mb=mb: value_and_gradient(make_engine("statevector", 6, 4, memory_mb=mb), *a))(w, x, v)
        for mb in (4096, statevector.state_mb(Ansatz(6, 4)) * (statevector.COPIES + 1))
    )
    for a, b in zip(whole, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("seed", [None, 1])
def test_the_program_does_not_grow_with_depth(seed):
    def lines(layers):
        engine = make_engine("statevector", 9, layers, permutation_seed=seed)
        w, x, v = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in ((layers, 9), (4, 9), (4, 9)))
        return len(jax.jit(lambda *a: value_and_gradient(engine, *a)).lower(w, x, v).as_text().splitlines())

    assert lines(30) == lines(3)


@pytest.mark.parametrize("pattern", ["ring", "chain", "all_to_all"])
@pytest.mark.parametrize("entangler", ["CNOT", "CZ"])
def test_orders_and_signs_against_gate_by_gate(pattern, entangler):
    """Every amplitude moved, or its sign turned, by one gate after another in Python, for two samples."""
    n, samples = 5, 2
    ansatz = Ansatz(n, 1, entangler=entangler, pattern=pattern, permutation_seed=4)
    shape = Layout((2, 3), samples)
    state = np.random.default_rng(0).normal(size=(4, samples, 8)).astype(np.float32)
    numbers = jax.tree.map(lambda rows: jnp.asarray(rows[0]), permutation.patterns(ansatz))
    order = permutation.order(ansatz, shape, numbers, jnp.float32)
    expected = np.zeros_like(state)
    for basis in range(2**n):
        bits, sign = [basis >> (n - 1 - i) & 1 for i in range(n)], 1
        for control, target in ansatz.joined(0):
            if entangler == "CNOT":
                bits[target] ^= bits[control]
            elif bits[control] and bits[target]:
                sign = -sign
        there = int("".join(map(str, bits)), 2)
        expected[there >> 3, :, there & 7] = sign * state[basis >> 3, :, basis & 7]
    moved = permutation.entangle(order, jnp.asarray(state.reshape(-1)))
    np.testing.assert_array_equal(moved, expected.reshape(-1))
    np.testing.assert_array_equal(permutation.disentangle(order, moved), state.reshape(-1))
