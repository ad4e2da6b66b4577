"""A whole classifier of ours in torch and PennyLane, from our arrays: the peer of a training step, and of a training.

transformers' ResNet carries a linear head (`cdl`) or the paper's dressed circuit as PennyLane's `TorchLayer` (`dqc`).
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qcxr.bench import torchnets
from qcxr.bench.peers.case import Case, Gates
from qcxr.errors import InputError

# by torch's name in the head, ours
HEAD = {
    "head.preprocess.weight": "head.preprocess.kernel",
    "head.postprocess.weight": "head.postprocess.kernel",
    "head.quantum.weights": "head.quantum",
}
COUNTERS = "num_batches_tracked"  # of torch's BatchNorm: decides nothing where the momentum is a number


def build(
    section: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    head: str,
    batch_norm: str = "running",
    device: str = "default.qubit",
) -> Any:
    """A torch module from normalised images (batch, channels, height, width) to logits, in training mode.

    section: a resolved `backbone:` section of a ResNet. arrays: of the whole classifier, as `collect` of
    `qcxr.models.arrays` gives them. head: `cdl` or `dqc`. batch_norm: `running` keeps the statistics, as in our models.
    device: PennyLane's; `default.qubit` is differentiated by backpropagation, any other by the adjoint method. Raises
    `InputError`.
    """
    import torch  # here: a peer, not installed everywhere

    if section["name"] != "resnet":
        raise InputError(f"a whole model in torch has a resnet, got {section['name']}; choose another backbone")

    class Network(torch.nn.Module):
        def __init__(self, body: torch.nn.Module, pooled: Callable[[Any], Any], top: torch.nn.Module) -> None:
            super().__init__()
            self.backbone, self.head, self._pooled = body, top, pooled

        def train(self, mode: bool = True) -> "Network":
            super().train(mode)
            self.backbone.train(mode and batch_norm == "batch")
            return self

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.head(self._pooled(images))

    body, pooled, width = torchnets.make(section)
    network = Network(body, pooled, _head(head, width, arrays, device))
    return _fill(network, arrays).train()


def collect(network: Any) -> dict[str, np.ndarray]:
    """The module's arrays by our names and in our order of axes, parameters and statistics: what `build` was given."""
    return {
        ours(name): _axes(ours(name), tensor.detach().cpu().numpy(), ((2, 3, 1, 0), (1, 0)))
        for name, tensor in network.state_dict().items()
        if not name.endswith(COUNTERS)
    }


def ours(name: str) -> str:
    """Our name for an array of the module: `head.preprocess.weight` -> `head.preprocess.kernel`."""
    from qcxr.models.families.resnet import rename  # here: it imports JAX

    part, _, rest = name.partition(".")
    return f"backbone.{rename(rest)}" if part == "backbone" else HEAD.get(name, name)


def circuit(case: Case, device: str = "default.qubit") -> Any:
    """The case's circuit as PennyLane's `TorchLayer`: angles (batch, qubits) in radians -> <Z> (batch, qubits)."""
    import pennylane as qml  # only in the process of this peer
    import torch  # only in the process of this peer

    method = "backprop" if device == "default.qubit" else "adjoint"
    gates = Gates(qml.Hadamard, lambda i, angle: qml.RY(angle, i), lambda *pair: qml.CNOT(pair))

    @qml.qnode(qml.device(device, wires=case.n_qubits), interface="torch", diff_method=method)
    def read(inputs: Any, weights: Any) -> list[Any]:
        case.play(gates, weights, inputs.movedim(-1, 0))  # a qubit's angles of all samples at once
        return [qml.expval(qml.Z(i)) for i in range(case.n_qubits)]

    return qml.qnn.TorchLayer(read, {"weights": case.weights.shape}, {"weights": torch.tensor(case.weights)})


def _head(head: str, width: int, arrays: Mapping[str, np.ndarray], device: str) -> Any:
    from torch import nn  # here: a peer, not installed everywhere

    class Angles(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.tanh() * (np.pi / 2)

    n_labels = len(arrays["head.preprocess.bias"])
    first = nn.Linear(width, n_labels)
    if head == "cdl":
        return nn.Sequential(OrderedDict(preprocess=first))
    if head == "dqc":
        quantum = circuit(Case(arrays["head.quantum"], np.zeros((0, n_labels))), device)
        last = nn.Linear(n_labels, n_labels)
        return nn.Sequential(OrderedDict(preprocess=first, angles=Angles(), quantum=quantum, postprocess=last))
    raise InputError(f"torch's side has the heads cdl and dqc, got {head}; choose one of them")


def _fill(network: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Our arrays in the module; each has its place and each place its array, or `InputError`."""
    import torch  # here: a peer, not installed everywhere

    places = {name: ours(name) for name in network.state_dict() if not name.endswith(COUNTERS)}
    if wrong := set(places.values()) ^ set(arrays):
        raise InputError(f"array {min(wrong)!r} is in one of both models only; give the section and head of the arrays")
    values = {name: torch.tensor(_axes(of, arrays[of], ((3, 2, 0, 1), (1, 0)))) for name, of in places.items()}
    network.load_state_dict(values, strict=False)  # not torch's counters
    return network


def _axes(name: str, value: np.ndarray, order: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """A kernel of a convolution or of a linear layer with its axes in that order; anything else as it is."""
    if not name.endswith(".kernel"):
        return value
    return np.ascontiguousarray(value.transpose(order[0] if value.ndim == 4 else order[1]))
