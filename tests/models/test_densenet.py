"""DenseNet against a plain one in torch; torchxrayvision's files, whole modules too, by stand-ins."""

import sys
import types

import jax
import numpy as np
import pytest
from flax import nnx

from qcxr.bench.peers import torchnets
from qcxr.errors import InputError
from qcxr.models import arrays, backbones
from qcxr.models.arrays import channels_last
from qcxr.models.families import densenet, xrv
from qcxr.models.families.densenet import rename
from qcxr.study.provenance import code_hash
from qcxr.study.sections import Backbone, Image
from qcxr.training.backbone import check_size

from .parity import distance, features_and_gradients, target_of, to_torch

SMALL = {"growth_rate": 6, "block_config": [1, 2], "num_init_features": 8, "bn_size": 2}


def plain(**config):
    """The plain DenseNet that is timed beside ours, all arrays random, statistics too, with a classifier behind it."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model, channels = torchnets.densenet(**config)
    model.classifier = torch.nn.Linear(channels, 18)
    with torch.no_grad():
        for name, value in [*model.named_parameters(), *model.named_buffers()]:
            if value.ndim == 1 and value.is_floating_point():
                value.copy_(torch.rand_like(value) + (0.0 if "mean" in name or "bias" in name else 0.5))
    return model


def renamed(tensors):
    """Torch's tensors by our names, in our order."""
    return {ours: channels_last(np.asarray(value)) for name, value in tensors if (ours := rename(name)) is not None}


def ours(config, mode, values, **options):
    network = backbones.create(
        {"name": "densenet", "config": config}, key=jax.random.key(0), batch_norm=mode, precision="float32", **options
    )
    return arrays.fill(network, values)


@pytest.mark.parametrize(("mode", "remat"), [("running", False), ("batch", True)])
def test_features_gradients_and_statistics_are_torchs(images, mode, remat):
    torch = pytest.importorskip("torch")
    reference = plain(**SMALL)
    values = renamed((name, value.numpy().copy()) for name, value in reference.state_dict().items())
    network, batch = ours(SMALL, mode, values, remat=remat), images(4, 50, 44)
    features, found = features_and_gradients(network, batch)
    reference.double().train(mode == "batch")
    expected = reference.forward(to_torch(batch).double())
    (expected * torch.from_numpy(target_of(network, batch))).sum().backward()
    assert distance(features, expected.detach().numpy()) < 1e-5
    wanted = renamed((name, p.grad.numpy()) for name, p in reference.named_parameters() if p.grad is not None)
    assert found.keys() == wanted.keys()
    far = {key: distance(found[key], wanted[key]) for key in found}
    if mode == "batch":  # the next layers' statistics nearly undo these: small differences (in float64 equal to 6e-12)
        assert max(far.pop(f"stem.norm.{part}") for part in ("scale", "bias")) < 2e-2
    assert not {key: value for key, value in far.items() if value > 1e-4}
    after, moved = arrays.collect(network), renamed((n, b.numpy()) for n, b in reference.named_buffers())
    for name, value in moved.items():
        assert distance(after[name], value) < 1e-5
        assert np.array_equal(after[name], values[name]) == (mode == "running")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """torchxrayvision's shapes, but small; a cache of its own; a function: name, what is saved -> its file."""
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    small = densenet.from_scratch(densenet.DenseNetConfig.from_dict({**SMALL, "num_channels": 1}))
    monkeypatch.setitem(xrv.NETWORKS, "xrv-densenet121", xrv.NETWORKS["xrv-densenet121"]._replace(description=small))

    def save(name, content, **options):
        torch.save(content, tmp_path / name, **options)
        return str(tmp_path / name)

    return save


def loaded(path):
    return backbones.create(
        {"name": "xrv-densenet121", "weights": path}, key=jax.random.key(0), batch_norm="running", precision="float32"
    )


@pytest.fixture
def whole(monkeypatch):
    """A pickled module of a class that is gone when the file is read, as torchxrayvision publishes its DenseNets."""
    torch = pytest.importorskip("torch")
    module = types.ModuleType("torchxrayvision.models")
    made = type("DenseNet", (torch.nn.Module,), {"__module__": module.__name__})
    dense = type("_DenseBlock", (torch.nn.Module,), {"__module__": module.__name__})
    module.DenseNet, module._DenseBlock = made, dense
    monkeypatch.setitem(sys.modules, "torchxrayvision", types.ModuleType("torchxrayvision"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    reference = plain(**SMALL, num_channels=1)
    model = made()
    for layer in reference.features.modules():
        if type(layer).__name__ == "Block":
            layer.__class__ = dense
    model.features, model.classifier = reference.features, reference.classifier
    model.op_threshs, model.targets = [0.1, float("nan")], ["Mass", ""]
    return model


def test_a_state_dict_and_a_whole_module_give_the_same_network_once(files, whole, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    reference = plain(**SMALL, num_channels=1).eval()
    paths = [files("state.pt", reference.state_dict()), files("whole.pt", whole)]
    monkeypatch.delitem(sys.modules, "torchxrayvision.models")
    first, second = (arrays.collect(loaded(path)) for path in paths)
    assert first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)
    assert len(list((tmp_path / "cache/qcxr").glob("xrv-densenet121-*.safetensors"))) == 2
    monkeypatch.setattr(torch, "load", None)  # read from the cache from now on
    gray = np.random.default_rng(0).integers(0, 256, (2, 64, 64)).astype(np.float32)
    described = backbones.describe({"name": "xrv-densenet121", "weights": paths[1]})
    scaled = (gray[..., None] / 255 - np.float32(described.mean)) / np.float32(described.std)
    np.testing.assert_allclose(scaled[..., 0], (2 * gray / 255 - 1) * 1024, rtol=0, atol=1e-3)
    expected = reference.forward(to_torch(scaled.astype(np.float32))).detach().numpy()
    assert distance(nnx.jit(loaded(paths[1]))(scaled), expected) < 1e-5


class Evil:
    """What is executed if a pickle of it is read as such: it makes a file."""

    def __init__(self, made):
        self.made = str(made)

    def __reduce__(self):
        return (open, (self.made, "w"))


def test_what_would_run_code_or_is_no_network_is_refused_in_one_line(files, whole, tmp_path):
    made = tmp_path / "made"
    for content in (Evil(made), {"a.b": Evil(made)}):
        with pytest.raises(InputError, match=r"cannot be read without running its code .*torch.save\(model.state_dict"):
            loaded(files("evil.pt", content))
    assert not made.exists()
    with pytest.warns(UserWarning, match="source code"), pytest.raises(InputError, match="without running its code"):
        loaded(files("legacy.pt", whole, _use_new_zipfile_serialization=False))
    with pytest.raises(InputError, match="holds no arrays by name"):
        loaded(files("empty.pt", {"epoch": 3}))
    (tmp_path / "text.pt").write_text("no torch file")
    with pytest.raises(InputError, match=r"text.pt (cannot be read|is not a torch file)"):
        loaded(str(tmp_path / "text.pt"))
    with pytest.raises(InputError, match="no file .*/gone.pt; set it to one that you have; torchxrayvision keeps"):
        loaded("/nowhere/gone.pt")
    other = plain(**{**SMALL, "growth_rate": 4}, num_channels=1).state_dict()
    with pytest.raises(InputError, match="other.pt: array .* must have shape"):
        loaded(files("other.pt", other))


def test_a_file_of_other_numbers_is_read_and_what_does_not_fit_is_not_kept(files, tmp_path):
    """bfloat16, which numpy lacks; names that only look like a DenseNet's, and a wrong shape, leave no file behind."""
    torch = pytest.importorskip("torch")
    kept, state = tmp_path / "cache/qcxr", plain(**SMALL, num_channels=1).state_dict()
    for name in (
        "features.normal.weight",
        "features.denseblockX.denselayer1.norm1.weight",
        "features.transitionX.conv.a",
    ):
        with pytest.raises(InputError, match=f"array '{name}' has no place in the model"):
            loaded(files("odd.pt", {**state, name: torch.zeros(2)}))
    assert xrv.rename_resnet("layerx.0.conv1.weight") == "layerx.0.conv1.weight"
    assert not list(kept.glob("*"))
    half = {name: value.bfloat16() if value.is_floating_point() else value for name, value in state.items()}
    found = arrays.collect(loaded(files("half.pt", half)))
    assert {value.dtype for value in found.values()} == {np.dtype("float32")}
    (one,) = kept.glob("*")
    assert one.name.endswith(f"-{code_hash('qcxr.models.families.xrv')}.safetensors")


@pytest.mark.parametrize("blocks", [3, 4])
def test_films_too_small_for_the_map_are_refused_and_no_others(blocks):
    section = {"name": "densenet", "config": {**SMALL, "block_config": [1] * blocks}}
    network = backbones.create(section, key=jax.random.key(0), batch_norm="running", precision="float32")
    smallest = backbones.describe(section).smallest

    def run(side):
        check_size(Backbone(**section), Image(resize=side, crop=side))
        return jax.eval_shape(network, jax.ShapeDtypeStruct((1, side, side, 3), np.float32))

    assert run(smallest).shape == (1, network.n_features)
    with pytest.raises(InputError, match=f"image.crop must be at least {smallest}, below which nothing is left of the"):
        run(smallest - 1)
    with pytest.raises(ZeroDivisionError):
        jax.eval_shape(network, jax.ShapeDtypeStruct((1, smallest - 1, smallest - 1, 3), np.float32))


def test_names_of_torchvisions_resnet():
    for theirs, name in (
        ("conv1.weight", "stem.kernel"),
        ("bn1.running_var", "stem.norm.var"),
        ("layer1.2.conv3.weight", "stages.0.blocks.2.convs.2.kernel"),
        ("layer4.0.bn1.bias", "stages.3.blocks.0.convs.0.norm.bias"),
        ("model.layer2.0.downsample.0.weight", "stages.1.blocks.0.shortcut.kernel"),
        ("layer2.0.downsample.1.weight", "stages.1.blocks.0.shortcut.norm.scale"),
        ("fc.weight", None),
        ("bn1.num_batches_tracked", None),
        ("layer9.odd.weight", "layer9.odd.weight"),
    ):
        assert xrv.rename_resnet(theirs) == name


def test_densenet121_has_the_published_size():
    """Torchvision's table of weights, less ImageNet's classifier (1,025,000); every array has its place."""
    reference = plain()
    names = {rename(name) for name in reference.state_dict()} - {None}
    network = backbones.create(
        {"name": "densenet121"}, key=jax.random.key(0), batch_norm="running", precision="float32"
    )
    assert arrays.collect(network).keys() == names and network.n_features == 1024
    assert sum(v.size for v in jax.tree.leaves(nnx.state(network, nnx.Param))) == 7_978_856 - 1_025_000
