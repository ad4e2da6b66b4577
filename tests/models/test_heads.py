"""Every head of the registry: shapes, Table II, gradients, initial values, options; test_contracts.py has the rest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from qcxr.errors import InputError
from qcxr.models import initial
from qcxr.models.contracts import Fixed
from qcxr.models.heads.create import create
from qcxr.models.heads.product import product_state
from qcxr.models.layers import Linear
from qcxr.study.heads import KINDS

from .conftest import OWN

TABLE_II = {8: (16_392, 24, 72), 14: (28_686, 42, 210), 19: (38_931, 57, 380)}


@pytest.fixture
def features():
    return np.random.default_rng(0).standard_normal((5, 12), np.float32)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("n_labels", [1, 5])
def test_every_head_maps_features_to_logits_row_by_row(name, n_labels, features):
    head = create(name, 12, n_labels, key=jax.random.key(0), options=OWN.get(name))
    run = nnx.jit(head)
    logits = run(features)
    assert logits.shape == (5, n_labels) and logits.dtype == jnp.float32
    np.testing.assert_allclose(run(features[::-1])[::-1], logits, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_receives_a_gradient_that_finite_differences_confirm(name, features):
    head = create(name, 12, 3, key=jax.random.key(1), options=OWN.get(name))
    graphdef, parameters, fixed = nnx.split(head, nnx.Param, Fixed)
    features = jnp.asarray(features)

    @jax.jit
    def loss(parameters):
        return jnp.sin(nnx.merge(graphdef, parameters, fixed)(features)).sum()

    gradient = jax.jit(jax.grad(loss))(parameters)
    direction = jax.tree.map(
        lambda p: jnp.asarray(np.random.default_rng(2).standard_normal(p.shape), p.dtype), parameters
    )
    step = 3e-3
    up, down = (jax.tree.map(lambda p, d, s=s: p + s * d, parameters, direction) for s in (step, -step))
    slope = sum(jax.tree.leaves(jax.tree.map(lambda g, d: (g * d).sum(), gradient, direction)))
    assert float((loss(up) - loss(down)) / (2 * step)) == pytest.approx(float(slope), rel=1e-2, abs=1e-2)
    assert all(float(jnp.abs(g).max()) > 0 for g in jax.tree.leaves(gradient))


@pytest.mark.parametrize("n_labels", TABLE_II)
def test_parts_have_the_sizes_of_table_ii(n_labels):
    def sizes(name):
        state = nnx.state(create(name, 2048, n_labels, key=jax.random.key(0)), nnx.Param)
        return {part: sum(v.size for v in jax.tree.leaves(state[part])) for part in state}

    preprocess, quantum, postprocess = TABLE_II[n_labels]
    assert sizes("cdl") == {"preprocess": preprocess}
    assert sizes("dqc") == {"preprocess": preprocess, "quantum": quantum, "postprocess": postprocess}
    assert sizes("product") == sizes("dqc")
    assert sizes("mlp") == {"preprocess": preprocess, "postprocess": postprocess}


def circuit_by_matrices(weights, angles):
    """<Z_i> of the paper's circuit on one sample, with dense 2^n x 2^n matrices; (L, n), (n,) -> (n,)."""
    n = len(angles)
    index = np.arange(2**n)
    bits = (index[:, None] >> np.arange(n - 1, -1, -1)) & 1

    def on_all(gates):
        full = np.eye(1)
        for gate in gates:
            full = np.kron(full, gate)
        return full

    def ry(t):
        return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])

    state = on_all([ry(t) @ np.array([[1, 1], [1, -1]]) / 2**0.5 for t in angles])[:, 0]
    for layer in weights:
        state = on_all([ry(t) for t in layer]) @ state
        for control in range(n):
            target = (control + 1) % n
            state = state[index ^ (bits[:, control] << (n - 1 - target))]
    return (state**2) @ (1 - 2 * bits)


def test_dqc_is_linear_tanh_circuit_linear(features):
    head = create("dqc", 12, 3, key=jax.random.key(0), options={"engine": "chain", "layers": 2})
    angles = np.tanh(features @ np.asarray(head.preprocess.kernel[...])) * np.pi / 2
    z = np.stack([circuit_by_matrices(np.asarray(head.quantum[...]), row) for row in angles])
    np.testing.assert_allclose(nnx.jit(head)(features), z @ np.asarray(head.postprocess.kernel[...]), atol=1e-5)


def test_product_state_by_hand():
    # One qubit's vector, gate after gate, as 2 x 2 matrices.
    def ry(t):
        return np.array([[np.cos(t / 2), -np.sin(t / 2)], [np.sin(t / 2), np.cos(t / 2)]])

    weights, angles = np.array([[0.3, -1.2], [2.0, 0.7]]), np.array([[0.5, -0.9]])
    z = []
    for i in range(2):
        state = np.array([1.0, 1.0]) / np.sqrt(2)
        for angle in (angles[0, i], *weights[:, i]):
            state = ry(angle) @ state
        z.append(state[0] ** 2 - state[1] ** 2)
    np.testing.assert_allclose(product_state(jnp.asarray(weights), jnp.asarray(angles))[0], z, rtol=1e-5)


def test_linear_layers_start_lecun_normal_with_zero_bias():
    layer = Linear(2000, 50, key=jax.random.key(0))
    assert float(layer.kernel[...].std()) == pytest.approx(2000**-0.5, rel=0.02)
    assert not layer.bias[...].any()


def test_circuit_weights_by_name():
    key, shape = jax.random.key(0), (100, 100)
    uniform = initial.circuit_weights("uniform", key, shape)
    assert float(uniform.min()) >= 0 and float(uniform.max()) < 2 * np.pi
    assert float(uniform.mean()) == pytest.approx(np.pi, rel=0.02)
    assert float(uniform.std()) == pytest.approx(2 * np.pi / 12**0.5, rel=0.02)
    assert float(initial.circuit_weights("normal", key, shape).std()) == pytest.approx(2 * np.pi, rel=0.02)
    assert float(initial.circuit_weights("small", key, shape).std()) == pytest.approx(0.01, rel=0.02)
    assert not initial.circuit_weights("zeros", key, shape).any()


@pytest.mark.parametrize(
    ("name", "n_labels", "options", "message"),
    [
        (
            "linear",
            3,
            {},
            "head must be one of cdl, dqc, mlp, .*, got 'linear'; set heads in the config",
        ),
        ("cdl", 0, {}, "n_labels must be >= 1, got 0"),
        ("cdl", 3, {"layers": 2}, "head 'cdl' has no option 'layers'; allowed: none"),
        ("product", 3, {"layer": 2}, "head 'product' has no option 'layer'; allowed: layers, init"),
        ("dqc", 3, {"layers": 0}, "head.dqc.layers must be an integer >= 1, got 0; set it"),
        (
            "dqc",
            3,
            {"shots": {"number": 9, "gradient": "adjoint"}},
            "gradient must be one of parameter_shift, spsa",
        ),
        ("dqc", 3, {"init": "ones"}, "init must be one of uniform, normal, small, zeros, got 'ones'"),
        ("random", 3, {"train_circuit": True}, "head 'random' takes no train_circuit, got True: its"),
        ("permuted", 3, {"permutation_seed": -1}, r"permutation_seed must be an integer from 0 to 2\^32 - 1, got -1"),
        ("permuted", 30, {}, "engine 'statevector' needs 24,576 MB for one sample of 30 qubits, .*raise memory_mb"),
        ("fourier", 3, {"features": 0}, "features must be an integer >= 1, got 0; set features in the head's options"),
        ("fourier", 3, {"bandwidth": -1.0}, "bandwidth must be > 0 and finite, got -1.0; set bandwidth"),
        ("mps", 3, {"bond": 0}, "bond must be an integer >= 1, got 0; set bond in the head's options"),
        ("bottleneck", 3, {"width": 2}, "head 'bottleneck' has no option 'width'; allowed: none"),
        ("dqc", 3, {"engine": "abacus"}, "engine must be one of .*, got 'abacus'"),
    ],
)
def test_bad_heads_are_refused(name, n_labels, options, message):
    with pytest.raises(InputError, match=message):
        create(name, 12, n_labels, key=jax.random.key(0), options=options)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("random", {"engine": "tensor"}, "head.random.engine must be one of pennylane, statevector, chain, auto, got "),
        ("dqc", {"layers": 0}, "head.dqc.layers must be an integer >= 1, got 0"),
        ("dqc", {"engine": "chain", "layers": 6}, "head.dqc.engine 'chain' takes at most 5 layers"),
        ("dqc", {"engine": "chain", "form": "walk", "layers": 4}, "head.dqc.layers must be <= 3 for the form walk"),
        ("dqc", {"encoding": "RZ", "rotation": "RZ"}, "head.dqc.encoding and rotation must leave the circuit"),
        ("dqc", {"pattern": "star"}, "head.dqc.pattern must be one of ring, chain, none, all_to_all, got 'star'"),
        ("dqc", {"shots": {"number": 10, "step": 0}}, "head.dqc: step must be > 0, got 0"),
    ],
)
def test_an_error_of_the_circuit_names_the_configurations_key(kind, options, message, unchecked):
    with pytest.raises(InputError, match=f"^{message}"):
        create(kind, 5, 3, key=jax.random.key(0), options=options)
