"""Gradient variance and Schmidt values against closed forms and dense states."""

import itertools

import jax
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Noise, make_engine
from qcxr.circuits.entanglement import bond_dimensions, schmidt_values
from qcxr.circuits.signal import gradient_variance
from qcxr.errors import InputError


def dense_state(ansatz, weights, angles):
    import pennylane as qml

    from qcxr.circuits.pennylane import gates

    @qml.qnode(qml.device("default.qubit", wires=ansatz.n_qubits))
    def node():
        gates(ansatz, weights, angles, Noise())
        return qml.state()

    return np.asarray(node())


@pytest.mark.parametrize(
    "n, layers, options",
    [
        (5, 2, {}),
        (6, 1, {}),
        (5, 2, {"entangler": "CZ", "pattern": "chain", "rotation": "RX", "reupload": True}),
        (2, 3, {}),
    ],
)
def test_schmidt_values_are_those_of_the_dense_state(n, layers, options):
    rng, ansatz = np.random.default_rng(n), Ansatz(n, layers, **options)
    weights, angles = rng.uniform(0, 6, (layers, n)), rng.uniform(-1, 1, n)
    state = dense_state(ansatz, weights, angles)
    for k, values in enumerate(schmidt_values(ansatz, weights, angles)):
        want = np.linalg.svd(state.reshape(2 ** (k + 1), -1), compute_uv=False)
        size = min(len(values), len(want))
        np.testing.assert_allclose(values[:size], want[:size], atol=1e-12)
        np.testing.assert_allclose(np.append(values[size:], want[size:]), 0, atol=1e-12)


def test_bond_dimension_stops_growing_with_the_width():
    rng = np.random.default_rng(0)
    inner = {n: bond_dimensions(Ansatz(n, 2), rng.uniform(0, 6, (2, n)), rng.uniform(-1, 1, n)) for n in (14, 100)}
    assert inner[100].max() == inner[14].max() <= 4**2
    assert bond_dimensions(Ansatz(9, 3, pattern="none"), rng.uniform(0, 6, (3, 9)), rng.uniform(-1, 1, 9)).max() == 1


def test_gradient_variance_of_one_layer_has_a_closed_form():
    """<Z_k> = prod_{j <= k} -sin(x_j + w_j): each factor's square averages to 1/2, and so does its slope's."""
    variance = gradient_variance(make_engine("chain", 6, 1), jax.random.key(0), observed=3, samples=4000)
    np.testing.assert_allclose(variance[0, :4], 0.5**4, rtol=0.15)
    np.testing.assert_allclose(variance[0, 4:], 0, atol=1e-12)


def test_diagnostics_refuse_what_makes_no_sense():
    engine = make_engine("chain", 3, 1)
    for (samples, observed), text in zip(
        itertools.product((1, 9), (3,)),
        ("samples must be >= 2", "observed must be a qubit in 0 .. 2, got 3"),
        strict=True,
    ):
        with pytest.raises(InputError) as error:
            gradient_variance(engine, jax.random.key(0), observed=observed, samples=samples)
        assert text in str(error.value)
    with pytest.raises(InputError, match="Schmidt values need pattern ring, chain or none"):
        schmidt_values(Ansatz(3, 1, pattern="all_to_all"), np.zeros((1, 3)), np.zeros(3))
