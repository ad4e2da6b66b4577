"""Hugging Face checkpoints: every array in its place; what does not fit is refused with the first mismatch.

The checkpoints are written without torch (conftest.py); test_resnet.py reads those of transformers.
"""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from qcxr.errors import InputError
from qcxr.models import arrays, huggingface
from qcxr.models.families import resnet

from .checkpoints import theirs, write_checkpoint
from .conftest import CONFIGS, build


@pytest.mark.parametrize("name", CONFIGS)
def test_every_array_of_a_checkpoint_has_its_place(tmp_path, name):
    expected = write_checkpoint(tmp_path / "checkpoint", CONFIGS[name])
    loaded = arrays.collect(build(backbone={"weights": str(tmp_path / "checkpoint")}).backbone)
    assert loaded.keys() == expected.keys()
    assert all(np.array_equal(loaded[key], expected[key]) for key in expected)


def test_names_are_ours():
    """Said by hand, since what the other tests read they have named themselves."""
    for hugging_face, ours in (
        ("embedder.embedder.normalization.running_var", "stem.norm.var"),
        ("encoder.stages.0.layers.1.layer.2.convolution.weight", "stages.0.blocks.1.convs.2.kernel"),
        ("encoder.stages.3.layers.0.shortcut.normalization.weight", "stages.3.blocks.0.shortcut.norm.scale"),
    ):
        assert resnet.rename(hugging_face) == resnet.rename(f"resnet.{hugging_face}") == ours
        assert theirs(ours) == hugging_face
    assert resnet.rename("pooler.weight") == "pooler.weight"


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
    with pytest.raises(InputError, match="model_type must be 'resnet'.*, got 'bert'"):
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
        ('{"model_type": "resnet", "num_channels": 2}', "num_channels of a backbone must be 1 or 3 .*, got 2; set"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused(folder, content, message, unchecked):
    (folder / "config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        build(backbone={"weights": str(folder)})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "preprocessor_config.json is not valid JSON"),
        ('{"image_mean": 0.5}', "preprocessor_config.json: image_mean must be a list of numbers, got 0.5"),
        ('{"image_std": [1, null, 1]}', r"image_std must be a list of numbers, got \[1, None, 1\]"),
        ('{"image_std": [1]}', r"image_std must have a value for each of 3 channels, got \[1\]"),
    ],
)
def test_a_damaged_normalisation_is_not_passed_over(folder, content, message):
    (folder / "preprocessor_config.json").write_text(content)
    with pytest.raises(InputError, match=message):
        huggingface.normalisation(str(folder), 3)


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
    assert huggingface.normalisation(str(folder), 3)[0] == (0.485, 0.456, 0.406)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]})
    )
    assert huggingface.normalisation(str(folder), 3) == ((0.1, 0.2, 0.3), (1, 1, 1))
