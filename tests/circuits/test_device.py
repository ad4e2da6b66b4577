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


def test_a_hundred_qubits():
    """The paper's circuit as a QNode, its gradient too, against the tuned chain."""
    n, layers = 100, 2
    rng = np.random.default_rng(1)
    w, x = rng.uniform(-3, 3, (layers, n)).astype("float32"), rng.uniform(-1, 1, n).astype("float32")

    def paper(w, x):
        for i in range(n):
            qml.Hadamard(i)
            qml.RY(x[i], i)
        qml.BasicEntanglerLayers(w, range(n), rotation=qml.RY)
        return [qml.expval(qml.Z(i)) for i in range(n)]

    node = qml.QNode(paper, ChainDevice(n), interface="jax")
    engine = make_engine("chain", n, layers)
    got, want = (
        jax.jit(jax.value_and_grad(lambda w, f=f: jnp.sum(jnp.sin(jnp.stack(list(f(w, x)))))))(w)
        for f in (node, engine)
    )
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    np.testing.assert_allclose(got[1], want[1], atol=1e-5)


def test_labels_of_wires():
    def labelled():
        qml.RX(0.3, "b")
        qml.CNOT(["b", "a"])
        return qml.expval(qml.Z("a"))

    for wires in (["a", "b"], None):
        np.testing.assert_allclose(qml.QNode(labelled, ChainDevice(wires))(), np.cos(0.3), atol=1e-10)


@pytest.mark.parametrize(
    "measure", [qml.state, lambda: qml.probs(0), lambda: qml.var(qml.Z(0)), lambda: qml.vn_entropy(0)]
)
def test_only_expectation_values(measure):
    with pytest.raises(DeviceError, match="not accepted for analytic simulation on qcxr.chain"):
        qml.QNode(lambda: measure(), ChainDevice(1))()


def test_no_shots():
    with pytest.raises(InputError, match="leave shots out"):
        ChainDevice(1, shots=10)
    with pytest.raises(DeviceError, match="qcxr.chain"):
        qml.set_shots(qml.QNode(lambda: qml.expval(qml.Z(0)), ChainDevice(1)), 10)()
    with pytest.raises(InputError, match="auto, chain, dense"):
        ChainDevice(1, engine="statevector")


def test_pennylane_finds_it_where_the_package_is_installed():
    found = [p for p in importlib.metadata.entry_points(group="pennylane.plugins") if p.name == "qcxr.chain"]
    if not found:
        pytest.skip("the package was installed before the device was there: install it anew")
    assert found[0].load() is ChainDevice
    assert isinstance(qml.device("qcxr.chain", wires=2), ChainDevice)
