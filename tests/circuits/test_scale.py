"""Bloch vectors of the encoded qubits scaled, against dense operators."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise
from qcxr.circuits.chain import expectations

SCALE = 0.6 * np.exp(0.9j)


def dense(ansatz, weights, angles, scale):
    """<Z_i> from operators (I + scale (x X + y Y + z Z)) / 2 on every qubit, by matrices of PennyLane's gates."""
    import pennylane as qml

    wires = range(ansatz.n_qubits)

    def layers():
        for layer in range(ansatz.n_layers):
            for i in wires:
                if layer and ansatz.reupload:
                    getattr(qml, ansatz.encoding)(angles[i], i)
                getattr(qml, ansatz.rotation)(weights[layer, i], i)
            for pair in ansatz.pairs:
                getattr(qml, ansatz.entangler)(wires=pair)

    unitary = qml.matrix(layers, wire_order=wires)()
    state = np.eye(1)
    for angle in angles:
        turn = qml.matrix(getattr(qml, ansatz.encoding)(angle, 0)) @ qml.matrix(qml.Hadamard(0))
        one = turn @ np.diag([1, 0]) @ turn.conj().T
        state = np.kron(state, np.eye(2) / 2 + scale * (one - np.eye(2) / 2))
    state = unitary @ state @ unitary.conj().T
    return np.array([np.trace(qml.matrix(qml.Z(i), wire_order=wires) @ state) for i in wires])


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(
    "options",
    [{}, {"rotation": "RX"}, {"entangler": "CZ", "encoding": "RZ", "reupload": True}, {"pattern": "none"}],
    ids=str,
)
def test_a_complex_scale_is_that_of_dense_operators(options):
    ansatz = Ansatz(4, 3, **options)
    rng = np.random.default_rng(0)
    weights, angles = rng.uniform(0, 6, (3, 4)), rng.uniform(-1.5, 1.5, (2, 4))
    with jax.enable_x64(True):
        run = jax.jit(functools.partial(expectations, ansatz, noise=Noise()))
        scales = jnp.asarray([SCALE, 0.3])
        got = run(jnp.asarray(weights), jnp.asarray(angles), scale=scales)
        np.testing.assert_allclose(
            run(jnp.asarray(weights), jnp.asarray(angles), scale=scales[0])[0], got[0], atol=1e-14
        )
    for row, angle, scale in zip(np.asarray(got), angles, (SCALE, 0.3), strict=True):
        np.testing.assert_allclose(row, dense(ansatz, weights, angle, scale), rtol=0, atol=1e-10)


@pytest.mark.sample
@pytest.mark.slow
def test_a_real_scale_of_one_changes_nothing_and_gradients_pass_through_complex_values():
    ansatz, rng = Ansatz(4, 3), np.random.default_rng(1)
    with jax.enable_x64(True):
        weights, angles = jnp.asarray(rng.uniform(0, 6, (3, 4))), jnp.asarray(rng.uniform(-1.5, 1.5, (2, 4)))
        run = functools.partial(expectations, ansatz, noise=Noise())
        np.testing.assert_allclose(run(weights, angles, scale=jnp.asarray(1.0)), run(weights, angles), atol=1e-14)

        @jax.jit
        def loss(weights):
            return jnp.sum(jnp.abs(run(weights, angles, scale=jnp.asarray(SCALE))) ** 2)

        slope = jax.jit(jax.grad(loss))(weights)
        direction, step = jnp.asarray(rng.normal(size=weights.shape)), 1e-5
        want = (loss(weights + step * direction) - loss(weights - step * direction)) / (2 * step)
        np.testing.assert_allclose(jnp.sum(slope * direction), want, rtol=1e-7)
