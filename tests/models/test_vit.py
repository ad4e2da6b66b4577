"""ViT against transformers' torch ViTModel and Dinov2Model, on checkpoints that save_pretrained wrote."""

import json

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from qcxr.errors import InputError
from qcxr.models import arrays, backbones
from qcxr.models.positions import cubic, resized

from .parity import distance, features_and_gradients, target_of, to_torch

TINY = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "image_size": 32, "patch_size": 8}
CONFIGS = {  # transformers' class -> what is its own
    "ViT": {**TINY, "intermediate_size": 40},
    "ViT-no-bias": {**TINY, "intermediate_size": 40, "qkv_bias": False, "hidden_act": "relu", "num_channels": 1},
    "Dinov2": {**TINY, "mlp_ratio": 2, "layerscale_value": 0.3},
    "Dinov2-giant": {**TINY, "use_swiglu_ffn": True},
}
OWN = {"name": "vit", "config": {**TINY, "intermediate_size": 40}}
CASES = [("ViT", (32, 32), "cls"), ("ViT-no-bias", (48, 24), "mean"), ("Dinov2", (24, 48), "cls")]
CASES += [("Dinov2-giant", (32, 32), "mean")]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A function: name of CONFIGS -> (folder written by save_pretrained, torch model), all arrays random."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def make(name: str):
        torch.manual_seed(0)
        kind = name.partition("-")[0]
        config = getattr(transformers, f"{kind}Config")(**CONFIGS[name])
        model = getattr(transformers, f"{kind}Model")(config).eval()
        with torch.no_grad():
            for value in model.parameters():
                value.copy_(0.3 * torch.randn_like(value) + (value.ndim == 1))
        folder = tmp_path_factory.mktemp("checkpoint")
        model.save_pretrained(folder)
        return folder, model

    return make


def ours(folder, precision="float32", **section):
    return backbones.create(
        {"weights": str(folder), **section}, key=jax.random.key(0), batch_norm="running", precision=precision
    )


def pooled(model, batch, pooling):
    """Torch's features: the class token's, or the mean of the patches'."""
    options = {"interpolate_pos_encoding": True} if type(model).__name__ == "ViTModel" else {}
    tokens = model(to_torch(batch).to(next(model.parameters()).dtype), **options).last_hidden_state
    return tokens[:, 0] if pooling == "cls" else tokens[:, 1:].mean(1)


@pytest.mark.parametrize(("name", "size", "pooling"), CASES)
def test_features_and_gradients_are_torchs_at_its_own_size_and_at_others(checkpoint, images, name, size, pooling):
    """Torch's in float64: what is left is our own rounding."""
    torch = pytest.importorskip("torch")
    folder, reference = checkpoint(name)
    reference.double()
    network, batch = ours(folder, pooling=pooling), images(2, *size)[..., : CONFIGS[name].get("num_channels", 3)]
    features, found = features_and_gradients(network, batch)
    expected = pooled(reference, batch, pooling)
    (expected * torch.from_numpy(target_of(network, batch))).sum().backward()
    assert distance(features, expected.detach().numpy()) < 1e-5
    with torch.no_grad():  # saved as weights are: so they are read by the names of a checkpoint's file
        for value in reference.parameters():
            value.copy_(torch.zeros_like(value) if value.grad is None else value.grad)
    reference.save_pretrained(folder.parent / "gradients")
    wanted = arrays.collect(ours(folder.parent / "gradients"))
    assert found.keys() == wanted.keys()
    far = {key: distance(found[key], wanted[key]) for key in found}
    assert not {key: value for key, value in far.items() if value > 1e-4}


@pytest.mark.parametrize(
    ("file", "edit", "message"),
    [
        ("arrays", lambda t: t.pop("layernorm.bias"), "array 'norm.bias' is missing; the file is not of this model"),
        (
            "arrays",
            lambda t: t.pop("encoder.layer.0.attention.attention.key.weight"),
            "array 'blocks.0.attention.qkv.kernel' is missing",
        ),
        ("arrays", lambda t: t.update(odd=t["layernorm.bias"]), "array 'odd' has no place in the model"),
        (
            "arrays",
            lambda t: t.update({"embeddings.position_embeddings": t["embeddings.position_embeddings"][:, :5].copy()}),
            r"array 'positions' must have shape \(17, 24\), got \(5, 24\)",
        ),
        ("config", {"model_type": "swin"}, "model_type must be 'resnet' or 'vit' or 'dinov2', got 'swin'"),
        ("config", {"image_size": [32, 16]}, r"image_size must be of a square, got \[32, 16\]; use another checkpoint"),
        ("config", {"hidden_act": "quick_gelu"}, "hidden_act must be one of relu, relu6, gelu, silu, got 'quick_gelu'"),
        ("config", {"mlp_ratio": "4"}, "hidden_size and mlp_ratio must be numbers, got 24 and '4'; fetch"),
        ("config", {"num_channels": 4}, "num_channels of a backbone must be 1 or 3 .*, got 4"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused_in_one_line(checkpoint, file, edit, message, unchecked):
    folder, _ = checkpoint("Dinov2")
    if file == "arrays":
        tensors = load_file(folder / "model.safetensors")
        edit(tensors)
        save_file(tensors, folder / "model.safetensors")
    else:
        told = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(told | edit))
    with pytest.raises(InputError, match=message):
        ours(folder)


def test_what_is_ignored_is_named_and_half_precision_is_read(checkpoint):
    """A classifier's checkpoint has a prefix, a classifier and a pooler; hubs have arrays of 16 bits too."""
    folder, _ = checkpoint("ViT")
    expected = arrays.collect(ours(folder))
    tensors = load_file(folder / "model.safetensors")
    assert any(name.startswith("pooler.") for name in tensors)
    half = {f"vit.{name}": value.astype(ml_dtypes.bfloat16) for name, value in tensors.items()}
    save_file(half | {"classifier.weight": np.zeros((2, 24), np.float32)}, folder / "model.safetensors")
    found = arrays.collect(ours(folder))
    assert found.keys() == expected.keys()
    assert not [name for name in found if distance(found[name], expected[name]) > 0.01]


@pytest.mark.slow
def test_bfloat16_is_near_and_remat_changes_nothing(images):
    def made(**options):
        return backbones.create(OWN, key=jax.random.key(3), batch_norm="running", **options)

    batch = images(2, 32, 32)
    whole = nnx.jit(made(precision="float32"))(batch)
    short = nnx.jit(made(precision="bfloat16"))(batch)
    assert short.dtype == jnp.float32 and 0 < distance(short, whole) < 0.05

    def gradient(network):
        return nnx.jit(nnx.grad(lambda network: jnp.sin(network(jnp.asarray(batch), train=True)).sum()))(network)

    plain, again = (gradient(made(precision="float32", remat=remat)) for remat in (False, True))
    for a, b in zip(jax.tree.leaves(plain), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("old", "new"), [(4, 4), (4, 9), (16, 14), (14, 37), (7, 2)])
def test_embeddings_are_interpolated_as_torch_does(old, new):
    torch = pytest.importorskip("torch")
    grid = np.random.default_rng(0).standard_normal((old, old, 5), np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(grid.transpose(2, 0, 1)[None].astype(float)),
        size=(new, new + 1),
        mode="bicubic",
        align_corners=False,
    )
    found = resized(jnp.asarray(grid), new, new + 1)
    assert np.abs(found - expected[0].numpy().transpose(1, 2, 0)).max() < 1e-6  # torch itself is 4e-6 off in float32


def test_interpolation_by_hand():
    """Constant embeddings stay, and on the same grid nothing changes."""
    assert np.allclose(cubic(4, 9).sum(1), 1) and np.array_equal(cubic(5, 5), np.eye(5))


def test_known_sizes():
    """Without what is ignored: ViT-B/16 has 85,798,656 numbers, DINOv2's small 22,056,192."""
    small = {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536, "image_size": 518}
    for config, expected in (
        ({}, 85_798_656),
        ({**small, "patch_size": 14, "layerscale_value": 1.0}, 22_056_192),
    ):
        network = backbones.create(
            {"name": "vit", "config": config}, key=jax.random.key(0), batch_norm="running", precision="float32"
        )
        assert sum(v.size for v in jax.tree.leaves(nnx.state(network, nnx.Param))) == expected


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"model_type": "vit", "hidden_act": "gelu_new"}, "hidden_act must be one of .*, got 'gelu_new'"),
        ({"model_type": "dinov2", "image_size": 30, "patch_size": 8}, "image_size must be a multiple of patch_size"),
        ({"model_type": "resnet", "hidden_act": "swish"}, "hidden_act must be one of .*, got 'swish'"),
    ],
)
def test_a_checkpoint_that_jax_has_not_is_sent_to_torch(tmp_path, content, text):
    (tmp_path / "config.json").write_text(json.dumps(content))
    with pytest.raises(
        InputError, match=f"{text}.*, for the network in JAX; set backbone.library to torch and name to"
    ):
        backbones.describe({"weights": str(tmp_path)})
