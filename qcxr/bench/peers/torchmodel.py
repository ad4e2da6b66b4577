"""A whole classifier of ours in torch and PennyLane, from our arrays: the peer of a training step, and of a training.

The backbone (`torchnets`) carries a linear head (`cdl`) or the paper's dressed circuit as PennyLane's `TorchLayer`
(`dqc`).
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from qcxr.bench.peers import torchnames, torchnets
from qcxr.bench.peers.case import Case, Gates
from qcxr.errors import InputError


def build(
    section: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    *,
    head: str,
    batch_norm: str = "running",
    device: str = "default.qubit",
    precision: str = "float32",
) -> Any:
    """A torch module from normalised images (batch, channels, height, width) to logits, in training mode.

    section: a resolved `backbone:` section. arrays: of the whole classifier, as `collect` of `qcxr.models.arrays` gives
    them. head: `cdl` or `dqc`. batch_norm: `running` keeps the statistics, as in our models. device: PennyLane's;
    `default.qubit` is differentiated by backpropagation, any other by the adjoint method. precision: `bfloat16` is
    torch's autocast of the backbone. Raises `InputError`.
    """
    import torch  # here: a peer, not installed everywhere

    class Network(torch.nn.Module):
        def __init__(self, body: torch.nn.Module, pooled: Callable[[Any], Any], top: torch.nn.Module) -> None:
            super().__init__()
            self.backbone, self.head, self._pooled = body, top, pooled
            self.family = section["name"]

        def train(self, mode: bool = True) -> "Network":
            super().train(mode)
            self.backbone.train(mode and batch_norm == "batch")
            return self

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                features = self._pooled(images)
            return self.head(features.float())

    body, pooled, width = torchnets.make(section)
    network = Network(body, pooled, _head(head, width, arrays, device))
    fill(network, arrays)
    return network.train()


def collect(network: Any) -> dict[str, np.ndarray]:
    """The module's arrays by our names and in our order of axes, parameters and statistics: what `build` was given."""
    return gather(network, network.state_dict())


def gather(network: Any, tensors: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Tensors by the module's names, or their gradients, by our names and in our order of axes."""
    parts: dict[str, list[np.ndarray]] = {}
    for name, tensor in tensors.items():  # queries, keys and values come in this order
        if not name.endswith(torchnames.COUNTERS):
            ours = torchnames.place(network.family, name).name
            parts.setdefault(ours, []).append(torchnames.from_torch(tensor.detach().cpu().numpy(), ours))
    return {name: np.concatenate(found, axis=-1) if len(found) > 1 else found[0] for name, found in parts.items()}


def fill(network: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """Our arrays into the module, in place; each has its place and each place its array, or `InputError`."""
    import torch  # here: a peer, not installed everywhere

    state = {name: tensor for name, tensor in network.state_dict().items() if not name.endswith(torchnames.COUNTERS)}
    places = {name: torchnames.place(network.family, name) for name in state}
    if wrong := {place.name for place in places.values()} ^ set(arrays):
        raise InputError(f"array {min(wrong)!r} is in one of both models only; give the section and head of the arrays")
    values = {
        name: torch.tensor(torchnames.to_torch(arrays[place.name], place, tuple(state[name].shape)))
        for name, place in places.items()
    }
    network.load_state_dict(values, strict=False)  # not torch's counters


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
