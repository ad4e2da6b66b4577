"""ResNet against transformers' torch ResNetModel, on checkpoints that save_pretrained wrote (where torch is)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

from qcxr.errors import InputError
from qcxr.models import arrays, backbones, convolution
from qcxr.models.families.resnet import rename
from qcxr.models.pooling import max_pool
from qcxr.models.resnet import CONFIGS as KNOWN
from qcxr.models.resnet import ResNetConfig

from .checkpoints import write_checkpoint
from .conftest import CONFIGS
from .parity import distance, features_and_gradients, target_of, to_torch

TOLERANCE = 1e-4


def ours(folder, batch_norm="running", **options):
    return backbones.create(
        {"weights": str(folder)}, key=jax.random.key(0), batch_norm=batch_norm, precision="float32", **options
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_pooled_features_in_eval_mode(torch_checkpoint, images, name):
    folder, reference = torch_checkpoint(CONFIGS[name])
    batch = images(3, 57, 70)
    expected = reference(to_torch(batch)).pooler_output[:, :, 0, 0].detach().numpy()
    assert distance(nnx.jit(ours(folder))(batch), expected) < TOLERANCE


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("mode", "remat"), [("running", False), ("batch", True)])
def test_train_mode_features_gradients_and_statistics(torch_checkpoint, images, name, mode, remat):
    torch = pytest.importorskip("torch")
    folder, reference = torch_checkpoint(CONFIGS[name])
    network, batch = ours(folder, mode, remat=remat), images(4, 48, 40)
    before = arrays.collect(network)
    features, gradients = features_and_gradients(network, batch)
    reference.train(mode == "batch")
    expected = reference(to_torch(batch)).pooler_output[:, :, 0, 0]
    (expected * torch.from_numpy(target_of(network, batch))).sum().backward()

    assert distance(features, expected.detach().numpy()) < TOLERANCE
    for theirs, parameter in reference.named_parameters():
        value = parameter.grad.numpy()
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        assert distance(gradients.pop(rename(theirs)), value) < TOLERANCE, theirs
    assert not gradients
    after = arrays.collect(network)
    for theirs, buffer in reference.named_buffers():
        if "running" in theirs:
            name = rename(theirs)
            assert distance(after[name], buffer.numpy()) < TOLERANCE
            assert np.array_equal(after[name], before[name]) == (mode == "running")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), [("basic", "running"), ("bottleneck", "batch")])
def test_the_forms_that_large_shapes_take_give_the_same_network(torch_checkpoint, images, monkeypatch, name, mode):
    monkeypatch.setattr(convolution, "SMALL", 0)
    monkeypatch.setattr(convolution, "NARROW", 1)
    test_train_mode_features_gradients_and_statistics(torch_checkpoint, images, name, mode, False)


def test_resnet50_in_eval_mode(torch_checkpoint, images):
    folder, reference = torch_checkpoint(KNOWN["resnet50"].to_dict())
    batch = images(1, 64, 64)
    expected = reference(to_torch(batch)).pooler_output[:, :, 0, 0].detach().numpy()
    assert distance(nnx.jit(ours(folder))(batch), expected) < TOLERANCE


def test_a_padded_row_changes_nothing(images):
    def network():
        return backbones.create(
            {"name": "resnet", "config": CONFIGS["bottleneck"]},
            key=jax.random.key(3),
            batch_norm="batch",
            precision="float32",
        )

    @nnx.jit
    @nnx.value_and_grad(has_aux=True)
    def run(network, batch, mask):
        features = network(batch, train=True, mask=mask)
        rows = jnp.ones(len(batch)) if mask is None else mask
        return (jnp.sin(features).sum(1) * rows).sum(), features[:3]

    batch = images(5, 40, 40)
    batch[3:] = 100.0
    short, padded = network(), network()
    (_, features), gradient = run(short, batch[:3], None)
    (_, padded_features), padded_gradient = run(padded, batch, jnp.array([True, True, True, False, False]))
    assert distance(padded_features, features) < 1e-5
    for a, b in zip(jax.tree.leaves(padded_gradient), jax.tree.leaves(gradient), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-4 * float(jnp.abs(b).max()) + 1e-6)
    for name, value in arrays.collect(short).items():
        np.testing.assert_allclose(arrays.collect(padded)[name], value, rtol=1e-5, atol=1e-6)


def test_max_pool_by_hand():
    x = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    assert max_pool(jnp.asarray(x))[0, :, :, 0].tolist() == [[6, 8, 9], [16, 18, 19], [21, 23, 24]]


def test_known_configurations_have_the_published_sizes():
    """Torchvision's tables of weights, less ImageNet's classifier; Hugging Face's checkpoints are the same networks."""
    published = {
        "resnet18": 11_689_512 - 513_000,
        "resnet34": 21_797_672 - 513_000,
        "resnet50": 25_557_032 - 2_049_000,
        "resnet101": 44_549_160 - 2_049_000,
        "resnet152": 60_192_808 - 2_049_000,
    }
    assert published.keys() == KNOWN.keys()
    for name, expected in published.items():
        network = backbones.create({"name": name}, key=jax.random.key(0), batch_norm="running", precision="float32")
        assert sum(v.size for v in jax.tree.leaves(nnx.state(network, nnx.Param))) == expected


@pytest.mark.parametrize("name", CONFIGS)
def test_the_checkpoints_that_other_tests_write_are_as_torchs(torch_checkpoint, tmp_path, name):
    write_checkpoint(tmp_path / "ours", CONFIGS[name])
    folder, _ = torch_checkpoint(CONFIGS[name])
    ours, reference = (load_file(path / "model.safetensors") for path in (tmp_path / "ours", folder))
    assert {key: (value.shape, value.dtype) for key, value in ours.items()} == {
        key: (value.shape, value.dtype) for key, value in reference.items()
    }


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": [1]}, r"backbone.config has no key 'depth'; allowed: depths, "),
        ({"depths": [1, 0, 1, 1]}, r"depths must be a list of integers >= 1, got \[1, 0, 1, 1\]; set backbone.config"),
        ({"depths": [1]}, r"hidden_sizes and depths must be equally long, got 4 and 1"),
        ({"depths": 3}, "depths must be a list of integers >= 1, got 3"),
        ({"depths": None}, "depths must be a list of integers >= 1, got None"),
        ({"hidden_act": None}, r"hidden_act must be one of relu, .*, got None"),
        ({"hidden_act": ["relu"]}, r"hidden_act must be one of relu, .*, got \['relu'\]"),
        ({"downsample_in_first_stage": "no"}, "downsample_in_first_stage must be true or false, got 'no'"),
        ({"layer_type": "wide"}, r"layer_type must be 'basic' or 'bottleneck', got 'wide'"),
        ({"hidden_act": "tanh"}, r"hidden_act must be one of relu, .*, got 'tanh'"),
        ({"hidden_sizes": [6, 8, 8, 8]}, r"hidden_sizes of bottlenecks must be multiples of 4, got \[6, 8, 8, 8\]"),
        ({"embedding_size": -1}, r"embedding_size must be an integer >= 1, got -1"),
    ],
)
def test_a_bad_configuration_is_refused(values, message, unchecked):
    with pytest.raises(InputError, match=message):
        ResNetConfig.from_dict(values)
