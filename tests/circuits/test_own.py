"""Circuits of one's own: traced functions against PennyLane's QNodes of the same, and what is refused."""

import functools
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest

from qcxr.circuits.own import load, own, seeing
from qcxr.circuits.traced import Traced, ignored
from qcxr.errors import InputError
from qcxr.study import function as files

ROOT = Path(__file__).parents[2]
EXAMPLES = f"{ROOT}/docs/own_circuits.py"
QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
LINE = 3  # qubits of the functions below


def strong(weights, angles):
    qml.AngleEmbedding(angles, range(LINE), rotation="Y")
    qml.StronglyEntanglingLayers(weights, range(LINE), ranges=[1, 1])
    return [qml.expval(qml.Z(i)) for i in range(LINE)]


def arithmetic(weights, angles):
    """Angles that meet weights, numbers and functions before a gate; a gate of weights alone in between."""
    for i in range(LINE):
        qml.RY(weights[0, i] * angles[i] + 0.3, i)
        qml.RX(np.pi * weights[1, i], i)
    qml.IsingZZ((np.pi - angles[0]) * (np.pi - angles[1]), [0, 1])
    qml.CRY(qml.math.arctan(weights[1, 0]), [2, 1])
    qml.RY(0.7, 2)
    return qml.expval(qml.Z(0)), qml.expval(qml.X(1) @ qml.Z(2)), qml.expval(0.5 * qml.Y(0) + 2 * qml.Z(2) @ qml.Z(1))


def indexed(weights, angles):
    """Elements reached in every way that JAX has, gates that PennyLane decomposes, an observable that is a matrix."""
    mixed = jnp.concatenate([weights.T.reshape(-1), angles, jnp.zeros(2)])
    stacked = jnp.stack([angles, weights[0]])
    for i in range(LINE):
        qml.RY(jnp.flip(weights, 0)[0, i], i)
        qml.RX(mixed[i + 4], i)
        qml.RY(angles[jnp.array([2, 0, 1])][i], i)
        qml.RX(jnp.roll(angles, 1)[i], i)
        qml.RY(stacked[1, i] + stacked[0, i], i)
        qml.RX(mixed[-1], i)
        qml.RY(angles.reshape(LINE, 1)[::-1][i, 0], i)
        qml.RX(jnp.squeeze(weights[None])[1, i], i)
        qml.RY(angles[None, :].repeat(2, 0)[1, i], i)
        qml.CNOT([i, (i + 1) % LINE])
        qml.ctrl(qml.RY, control=0)(weights.sum(), wires=1)
    return [qml.expval(qml.Hadamard(1)), qml.expval(qml.Hermitian(np.array([[1, 2j], [-2j, 0.5]]), 2))]


def other_wires(weights, angles):
    """Wires with names, an exchange, gates of three parameters, one value."""
    qml.Rot(*weights[0], wires="a")
    qml.SWAP(["a", "b"])
    qml.RY(angles[2], "a")
    qml.U3(angles[0], weights[1, 0], angles[1], wires="c")
    qml.CNOT(["b", "c"])
    qml.CZ(["a", "c"])
    return qml.expval(qml.Z("b") + qml.X("c"))


def noisy(weights, angles):
    """Channels, one with a rate that angles decide, and a gate of two parameters that angles and numbers feed."""
    for i in range(LINE):
        qml.RY(angles[i], i)
        qml.RX(weights[0, i], i)
        qml.AmplitudeDamping(0.1, i)
    qml.CNOT([0, 1])
    qml.CNOT([2, 1])
    qml.DepolarizingChannel(angles[1] ** 2 / 20, 1)
    qml.GeneralizedAmplitudeDamping(0.2, angles[0] ** 2 / 20, 0)
    return [qml.expval(qml.Z(i)) for i in range(LINE)]


FUNCTIONS = {strong: (2, LINE, 3), arithmetic: (2, LINE), indexed: (2, LINE), other_wires: (2, LINE), noisy: (1, LINE)}


def drawn(shape, batch=3):
    rng = np.random.default_rng(3)
    return rng.uniform(-2, 2, shape), rng.uniform(-1.5, 1.5, (batch, LINE))


def ours(circuit, w, x, g):
    def both(w, x, g):
        z, pull = jax.vjp(circuit, w, x)
        return z, *pull(g)

    return [np.asarray(a) for a in jax.jit(both).lower(w, x, g).compile(compiler_options=QUICK)(w, x, g)]


def theirs(function, w, x, g):
    device = qml.device("default.mixed" if function is noisy else "default.qubit", wires=["a", "b", "c"])
    if function is not other_wires:
        device = qml.device(device.name, wires=LINE)
    node = qml.QNode(function, device, interface="jax", diff_method="backprop")

    def values(w, row):
        out = node(w, row)
        return jax.numpy.stack(out) if isinstance(out, list | tuple) else out[None]

    pulls = [jax.vjp(values, w, row) for row in x]
    slopes = [pull(cotangent) for (_, pull), cotangent in zip(pulls, g, strict=True)]
    return np.stack([z for z, _ in pulls]), sum(dw for dw, _ in slopes), np.stack([dx for _, dx in slopes])


CASES = [(function, engine) for function in FUNCTIONS for engine in ("chain", "dense")]


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(("function", "engine"), CASES)
def test_a_function_has_the_values_and_gradients_of_pennylanes_qnode(function, engine):
    shape = FUNCTIONS[function]
    w, x = drawn(shape)
    circuit = Traced(function, shape, LINE, engine=engine)
    assert circuit.engine == engine
    g = np.random.default_rng(4).normal(size=(len(x), len(circuit.tape.sums)))
    with jax.enable_x64(True):
        want = theirs(function, w, x, g)
        for a, b in zip(ours(circuit, w, x, g), want, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-10)
    for a, b in zip(ours(circuit, *(a.astype("float32") for a in (w, x, g))), want, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=1e-5 * max(1, np.abs(b).max()))


def test_a_qnode_stands_for_its_function():
    node = qml.QNode(strong, qml.device("default.qubit", wires=LINE))
    assert Traced(node, (2, LINE, 3), LINE).tape == Traced(strong, (2, LINE, 3), LINE).tape


def test_parameters_are_told_apart():
    """Angles are looked up sample by sample, weights once; numbers are on the tape; what is computed, is."""
    plain = Traced(strong, (2, LINE, 3), LINE)
    assert plain.tape.n_angles == LINE and plain.tape.weights == (18,)
    assert "squeeze[" not in str(jax.make_jaxpr(plain._trace("float32").feeds)(*drawn((2, LINE, 3))))
    assert ignored(plain) is None
    mixed = Traced(arithmetic, (2, LINE), LINE).tape
    assert mixed.n_angles == LINE + 1  # RY of each qubit and IsingZZ
    assert mixed.weights == (LINE + 1,)  # RX of each qubit and CRY
    assert [feed.factor for gate in mixed.gates for feed in gate.feeds if feed.source == "number"] == [0.7]


def test_samples_may_have_any_axes_and_vmap_is_the_same():
    circuit = Traced(strong, (2, LINE, 3), LINE)
    w, x = drawn((2, LINE, 3), batch=4)
    z = circuit(w, x)
    assert circuit(w, x[0]).shape == (LINE,)
    np.testing.assert_allclose(circuit(w, x.reshape(2, 2, LINE)).reshape(4, LINE), z, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda row: circuit(w, row))(x), z, atol=1e-6)
    with pytest.raises(InputError, match=r"weights must have shape \(2, 3, 3\) and angles \(..., 3\), got \(3, 3\)"):
        circuit(w[0], x)


def blind_to_angles(weights, angles):
    for i in range(LINE):
        qml.Hadamard(i)
        qml.RX(angles[i], i)
        qml.RY(weights[i], i)
    return [qml.expval(qml.Z(i)) for i in range(LINE)]


def blind_to_weights(weights, angles):
    for i in range(LINE):
        qml.RY(angles[i], i)
        qml.RZ(weights[i], i)
    return [qml.expval(qml.Z(i)) for i in range(LINE)]


@pytest.mark.parametrize(("function", "ignores"), [(blind_to_angles, "angles"), (blind_to_weights, "weights")])
def test_a_circuit_that_ignores_what_it_is_given_is_refused(function, ignores):
    with pytest.raises(InputError, match=f"my.py:f must leave .* expectation values ignore the {ignores} "):
        seeing("my.py:f", Traced(function, (LINE,), LINE))


def random(weights, angles):
    qml.RY(weights[0] + angles[0] + np.random.default_rng().normal(), 0)
    return qml.expval(qml.Z(0))


def counts(weights, angles):
    qml.RY(weights[0], 0)
    return qml.counts()


def weighed(weights, angles):
    qml.RY(angles[0], 0)
    return qml.expval(weights[0] * qml.Z(0))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (random, "must give the same circuit at every call, got two different ones; draw nothing"),
        (counts, r"must return a list of qml.expval, got .*; return \[qml.expval"),
        (weighed, "coefficients must be numbers, got some that depend on weights or angles"),
    ],
)
def test_what_is_no_circuit_is_refused(function, message):
    with pytest.raises(InputError, match=message):
        Traced(function, (LINE,), LINE)


def test_both_costs_are_in_the_refusal_of_a_circuit_that_no_engine_runs():
    def far(weights, angles):
        n = len(angles)
        for i in range(n):
            qml.RY(angles[i], i)
        for i in range(n):
            for j in range(i):
                qml.IsingXY(weights[0], [i, j])
        return qml.expval(qml.Z(0))

    with pytest.raises(InputError, match=r"the chain's environments may hold 2\^\d+ numbers, a dense .* takes 2\^30"):
        Traced(far, (1,), 30)


def test_an_engine_that_has_no_room_is_refused_before_it_is_called():
    def wide(weights, angles):
        qml.AngleEmbedding(weights[0] + angles, range(30))
        return qml.expval(qml.Z(0))

    with pytest.raises(InputError, match=r"engine 'dense' cannot run this circuit of 30 qubits; use auto"):
        Traced(wide, (1,), 30, engine="dense")


# ---- files


def written(tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    return f"{tmp_path}/mine.py:layers"


PLAIN = """
import pennylane as qml

def layers(weights, angles, turns=1):
    for i, (w, x) in enumerate(zip(weights, angles)):
        qml.RY(w + turns * x, i)
    return [qml.expval(qml.Z(i)) for i in range(len(angles))]
"""


def test_the_weights_shape_comes_from_the_key_or_from_the_function(tmp_path):
    file = written(tmp_path, PLAIN)
    assert own(4, function=file, weights=["labels"]).shape == (4,)
    with pytest.raises(InputError, match=r"mine.py:layers: the shape of the weights must be known, got no attribute"):
        own(4, function=file)
    file = written(tmp_path, PLAIN + "\nlayers.shape = lambda labels, turns=1: (labels + turns - 1,)\n")
    assert own(4, function=file, arguments={"turns": 3}).shape == (6,)
    angles = np.ones((1, 4), np.float32)
    z = own(4, function=file, arguments={"turns": 3})(np.zeros(6, np.float32), angles)
    np.testing.assert_allclose(z, np.cos(3 * angles), atol=1e-6)
    assert own(2, function=f"{EXAMPLES}:bricks", arguments={"layers": 4}).shape == (5, 2)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("def other(): ...", {}, "must have the function layers, got other; set head.circuit.function"),
        ("def layers(:", {}, "must be Python, got invalid syntax .*; correct it"),
        ("def layers(): ...\n1 / 0", {}, "must run, got ZeroDivisionError: division by zero; correct it"),
        ("import own_twin\ndef layers(): ...", {}, "must stand alone, .* got an import of own_twin from beside it"),
        ("def layers():\n    from . import x", {}, "must stand alone, .* got an import of . from beside it"),
        (PLAIN, {"weights": [0]}, r"weights must have a shape of whole numbers >= 1, got \[0\]"),
        (PLAIN, {"weights": [2], "arguments": {"depth": 1}}, "got TypeError: layers.* unexpected keyword argument"),
        (PLAIN.replace("range(len(angles))", "range(2)"), {"weights": [3]}, "one .* per label, 3 for this task, got 2"),
        (PLAIN, {"weights": [3], "digest": "0" * 16}, r"must say what it said .*\(digest 0{16}\), got [0-9a-f]{16}"),
    ],
)
def test_files_that_give_no_circuit_are_refused_in_one_line(tmp_path, text, options, message):
    (tmp_path / "own_twin.py").write_text("")
    with pytest.raises(InputError, match=message) as caught:
        own(3, function=written(tmp_path, text), **options)
    assert "\n" not in str(caught.value)


def test_only_what_a_file_says_is_in_its_digest(tmp_path):
    before = files.digest(written(tmp_path, PLAIN))
    told = PLAIN.replace("turns=1):", 'turns=1):  # how often\n    """Rotations."""\n\n')
    assert files.digest(written(tmp_path, "# mine\n" + told)) == before
    assert files.digest(written(tmp_path, PLAIN.replace("qml.RY", "qml.RX"))) != before
    assert re.fullmatch("[0-9a-f]{16}", before)
    file = written(tmp_path, PLAIN)
    assert own(2, function=file, weights=["labels"], digest=before).shape == (2,)


# ---- the worked example of docs/circuits.md


def spread(circuit, films=64):
    """Standard deviation over films of each <Z_k>, its median over qubits, at one draw of the paper's weights."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0, 2 * np.pi, circuit.shape).astype("float32")
    angles = (np.pi / 2 * np.tanh(rng.normal(size=(films, circuit.n_angles)))).astype("float32")
    return float(np.median(np.asarray(circuit(weights, angles)).std(0)))


def slope_variance(circuit, draws=48):
    """Variance over random circuits of d<Z_k>/dw for k in the middle, the largest over the weights."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(0, 2 * np.pi, (draws, *circuit.shape)).astype("float32")
    angles = rng.uniform(-np.pi / 2, np.pi / 2, (draws, circuit.n_angles)).astype("float32")
    slope = jax.jit(jax.grad(lambda w, x: circuit(w, x)[circuit.n_angles // 2]))
    return float(np.stack([slope(w, x) for w, x in zip(weights, angles, strict=True)]).var(0).max())


@functools.cache
def example(name, labels):
    return own(labels, function=f"{EXAMPLES}:{name}")


@pytest.mark.slow
@pytest.mark.sample
def test_the_examples_are_pennylanes_circuits():
    for name in ("strong", "bricks"):
        circuit = example(name, 4)
        w, x = np.random.default_rng(0).normal(size=circuit.shape), np.random.default_rng(1).normal(size=4)
        node = qml.QNode(load(f"{EXAMPLES}:{name}"), qml.device("default.qubit", wires=4))
        with jax.enable_x64(True):
            np.testing.assert_allclose(circuit(w, x), node(w, x), atol=1e-10)


PAGE = (ROOT / "docs/circuits.md").read_text(encoding="utf-8")


def of_page(name, labels):
    """(spread of outputs over films, variance of the slope) of a row of the page's table."""
    (row,) = re.findall(rf"^\| `{name}`.* \| {labels} \| (\S+) \| (\S+) \|$", PAGE, re.MULTILINE)
    return tuple(map(float, row))


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(("name", "labels"), [("bricks", 45), ("strong", 8)])
def test_the_pages_signal_is_the_examples(name, labels):
    """Where films move the outputs at all: the brick wall does at 45 qubits what it does at 8."""
    assert spread(example(name, labels)) == pytest.approx(of_page(name, labels)[0], rel=0.05)


@pytest.mark.slow
@pytest.mark.sample
@pytest.mark.parametrize(("name", "labels"), [(name, n) for name in ("strong", "bricks") for n in (8, 45)])
def test_the_pages_table_is_the_examples(name, labels):
    circuit = example(name, labels)
    assert (spread(circuit), slope_variance(circuit)) == pytest.approx(of_page(name, labels), rel=0.05)


def test_the_pages_listing_is_the_file():
    listing = re.search(r"```python\n(def bricks.*?)```", PAGE, re.DOTALL)
    assert listing is not None and listing[1] in Path(EXAMPLES).read_text(encoding="utf-8")
