"""The device `qcxr.chain`: QNodes on it give what they give on PennyLane's own simulators."""

import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np
import pennylane as qml
import pytest
from pennylane.exceptions import DeviceError

from qcxr.circuits import make_engine
from qcxr.circuits.tapes.device import ChainDevice
from qcxr.errors import InputError

N = 4
# PennyLane 0.45's own: it asks for an old name of JAX under jit
pytestmark = pytest.mark.filterwarnings("ignore:jax.core.is_concrete is deprecated")
WEIGHTS = np.random.default_rng(0).uniform(-2, 2, (3, N))


def circuit(w):
    for i in range(N):
        qml.RY(w[0, i], i)
    for i in range(N - 1):
        qml.CRX(w[1, i], [i, i + 1])
    qml.Rot(*w[2, :3], 0)
    return qml.expval(qml.Z(0) @ qml.X(3)), qml.expval(qml.Hamiltonian([0.5, 2.0], [qml.Z(1), qml.Y(2)]))


def single(w):
    qml.BasisState(np.array([1, 0]), [0, 1])
    qml.RX(w, 1)
    qml.DepolarizingChannel(0.1, 1)
    qml.IsingXY(0.3, [0, 1])
    return qml.expval(qml.Z(1))


def pair(function, wires=N, reference="default.qubit", **options):
    return [
        qml.QNode(function, device, **options) for device in (ChainDevice(wires), qml.device(reference, wires=wires))
    ]


@pytest.mark.slow
@pytest.mark.sample
def test_values_and_gradients_with_jax():
    ours, theirs = pair(circuit, interface="jax")
    with jax.enable_x64(True):
        w = jnp.asarray(WEIGHTS)
        want, slopes = jax.jit(theirs)(w), jax.jit(jax.jacobian(theirs))(w)
        for got in (ours(w), jax.jit(ours)(w)):
            np.testing.assert_allclose(got, want, atol=1e-10)
        np.testing.assert_allclose(jax.jit(jax.jacobian(ours))(w), slopes, atol=1e-10)
        many = jax.vmap(ours)(jnp.stack([w, w + 1]))
        np.testing.assert_allclose([values[0] for values in many], want, atol=1e-10)


def test_numbers_channels_and_parameter_shifts():
    ours, theirs = pair(single, wires=2, reference="default.mixed")
    np.testing.assert_allclose(ours(0.3), theirs(0.3), atol=1e-10)
    at = qml.numpy.array(0.3, requires_grad=True)
    np.testing.assert_allclose(qml.grad(ours)(at), qml.grad(theirs)(at), atol=1e-10)
    rows = np.array([0.1, 0.2, 0.7])
    np.testing.assert_allclose(ours(rows), theirs(rows), atol=1e-10)


def paper(w, x):
    for i in range(w.shape[1]):
        qml.Hadamard(i)
        qml.RY(x[..., i], i)
    qml.BasicEntanglerLayers(w, range(w.shape[1]), rotation=qml.RY)
    return [qml.expval(qml.Z(i)) for i in range(w.shape[1])]


@pytest.mark.slow
@pytest.mark.sample
def test_a_hundred_qubits():
    """The paper's circuit as a QNode: jit, gradients, and samples by vmap and by broadcasting, against the engine."""
    n, layers = 100, 2
    rng = np.random.default_rng(1)
    w, x = (jnp.asarray(rng.uniform(-2, 2, s).astype("float32")) for s in ((layers, n), (3, n)))
    node, engine = qml.QNode(paper, ChainDevice(n), interface="jax"), make_engine("chain", n, layers)
    ways = {
        "vmap": lambda w, x: jax.vmap(lambda row: jnp.stack(node(w, row)))(x),
        "broadcast": lambda w, x: jnp.stack(node(w, x), 1),
        "engine": engine,
    }
    found = {
        name: jax.jit(jax.value_and_grad(lambda w, x, f=f: jnp.sum(jnp.sin(f(w, x))), (0, 1)))(w, x)
        for name, f in ways.items()
    }
    for name in ("vmap", "broadcast"):
        for got, want in zip(jax.tree.leaves(found[name]), jax.tree.leaves(found["engine"]), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.sample
def test_a_hundred_qubits_of_another_circuit():
    """What no engine but the chain of tapes runs; each word's light cone in PennyLane's `default.qubit`."""
    n, layers = 100, 2
    with jax.enable_x64(True):
        w = jnp.asarray(np.random.default_rng(1).uniform(0, 6, (layers, n, 3)))

        def circuit(w, first=0, last=n):
            for layer in range(layers):
                for i in range(first, last):
                    qml.Rot(*w[layer, i], wires=i)
                for i in range(first, last - 1):
                    qml.IsingXX(w[layer, i, 0], [i, i + 1])
            return qml.expval(qml.Z(50) @ qml.Y(51))

        def cone(w):
            return circuit(w, 50 - layers, 52 + layers)  # the IsingXX of a layer commute

        ours = qml.QNode(circuit, ChainDevice(n), interface="jax")
        theirs = qml.QNode(cone, qml.device("default.qubit", wires=range(40, 60)), interface="jax")
        got = jax.jit(jax.value_and_grad(ours))(w)
        want = jax.jit(jax.value_and_grad(theirs))(w)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)


def measured(w):
    qml.RX(w, 0)
    qml.CNOT([0, 1])
    qml.RY(0.4, 1)
    qml.Hadamard(2)
    qml.CRY(0.7, [2, 0])
    matrix = qml.Hermitian(np.array([[1, 0.3], [0.3, 0]]), 1)
    return (
        qml.probs([2, 1]),
        qml.var(qml.X(0) @ qml.Y(1)),
        qml.probs(op=qml.Y(1)),
        qml.var(matrix),
        qml.expval(qml.I(0)),
    )


@pytest.mark.parametrize("w", [0.3, np.array([0.3, 0.4])])
def test_variances_and_probabilities(w):
    ours, theirs = pair(measured, wires=3)
    for got, want in zip(ours(w), theirs(w), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-10)


def test_probabilities_of_a_few_of_a_hundred_qubits():
    def circuit():
        qml.Hadamard(0)
        for i in range(99):
            qml.CNOT([i, i + 1])
        return qml.probs([0, 50, 99])

    np.testing.assert_allclose(qml.QNode(circuit, ChainDevice(100))(), [0.5, 0, 0, 0, 0, 0, 0, 0.5], atol=1e-10)


def test_labels_of_wires():
    def labelled():
        qml.RX(0.3, "b")
        qml.CNOT(["b", "a"])
        return qml.expval(qml.Z("a"))

    for wires in (["a", "b"], None):
        np.testing.assert_allclose(qml.QNode(labelled, ChainDevice(wires))(), np.cos(0.3), atol=1e-10)


@pytest.mark.parametrize(
    "measure", [qml.state, qml.counts, lambda: qml.probs(range(9)), lambda: qml.probs(op=qml.Hadamard(0))]
)
def test_other_measurements_are_refused(measure):
    with pytest.raises(DeviceError, match=r"support|not accepted"):
        qml.QNode(lambda: measure(), ChainDevice(9))()


def test_no_shots():
    with pytest.raises(DeviceError, match=r"qcxr.chain"):
        qml.set_shots(qml.QNode(lambda: qml.expval(qml.Z(0)), ChainDevice(1)), 10)()
    with pytest.raises(InputError, match="auto, chain, dense"):
        ChainDevice(1, engine="statevector")


def test_pennylane_finds_it_where_the_package_is_installed():
    found = [p for p in importlib.metadata.entry_points(group="pennylane.plugins") if p.name == "qcxr.chain"]
    if not found:
        pytest.skip("the package was installed before the device was there: install it anew")
    assert found[0].load() is ChainDevice
    assert isinstance(qml.device("qcxr.chain", wires=2), ChainDevice)
