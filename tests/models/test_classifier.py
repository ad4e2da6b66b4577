"""The whole classifier: pairing across heads, determinism, parameter table, files, lean imports."""

import json
import shutil
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from qcxr.errors import InputError
from qcxr.models import arrays, classifier, parameters
from qcxr.study.heads import KINDS

from .conftest import OWN, build


def test_one_seed_gives_every_head_the_same_backbone_and_another_seed_another():
    def backbone(**changes):
        return arrays.collect(build(**changes).backbone)

    reference = backbone()
    for name in KINDS:
        other = backbone(head=name, n_labels=7)
        assert all(np.array_equal(other[key], reference[key]) for key in reference)
    assert not np.array_equal(backbone(seed=1)["stem.kernel"], reference["stem.kernel"])


def test_building_twice_gives_the_same_bits():
    first, second = (arrays.collect(build(head="dqc")) for _ in range(2))
    assert first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


@pytest.mark.parametrize("head", KINDS)
def test_logits_and_features(head, images):
    net = build(head=head)
    batch = images(3, 40, 40)
    features = nnx.jit(classifier.Classifier.features)(net, batch)
    assert features.shape == (3, 12) and features.dtype == np.float32
    np.testing.assert_allclose(nnx.jit(net)(batch), nnx.jit(net.head)(features), atol=1e-6)


def test_batch_norm_follows_the_weights_source(folder):
    assert build().architecture.batch_norm == "batch"
    assert build(backbone={"weights": str(folder)}).architecture.batch_norm == "running"


@pytest.mark.parametrize("n_labels", [8, 14, 19])
def test_parameter_counts_are_table_ii(n_labels):
    resnet50 = {"name": "resnet50"}
    head = {8: (16_392, 24, 72), 14: (28_686, 42, 210), 19: (38_931, 57, 380)}[n_labels]
    classical = parameters.count(build(backbone=resnet50, n_labels=n_labels))
    dressed = parameters.count(build(backbone=resnet50, n_labels=n_labels, head="dqc"))
    assert classical == {"backbone": 23_508_032, "preprocess": head[0], "quantum": 0, "postprocess": 0}
    assert dressed == dict(zip(parameters.PARTS, (23_508_032, *head), strict=True))
    text = parameters.table({"dqc": dressed})
    assert "23,508,032" in text and f"{sum(dressed.values()):,}" in text


def test_bfloat16_computes_in_bfloat16_with_float32_parameters_features_and_gradients(images):
    batch = jnp.asarray(images(4, 64, 64))
    full, half = build(batch_norm="running"), build(batch_norm="running", precision="bfloat16")
    exact, rounded = nnx.jit(full.backbone)(batch), nnx.jit(half.backbone)(batch)
    assert rounded.dtype == np.float32
    relative = float(np.abs(exact - rounded).max() / np.abs(exact).max())
    assert 1e-5 < relative < 3e-2
    gradient = nnx.jit(nnx.grad(lambda m: (m(batch, train=True) ** 2).sum()))(half)
    assert all(value.dtype == np.float32 for value in jax.tree.leaves((nnx.state(half), gradient)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"precision": "float16"}, "precision must be float32 or bfloat16, got 'float16'; set train.precision"),
        ({"batch_norm": "frozen"}, "batch_norm must be running or batch, got 'frozen'; set backbone.batch_norm"),
        (
            {"backbone": {}},
            "backbone needs weights, a known name, or the name 'resnet' or 'vit' or 'densenet' with a config",
        ),
        ({"backbone": {"name": "vgg"}}, "backbone.name must be one of resnet, resnet18, .*, got 'vgg'"),
        ({"backbone": {"depth": 3}}, "backbone has no key 'depth'; allowed: name, weights, config"),
        (
            {"backbone": {"name": "resnet18", "config": {}}},
            "backbone.config must be absent with backbone.name 'resnet18'",
        ),
        ({"backbone": {"weights": "x/y", "config": {}}}, "backbone.config must be absent with backbone.weights"),
    ],
)
def test_bad_descriptions_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        build(**changes)


def test_images_of_the_wrong_rank_are_refused(unchecked):
    with pytest.raises(InputError, match=r"images must have shape \(B, H, W, C\), got \(40, 40, 3\)"):
        build()(jnp.zeros((40, 40, 3)))


@pytest.mark.parametrize("head", KINDS)
def test_a_saved_model_comes_back_from_the_file_alone(tmp_path, images, head):
    options = {"layers": 2, "init": "small"} if head in ("dqc", "product") else OWN.get(head, {})
    network, batch = build(head=head, head_options=options, seed=5), images(2, 40, 40)
    nnx.jit(classifier.Classifier.__call__, static_argnums=2)(network, batch, True)
    classifier.save(tmp_path / "best.safetensors", network, metadata={"labels": ["Effusion"]})
    restored, metadata = classifier.restore(tmp_path / "best.safetensors")
    assert metadata == {"labels": ["Effusion"]} and restored.architecture == network.architecture
    before, after = arrays.collect(network), arrays.collect(restored)
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    np.testing.assert_array_equal(nnx.jit(restored)(batch), nnx.jit(network)(batch))
    assert [file.name for file in tmp_path.iterdir()] == ["best.safetensors"]


def test_weights_of_no_run_are_not_taken_for_a_runs(tmp_path):
    """`qcxr predict` and the others that give probabilities of films must know labels and preprocessing."""
    image = {"size": 32}
    for metadata in ({}, {"labels": ["Effusion"]}, {"image": image}):
        classifier.save(tmp_path / "model.safetensors", build(), metadata=metadata)
        with pytest.raises(InputError, match=r"model.safetensors does not say its labels and how films were prep.*run"):
            classifier.trained(tmp_path / "model.safetensors")
    classifier.save(tmp_path / "model.safetensors", build(), metadata={"labels": ["Effusion"], "image": image})
    assert classifier.trained(tmp_path / "model.safetensors")[1] == {"labels": ["Effusion"], "image": image}


def test_a_model_from_a_checkpoint_is_restored_without_the_checkpoint(tmp_path, folder, images):
    network, batch = build(backbone={"weights": str(folder)}), images(2, 40, 40)
    classifier.save(tmp_path / "model.safetensors", network)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(
        nnx.jit(classifier.restore(tmp_path / "model.safetensors")[0])(batch), nnx.jit(network)(batch)
    )


def test_the_header_is_the_architecture(tmp_path):
    """Word for word, so that files of all versions of this format are read, and equal models are equal bytes."""
    classifier.save(tmp_path / "model.safetensors", build(head="product", head_options={"layers": 2}, remat=True))
    config = {
        **{"num_channels": 3, "embedding_size": 8, "hidden_sizes": [8, 12], "depths": [2, 1], "layer_type": "basic"},
        **{"hidden_act": "relu", "downsample_in_first_stage": False, "downsample_in_bottleneck": False},
    }
    model = {
        "backbone": {"name": "resnet", "config": config},
        **{"head": "product", "head_options": {"layers": 2}, "n_labels": 4},
        **{"batch_norm": "batch", "precision": "float32", "remat": True},
    }
    about = {"format": "qcxr-model-1", "model": model, "metadata": {}}
    _, header = arrays.read(tmp_path / "model.safetensors")
    assert header == {"qcxr": json.dumps(about, sort_keys=True)}


def test_names_are_readable(tmp_path):
    classifier.save(tmp_path / "model.safetensors", build())
    names = set(load_file(tmp_path / "model.safetensors"))
    assert {"backbone.stem.kernel", "backbone.stages.0.blocks.1.convs.0.norm.mean", "head.preprocess.bias"} <= names


def test_a_file_that_is_not_a_saved_model_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(InputError, match=r"no file .*model.safetensors; give a safetensors file that exists"):
        classifier.restore(path)
    save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(
        InputError, match=r"must be a model written by qcxr .*got no such header; use a run's best.safetensors"
    ):
        classifier.restore(path)
    classifier.save(path, build())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        classifier.restore(path)


def test_importing_the_model_does_not_import_the_peers():
    peers = "('torch', 'transformers', 'pennylane')"
    code = f"import sys, qcxr.models.classifier; print([m for m in {peers} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    "header", ["{", "[]", "null", '{"format": "qcxr-model-1"}', '{"format": "qcxr-model-1", "model": {"a": 1}}']
)
def test_a_header_that_is_not_ours_is_one_line(tmp_path, header):
    path = tmp_path / "foreign.safetensors"
    arrays.write(path, {"a": np.zeros(2, np.float32)}, {"qcxr": header})
    with pytest.raises(
        InputError, match="foreign.safetensors must be a model written by qcxr .*a header that is not ours"
    ):
        classifier.restore(path)


def test_a_folder_in_place_of_the_weights_is_one_line(tmp_path):
    with pytest.raises(InputError, match="is a folder; give a safetensors file, of a run its best.safetensors"):
        classifier.restore(tmp_path)


EDITED = {
    "n_labels": ({"n_labels": 1 << 31}, "its header has a size of 2147483648, beyond its"),
    "a layer's width": (
        {"backbone": {"config": {"hidden_sizes": [1 << 40]}}},
        "its header has a size of 1099511627776",
    ),
    "no number": ({"n_labels": "2"}, "a header that is not ours"),
    "no head's name": ({"head": ["cdl"]}, "a header that is not ours"),
    "no options": ({"head_options": []}, "a header that is not ours"),
    "no configuration": ({"backbone": {"config": {"hidden_sizes": "4"}}}, ""),
    "precision": ({"precision": "float31"}, ""),
}


@pytest.mark.parametrize("what", EDITED)
def test_a_header_that_was_edited_is_one_line_and_fills_no_memory(tmp_path, what):
    changes, said = EDITED[what]
    path = tmp_path / "edited.safetensors"
    classifier.save(path, build())
    values, header = arrays.read(path)
    about = json.loads(header["qcxr"])
    for key, value in changes.items():
        config = value["config"] if key == "backbone" else {}
        about["model"][key] = (
            {**about["model"]["backbone"], "config": about["model"]["backbone"]["config"] | config} if config else value
        )
    arrays.write(path, values, {"qcxr": json.dumps(about)})
    with pytest.raises(InputError) as caught:
        classifier.restore(path)
    assert said in str(caught.value) and "\n" not in str(caught.value)
