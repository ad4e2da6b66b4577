"""Ten steps of training here and in torch with PennyLane: from the same arrays, on the same films, the same losses.

The idea is AlgoPerf's (tests/test_traindiffs.py). Our step is the one that runs take, its augmentation off; torch is
given the normalised films.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from qcxr.bench.peers import torchmodel
from qcxr.bench.peers.case import Case
from qcxr.data.feed import Batch
from qcxr.errors import InputError
from qcxr.models import arrays, classifier, groups
from qcxr.study.sections import Augment, Train
from qcxr.training.inputs import reading
from qcxr.training.losses import make_loss
from qcxr.training.optimizers import make_optimizer
from qcxr.training.step import TrainState, make_steps

STEPS, FILMS, SIZE, LABELS = 10, 8, 16, 4
SECTION = {
    "name": "resnet",
    "config": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
}
RATES = {"sgd": 0.05, "adam": 0.01}


def batches():
    """Another batch of uint8 films and labels for each step."""
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        films = rng.integers(0, 256, (FILMS, SIZE, SIZE), np.uint8)
        targets = (rng.random((FILMS, LABELS)) < 0.3).astype(np.float32)
        yield Batch(*map(jnp.asarray, (films, targets, np.ones(FILMS, bool), np.arange(FILMS, dtype=np.int32))))


def trained_here(net, protocol):
    """(the losses of the steps, the arrays after the last, the normalised films of each) of the package's own step."""
    network, inputs = reading(net, views=None, mean=[0.5] * 3, std=[0.25] * 3, augment=Augment(flip=0, rotation=0))
    graphdef, trained, frozen, statistics = groups.split(network)
    optimizer = make_optimizer(protocol, steps_per_epoch=STEPS)
    loss = make_loss(protocol.loss, {}, np.zeros((1, LABELS), np.float32))
    steps = make_steps(graphdef, optimizer=optimizer, loss=loss, inputs=inputs)
    state, losses, films = TrainState(trained, statistics, optimizer.init(trained)), [], []
    for batch in batches():
        films.append(np.asarray(inputs.evaluate(batch)))
        state, value = steps.train(state, frozen, batch, np.uint32(0), np.uint32(0))
        losses.append(float(value))
    return losses, arrays.collect(groups.merge(graphdef, state.trained, frozen, state.statistics)), films


def trained_in_torch(network, films, optimizer):
    """The losses of the same steps in torch."""
    torch = pytest.importorskip("torch")
    losses = []
    for images, batch in zip(films, batches(), strict=True):
        x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        y = torch.from_numpy(np.array(batch.targets))
        optimizer.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(network(x), y)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def torchs_optimizer(name, parameters):
    torch = pytest.importorskip("torch")
    if name == "adam":
        return torch.optim.Adam(parameters, RATES[name])
    return torch.optim.SGD(parameters, RATES[name], momentum=0.9, nesterov=True)


@pytest.fixture
def one_thread():
    """For networks this small torch's threads only wait for each other."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("optimizer", "head", "batch_norm"),
    [
        ("adam", "dqc", "running"),
        pytest.param("adam", "cdl", "batch", marks=pytest.mark.slow),
        pytest.param("sgd", "dqc", "batch", marks=pytest.mark.slow),
        pytest.param("sgd", "cdl", "running", marks=pytest.mark.slow),
    ],
)
def test_ten_steps_are_torchs(one_thread, optimizer, head, batch_norm):
    """Losses to 1e-4 at each step, and every array's way from its start to 1 % of its length.

    Both are a hundred times what rounding gave and more, as an activation may fall on the other side of a ReLU's kink,
    and Adam divides by gradients that may be small.
    """
    net = classifier.build(classifier.Architecture(SECTION, head, LABELS, batch_norm=batch_norm), seed=3)
    start = arrays.collect(net)
    theirs = torchmodel.build(net.architecture.backbone, start, head=head, batch_norm=batch_norm)
    np.testing.assert_equal(torchmodel.collect(theirs), start)
    protocol = Train(optimizer=optimizer, learning_rate=RATES[optimizer], batch_size=FILMS)
    losses, end, films = trained_here(net, protocol)
    expected = trained_in_torch(theirs, films, torchs_optimizer(optimizer, theirs.parameters()))
    np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-4)
    found = torchmodel.collect(theirs)
    assert found.keys() == end.keys()
    for name, value in found.items():
        way = np.linalg.norm(value - start[name])
        assert np.linalg.norm(end[name] - value) <= 0.01 * way, name
        still = batch_norm == "running" and name.endswith(("norm.mean", "norm.var"))
        assert (way == 0) == still, name


def test_lightning_is_the_same_circuit(one_thread):
    """What PennyLane differentiates by the adjoint method has the values and gradients of what it backpropagates."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    case = Case(rng.uniform(0, 6, (2, 3)).astype(np.float32), np.zeros((0, 3)))
    angles = torch.tensor(rng.uniform(-1.5, 1.5, (4, 3)).astype(np.float32), requires_grad=True)
    found = []
    for device in ("default.qubit", "lightning.qubit"):
        layer = torchmodel.circuit(case, device)
        values = layer(angles)
        slopes = torch.autograd.grad((values * torch.arange(12).reshape(4, 3)).sum(), [layer.weights, angles])
        found.append([part.detach().numpy() for part in (values, *slopes)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"section": {"name": "swin"}},
            "torch's side has resnet, vit, densenet, efficientnet-lite0, got swin; take one of them",
        ),
        ({"head": "mlp"}, "torch's side has the heads cdl and dqc, got mlp; choose one of them"),
        (
            {},
            "array 'backbone.stages.0.blocks.0.convs.0.kernel' is in one of both models only; give the section ",
        ),
    ],
)
def test_what_torch_cannot_be_given_is_one_line(changes, said):
    pytest.importorskip("torch")
    alone = {"head.preprocess.bias": np.zeros(LABELS)}
    with pytest.raises(InputError, match=said):
        torchmodel.build(**{"section": SECTION, "arrays": alone, "head": "cdl", **changes})
