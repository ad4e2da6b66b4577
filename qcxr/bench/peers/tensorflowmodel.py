"""Whole training steps in TensorFlow: ResNet v1.5 in its operations, from our arrays, and the circuit in others' hands.

keras.applications' ResNet50 is another network: its blocks have their stride elsewhere, and biases before BatchNorm.

XLA compiles the circuit only: on two cores ResNet-50's step (CDL, 8 films of 224 x 224) takes 2.1 s through its own
kernels and 4.4 s with `jit_compile` for all of it. PennyLane's interface runs in 0.45.1, with a warning: it is
deprecated, was to go in 0.44, and is tested no longer.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from qcxr.bench.peers.case import Case, Gates, Peer, Results
from qcxr.bench.peers.model import LEARNING_RATE, Model

EPSILON, MOMENTUM = 1e-5, 0.1  # BatchNorm's, torch's
STATISTICS = ("norm.mean", "norm.var")
JIT = "head"


def step(model: Model, circuit: str = "pennylane", jit: str = JIT) -> Peer:
    """Mean BCE, gradient and keras' Adam in one `tf.function`; circuit: pennylane or tensorcircuit."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import tensorflow as tf  # only in the process of this peer

    z = CIRCUITS[circuit](model) if model.head == "dqc" else None
    if z is not None and jit == "head":
        z = tf.function(z, jit_compile=True, autograph=False)
    network = Network(model, z)
    compiled = jit == "all"
    variables = network.variables()
    trained = [variables[name] for name in network.trained]
    optimizer = tf.keras.optimizers.Adam(LEARNING_RATE, epsilon=1e-8)  # optax's and torch's epsilon
    optimizer.build(trained)
    zeros = [tf.constant(array) for array in model.zeros()]

    @tf.function(jit_compile=compiled, autograph=False)
    def train(films: Any, labels: Any) -> Any:
        value, _, gradients = network.slope(variables, films, labels)
        optimizer.apply(gradients, trained)
        return value

    def results() -> Results:
        fresh = network.variables()
        slope = tf.function(lambda *batch: network.slope(fresh, *batch), jit_compile=compiled, autograph=False)
        value, logits, gradients = slope(model.films(), model.labels())
        found = dict(zip(network.trained, gradients, strict=True))
        by = {f"by {name}": found[name].numpy() for name in model.watched}
        return {"loss": value.numpy(), "logits": logits.numpy()} | by

    return Peer(lambda: float(train(*zeros)), results, _device())


def _device() -> str:
    import tensorflow as tf  # only in the process of this peer

    cards = tf.config.list_physical_devices("GPU")
    return str(tf.config.experimental.get_device_details(cards[0])["device_name"]) if cards else "cpu"


class Network(NamedTuple):
    """A classifier of ours in TensorFlow. circuit: (weights, angles of a batch) -> read-outs, if it has one."""

    model: Model
    circuit: Callable[[Any, Any], Any] | None

    @property
    def trained(self) -> list[str]:
        """Names of the parameters."""
        return [name for name in self.model.arrays if not name.endswith(STATISTICS)]

    def variables(self) -> dict[str, Any]:
        """The model's arrays as new variables, by our names."""
        import tensorflow as tf  # only in the process of this peer

        return {name: tf.Variable(array, dtype=tf.float32) for name, array in self.model.arrays.items()}

    def slope(self, variables: Mapping[str, Any], films: Any, labels: Any) -> tuple[Any, Any, list[Any]]:
        """(mean BCE, logits, its gradients with respect to the trained variables); BatchNorm's statistics move."""
        import tensorflow as tf  # only in the process of this peer

        trained = [variables[name] for name in self.trained]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(trained)
            logits = self.head(variables, self.backbone(variables, films))
            value = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))
        return value, logits, tape.gradient(value, trained)

    def head(self, variables: Mapping[str, Any], features: Any) -> Any:
        """Features -> logits."""
        import tensorflow as tf  # only in the process of this peer

        def linear(name: str, x: Any) -> Any:
            return x @ variables[f"head.{name}.kernel"] + variables[f"head.{name}.bias"]

        first = linear("preprocess", features)
        if self.circuit is None:
            return first
        return linear("postprocess", self.circuit(variables["head.quantum"], tf.tanh(first) * (np.pi / 2)))

    def backbone(self, variables: Mapping[str, Any], films: Any) -> Any:
        """Films, channels last -> pooled features of a ResNet."""
        import tensorflow as tf  # only in the process of this peer

        config = self.model.section["config"]
        activate = {"relu": tf.nn.relu, "relu6": tf.nn.relu6, "gelu": tf.nn.gelu, "silu": tf.nn.silu}[
            config["hidden_act"]
        ]
        layers = Layers(variables, self.model.batch_norm == "batch")
        x = activate(layers.conv("backbone.stem", films, 2))
        # a border of -inf, torch's; TensorFlow's `SAME` would lie on one side only
        x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]], constant_values=x.dtype.min)
        x = tf.nn.max_pool2d(x, 3, 2, "VALID")
        for stage, depth in enumerate(config["depths"]):
            for block in range(depth):
                halved = block == 0 and (stage > 0 or config["downsample_in_first_stage"])
                place = f"backbone.stages.{stage}.blocks.{block}"
                strides = _strides(config, 2 if halved else 1)
                y = x
                for k, stride in enumerate(strides):
                    y = layers.conv(f"{place}.convs.{k}", y, stride)
                    y = tf.nn.relu(y) if k + 1 < len(strides) else y
                if f"{place}.shortcut.kernel" in variables:
                    x = layers.conv(f"{place}.shortcut", x, 2 if halved else 1)
                x = activate(y + x)
        return tf.reduce_mean(x, (1, 2))


def _strides(config: Mapping[str, Any], stride: int) -> list[int]:
    """Of a block's convolutions."""
    if config["layer_type"] == "basic":
        return [stride, 1]
    return [stride, 1, 1] if config["downsample_in_bottleneck"] else [1, stride, 1]


class Layers(NamedTuple):
    """What the network is made of; batch: BatchNorm normalises with the batch's statistics and keeps their average."""

    variables: Mapping[str, Any]
    batch: bool

    def conv(self, name: str, x: Any, stride: int) -> Any:
        """Convolution with torch's border, then BatchNorm."""
        import tensorflow as tf  # only in the process of this peer

        kernel = self.variables[f"{name}.kernel"]
        half = kernel.shape[0] // 2
        border: Any = [[0, 0], [half, half], [half, half], [0, 0]] if half else "VALID"
        x = tf.nn.conv2d(x, kernel, stride, border)
        scale, bias, mean, var = (self.variables[f"{name}.norm.{part}"] for part in ("scale", "bias", "mean", "var"))
        norm = tf.compat.v1.nn.fused_batch_norm
        if not self.batch:
            return norm(x, scale, bias, mean, var, epsilon=EPSILON, is_training=False)[0]
        x, of_batch, var_of_batch = norm(x, scale, bias, epsilon=EPSILON)
        mean.assign_add(MOMENTUM * (of_batch - mean))
        var.assign_add(MOMENTUM * (var_of_batch - var))
        return x


def pennylane(model: Model) -> Callable[[Any, Any], Any]:
    """The circuit as a QNode on `default.qubit`, all films at once, backpropagation; in PennyLane's float64."""
    import pennylane as qml  # only in the process of this peer
    import tensorflow as tf

    case = _case(model)
    gates = Gates(qml.Hadamard, lambda i, angle: qml.RY(angle, i), lambda *pair: qml.CNOT(pair))

    @qml.qnode(qml.device("default.qubit", wires=case.n_qubits), interface="tf", diff_method="backprop")
    def read(weights: Any, angles: Any) -> list[Any]:
        case.play(gates, weights, angles)
        return [qml.expval(qml.Z(i)) for i in range(case.n_qubits)]

    return lambda weights, angles: tf.cast(tf.stack(read(weights, tf.transpose(angles)), 1), tf.float32)


def tensorcircuit(model: Model) -> Callable[[Any, Any], Any]:
    """The circuit in TensorCircuit-NG on TensorFlow: its state vector, a vectorised map over films."""
    import tensorcircuit as tc  # only in the process of this peer
    import tensorflow as tf

    tc.set_backend("tensorflow")
    case = _case(model)

    def one(weights: Any, angles: Any) -> Any:
        circuit = tc.Circuit(case.n_qubits)
        case.play(Gates(circuit.h, lambda i, angle: circuit.ry(i, theta=angle), circuit.cnot), weights, angles)
        return tf.stack([tf.math.real(circuit.expectation_ps(z=[i])) for i in range(case.n_qubits)])

    return lambda weights, angles: tf.vectorized_map(lambda of_film: one(weights, of_film), angles)


CIRCUITS = {"pennylane": pennylane, "tensorcircuit": tensorcircuit}


def _case(model: Model) -> Case:
    return Case(np.zeros((model.n_layers, model.n_labels)), np.zeros((1, model.n_labels)))
