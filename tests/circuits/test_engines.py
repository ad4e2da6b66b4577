"""Every engine against PennyLane, in value and gradient, for every option of the ansatz."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.circuits import Ansatz, Engine, Noise, make_engine

PAPER = [(1, 3), (2, 3), (3, 1), (3, 2), (4, 3), (6, 3), (4, 4)]
GRID = [(n, layers) for n in range(1, 11) for layers in range(1, 5)]
SAMPLE_GRID = [(1, 2), (2, 1), (2, 4), (3, 3), (5, 4), (7, 2), (8, 3), (10, 1), (10, 4)]  # CI runs these of GRID
LEVELS = {
    "encoding": ("RX", "RY", "RZ"),
    "rotation": ("RX", "RY", "RZ"),
    "entangler": ("CNOT", "CZ"),
    "pattern": ("ring", "chain", "none", "all_to_all"),
    "reupload": (False, True),
}
ALL_OPTIONS = [dict(zip(LEVELS, choice, strict=True)) for choice in itertools.product(*LEVELS.values())]
SOME_OPTIONS = [
    {"rotation": "RX"},
    {"encoding": "RZ"},  # complex amplitudes, but real matrices of the later layers
    {"rotation": "RZ", "encoding": "RX", "reupload": True},
    {"entangler": "CZ", "encoding": "RZ", "rotation": "RX"},
    {"entangler": "CZ", "pattern": "chain", "reupload": True},
    {"pattern": "chain"},
    {"pattern": "none", "rotation": "RX", "reupload": True},
    {"pattern": "all_to_all", "entangler": "CNOT", "rotation": "RX", "encoding": "RZ"},
    {"pattern": "all_to_all", "entangler": "CZ", "reupload": True},
]


def inputs(n, layers, batch, dtype="float64"):
    rng = np.random.default_rng(100 * n + layers)
    return (
        np.asarray(rng.uniform(0, 2 * np.pi, (layers, n)), dtype),
        np.asarray(rng.uniform(-np.pi / 2, np.pi / 2, (batch, n)), dtype),
        np.asarray(rng.normal(size=(batch, n)), dtype),
    )


def in_sample(options):
    """A third of all combinations, in which any three options meet in all their values: levels that sum to 0 mod 3."""
    return sum(LEVELS[name].index(value) for name, value in options.items()) % 3 == 0


def sampled(cases, chosen):
    """The cases as parameters, those of CI's sample marked."""
    return [
        pytest.param(*case, marks=pytest.mark.sample if chosen(*case) else (), id="-".join(map(str, case)))
        for case in cases
    ]


@functools.cache
def oracle(ansatz, batch=2):
    """Value and pulled-back `v` from PennyLane's own adjoint differentiation, without JAX."""
    import pennylane as qml

    from qcxr.circuits.pennylane import circuit

    w, x, v = inputs(ansatz.n_qubits, ansatz.n_layers, batch)
    device = qml.device("default.qubit", wires=ansatz.n_qubits)

    @qml.qnode(device, diff_method="adjoint", interface="autograd")
    def node(w, x):
        return circuit(ansatz, w, x)

    def stacked(w, x):
        return qml.numpy.stack(node(w, x))

    def variable(a):
        return qml.numpy.array(a, requires_grad=True)

    values = np.stack([np.asarray(stacked(w, row)) for row in x])
    jacobians = [qml.jacobian(stacked)(variable(w), variable(row)) for row in x]
    dw = sum(np.tensordot(vi, np.asarray(j[0]), 1) for vi, j in zip(v, jacobians, strict=True))
    dx = np.stack([vi @ np.asarray(j[1]) for vi, j in zip(v, jacobians, strict=True)])
    return values, dw, dx


def value_and_gradient(engine, w, x, v):
    value, pull = jax.vjp(engine, w, x)
    return value, *pull(v)


def check(name, dtype, n, layers, **options):
    ansatz = Ansatz(n, layers, **options)
    with jax.enable_x64(dtype == "float64"):
        engine = Engine(name, ansatz, Noise(), None, {})  # not `make_engine`, which refuses circuits that ignore inputs
        got = jax.jit(functools.partial(value_and_gradient, engine))(*inputs(n, layers, 2, dtype))
        assert {a.dtype.name for a in got} == {dtype}
        for a, b in zip(got, oracle(ansatz), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-10 if dtype == "float64" else 1e-5)


def engines(options):
    return ["statevector"] if options.get("pattern") == "all_to_all" else ["statevector", "chain"]


@pytest.mark.parametrize("n, layers", PAPER)
@pytest.mark.parametrize("name", ["statevector", "chain"])
def test_the_papers_circuit_matches_pennylane(name, n, layers):
    check(name, "float64", n, layers)


@pytest.mark.parametrize("name, n, layers", [("chain", 7, 3), ("statevector", 7, 3), ("auto", 5, 2), ("chain", 3, 4)])
def test_float32_is_close_enough(name, n, layers):
    check(name, "float32", n, layers)


@pytest.mark.parametrize("options", SOME_OPTIONS, ids=str)
def test_ansatz_options_match_pennylane(options):
    for name in engines(options):
        check(name, "float64", 3, 2, **options)


def test_the_pennylane_engine_is_the_oracle():
    w, x, v = inputs(3, 2, 2)
    with jax.enable_x64(True):
        got = value_and_gradient(make_engine("pennylane", 3, 2), w, x, v)
    for a, b in zip(got, oracle(Ansatz(3, 2)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("n, layers", sampled(GRID, lambda *size: size in SAMPLE_GRID))
@pytest.mark.parametrize("name", ["statevector", "chain"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_whole_grid(dtype, name, n, layers):
    check(name, dtype, n, layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    "n, layers, options",
    sampled(((*size, o) for size in ((2, 2), (4, 3)) for o in ALL_OPTIONS), lambda n, _, o: n == 4 and in_sample(o)),
)
def test_every_combination_of_options(n, layers, options):
    for name in engines(options):
        check(name, "float64", n, layers, **options)


def test_the_sample_has_every_size_and_any_three_options_in_all_their_values():
    assert set(SAMPLE_GRID) <= set(GRID) and max(GRID) in SAMPLE_GRID
    assert {layers for _, layers in SAMPLE_GRID} == {layers for _, layers in GRID}
    sample = [tuple(o.values()) for o in ALL_OPTIONS if in_sample(o)]
    for three in itertools.combinations(range(len(LEVELS)), 3):
        wanted = set(itertools.product(*(list(LEVELS.values())[i] for i in three)))
        assert {tuple(chosen[i] for i in three) for chosen in sample} == wanted
    assert len(sample) == 48 == len(ALL_OPTIONS) / 3


@pytest.mark.parametrize("name", ["statevector", "chain"])
def test_gradient_matches_finite_differences(name):
    engine = make_engine(name, 5, 3)
    w, x, v = inputs(5, 3, 1)
    with jax.enable_x64(True):
        loss = jax.jit(lambda w, x: jnp.sum(v * engine(w, x)))
        grads = jax.jit(jax.grad(loss, (0, 1)))(w, x)
        rng, step = np.random.default_rng(0), 1e-5
        for _ in range(5):
            dw, dx = rng.normal(size=w.shape), rng.normal(size=x.shape)
            slope = (loss(w + step * dw, x + step * dx) - loss(w - step * dw, x - step * dx)) / (2 * step)
            np.testing.assert_allclose(np.sum(grads[0] * dw) + np.sum(grads[1] * dx), slope, rtol=1e-8, atol=1e-9)
