"""Saved models come back bit for bit; checkpoints that do not fit are refused with the first mismatch."""

import json
import shutil

import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from qcxr.errors import InputError
from qcxr.models import arrays, classifier, heads, huggingface

from .conftest import CONFIGS, SMALL


def build(**changes):
    return classifier.build(**{"backbone": SMALL, "head": "cdl", "n_labels": 4, "seed": 0, **changes})


@pytest.mark.parametrize("head", heads.HEADS)
def test_a_saved_model_comes_back_from_the_file_alone(tmp_path, images, head):
    options = {"layers": 2, "init": "small"} if head in ("dqc", "product") else {}
    network, batch = build(head=head, head_options=options, seed=5), images(2, 40, 40)
    nnx.jit(classifier.Classifier.__call__, static_argnums=2)(network, batch, True)
    classifier.save(tmp_path / "best.safetensors", network, metadata={"labels": ["Effusion"]})
    restored, metadata = classifier.restore(tmp_path / "best.safetensors")
    assert metadata == {"labels": ["Effusion"]} and restored.description == network.description
    before, after = arrays.collect(network), arrays.collect(restored)
    assert before.keys() == after.keys() and all(np.array_equal(before[k], after[k]) for k in before)
    np.testing.assert_array_equal(nnx.jit(restored)(batch), nnx.jit(network)(batch))
    assert [file.name for file in tmp_path.iterdir()] == ["best.safetensors"]


def test_a_model_from_a_checkpoint_is_restored_without_the_checkpoint(tmp_path, checkpoint, images):
    folder, _ = checkpoint(CONFIGS["bottleneck"])
    network, batch = build(backbone={"weights": str(folder)}), images(2, 40, 40)
    classifier.save(tmp_path / "model.safetensors", network)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(
        nnx.jit(classifier.restore(tmp_path / "model.safetensors")[0])(batch), nnx.jit(network)(batch)
    )


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
        InputError, match=r"must be a model written by qcxr .*got format None; use a run's best.safetensors"
    ):
        classifier.restore(path)
    classifier.save(path, build())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="is not a complete safetensors file"):
        classifier.restore(path)


@pytest.fixture
def folder(checkpoint, tmp_path):
    """A private copy of a checkpoint, to be damaged."""
    return shutil.copytree(checkpoint(CONFIGS["basic"])[0], tmp_path / "checkpoint")


def change(folder, edit):
    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


STEM = "embedder.embedder.convolution.weight"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.pop(STEM), "array 'stem.kernel' is missing; the file is not of this model, or incomplete"),
        (
            lambda t: t.update({STEM: t[STEM][:4].copy()}),
            r"'stem.kernel' must have shape \(7, 7, 3, 8\), got \(7, 7, 3, 4\)",
        ),
        (lambda t: t.update({"encoder.extra": t[STEM]}), "array 'encoder.extra' has no place in the model"),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_the_first_mismatch(folder, edit, message):
    change(folder, edit)
    with pytest.raises(InputError, match=message):
        build(backbone={"weights": str(folder)})


def test_a_checkpoint_with_an_imagenet_classifier_and_prefix_fits(folder):
    def with_classifier(tensors):
        renamed = {f"resnet.{name}": value for name, value in tensors.items()}
        tensors.clear()
        tensors.update(renamed, **{"classifier.1.weight": np.zeros((10, 12), np.float32)})

    expected = arrays.collect(build(backbone={"weights": str(folder)}))
    change(folder, with_classifier)
    values = arrays.collect(build(backbone={"weights": str(folder)}))
    assert all(np.array_equal(values[name], expected[name]) for name in expected)


def test_damaged_foreign_and_pickled_checkpoints_are_refused(folder):
    section = {"weights": str(folder)}
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"model.safetensors is not a complete safetensors file"):
        build(backbone=section)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InputError, match=r"got pytorch_model.bin only, a pickle, which executes code when read"):
        build(backbone=section)
    (folder / "pytorch_model.bin").unlink()
    with pytest.raises(InputError, match=r"must have model.safetensors, got none"):
        build(backbone=section)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="model_type must be 'resnet', got 'bert'"):
        build(backbone=section)
    with pytest.raises(InputError, match="no folder '/nowhere/at-all'"):
        build(backbone={"weights": "/nowhere/at-all"})
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config.json is not valid JSON"):
        build(backbone=section)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[1]", r"config.json must hold a JSON object, got list"),
        ('{"model_type": "resnet", "depths": 3}', "depths must be a list of integers >= 1, got 3"),
        ('{"model_type": "resnet", "num_channels": 1}', "num_channels of a backbone must be 3 .*, got 1; set it in"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(folder, content, message):
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        build(backbone={"weights": str(folder)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "preprocessor_config.json is not valid JSON"),
        ('{"image_mean": 0.5}', "preprocessor_config.json: image_mean must be a list of numbers, got 0.5"),
        ('{"image_std": [1, null, 1]}', r"image_std must be a list of numbers, got \[1, None, 1\]"),
    ],
)
def test_a_damaged_normalisation_is_not_passed_over(folder, content, message):
    (folder / "preprocessor_config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        huggingface.describe(str(folder))


def test_a_kernel_of_another_rank_is_named(folder):
    change(
        folder, lambda tensors: tensors.update({"embedder.embedder.convolution.weight": np.zeros((8, 3), np.float32)})
    )
    with pytest.raises(InputError, match=r"array 'stem.kernel' must have shape \(7, 7, 3, 8\), got \(8, 3\)"):
        build(backbone={"weights": str(folder)})


def test_neither_a_folder_nor_a_name(monkeypatch):
    with pytest.raises(InputError, match="no folder 'my models/resnet', and no name on the hub either; give a folder"):
        build(backbone={"weights": "my models/resnet"})


def test_a_name_that_disagrees_with_the_checkpoint_is_refused(folder):
    with pytest.raises(InputError, match=r"is not a resnet50: config.json says"):
        build(backbone={"name": "resnet50", "weights": str(folder)})


def test_without_a_network_the_local_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        InputError, match=r"'microsoft/resnet-50': config.json could not be fetched .*local folder with"
    ):
        build(backbone={"weights": "microsoft/resnet-50"})


def test_the_normalisation_is_the_checkpoints_own(folder):
    assert huggingface.describe(str(folder))[1] == (0.485, 0.456, 0.406)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]})
    )
    assert huggingface.describe(str(folder))[1:] == ((0.1, 0.2, 0.3), (1, 1, 1))
