"""Whole training steps in torch: mean BCE, backward pass and its fused Adam, channels last."""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from qcxr.bench.peers import torchmodel
from qcxr.bench.peers.case import Peer, Results
from qcxr.bench.peers.model import LEARNING_RATE, Model
from qcxr.errors import InputError


def step(model: Model, circuit: str = "default.qubit", precision: str = "float32", compiled: bool = False) -> Peer:
    """A classifier of `torchmodel`; circuit: PennyLane's device, through its `TorchLayer`.

    precision: float32; tf32, the rounding of a card's products; or bfloat16, autocast of the backbone. compiled: by
    torch.compile, forward and backward, but for the circuit (tracing PennyLane breaks the graph again and again, then
    fails: torch 2.13, PennyLane 0.45). Raises InputError for tf32 without a card.
    """
    os.environ.setdefault("TORCHINDUCTOR_FORCE_DISABLE_CACHES", "1")  # the first step's time is that of a first time
    import torch  # only in the process of this peer

    cuda = torch.cuda.is_available()
    if precision == "tf32" and not cuda:
        raise InputError("TF32 is of NVIDIA's cards, and there is none")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    network = torchmodel.build(
        model.section,
        model.arrays,
        head=model.head,
        batch_norm=model.batch_norm,
        device=circuit,
        precision=precision,
    ).to("cuda" if cuda else "cpu", memory_format=torch.channels_last)
    loss = _loss(network, compiled)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True)
    zeros = _placed(model.zeros(), cuda)

    def once() -> float:
        optimizer.zero_grad(set_to_none=True)
        value, _ = loss(*zeros)
        value.backward()
        optimizer.step()
        if cuda:
            torch.cuda.synchronize()  # for the optimizer, which the loss does not wait for
        return value.item()

    def results() -> Results:
        reached = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        torchmodel.fill(network, model.arrays)
        optimizer.zero_grad(set_to_none=True)
        value, logits = loss(*_placed((model.films(), model.labels()), cuda))
        value.backward()
        slopes = torchmodel.gather(network, {name: of.grad for name, of in network.named_parameters()})
        network.load_state_dict(reached)
        by = {f"by {name}": slopes[name] for name in model.watched}
        return {"loss": value.detach().cpu().numpy(), "logits": logits.detach().cpu().numpy()} | by

    return Peer(once, results, torch.cuda.get_device_name() if cuda else "cpu")


def _loss(network: Any, compiled: bool) -> Callable[[Any, Any], tuple[Any, Any]]:
    """(films, labels) -> (mean BCE, logits)."""
    import torch  # only in the process of this peer

    def loss(films: Any, labels: Any) -> tuple[Any, Any]:
        logits = network(films)
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, labels), logits

    if not compiled:
        return loss
    if (quantum := getattr(network.head, "quantum", None)) is not None:
        quantum.forward = torch.compiler.disable(quantum.forward)
    return torch.compile(loss)


def _placed(batch: tuple[np.ndarray, np.ndarray], cuda: bool) -> tuple[Any, Any]:
    """Films and labels on the device, films channels last."""
    import torch  # only in the process of this peer

    films, labels = map(torch.from_numpy, batch)
    device = "cuda" if cuda else "cpu"
    return films.permute(0, 3, 1, 2).to(device), labels.to(device)  # channels last they were in numpy
