"""Any vision model of Hugging Face as a frozen extractor: the features that transformers itself computes.

The judge is `AutoModel` called by hand on the pixel values of `AutoImageProcessor`.
"""

import json
import sys
from functools import cache

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from qcxr.data.augment import normalise
from qcxr.data.images import Preprocessing, preprocess
from qcxr.errors import InputError
from qcxr.models import backbones, classifier, features, hub, hubmodel
from qcxr.models.classifier import Architecture
from qcxr.study import processor
from qcxr.study.backbone import Backbone
from qcxr.study.sections import Image
from qcxr.training.backbone import extractor, normalisation
from tests.data.films import gray

from . import hubs

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
NULL = Image(resize=None, crop=None)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A function: name -> folder of a small random checkpoint, written once."""
    root = tmp_path_factory.mktemp("hubs")
    return cache(lambda name: hubs.write(root / name, name))


def by_hand(folder, films, pooling):
    """What `pooling` is in words of each model: its own output, its first token, its patches' or map's mean."""
    prepare = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = transformers.AutoModel.from_pretrained(folder).eval()
    one_channel = getattr(model.config, "num_channels", 3) == 1
    rgb = [film[None] if one_channel else np.repeat(film[None], 3, axis=0) for film in films]
    pixels = prepare(rgb, return_tensors="pt", input_data_format="channels_first")["pixel_values"]
    kind = model.config.model_type
    model = model.vision_model if kind == "clip" else model
    if kind == "vit_mae":
        model.config.mask_ratio = 0.0
    with torch.no_grad():
        out = model(pixel_values=pixels)
    states, skip = out.last_hidden_state, {"swin": 0, "siglip_vision_model": 0, "deit": 2}.get(kind, 1)
    if pooling is None and kind != "vit_mae":
        return out.pooler_output.flatten(1).numpy()
    if pooling == "mean":
        return (states.mean((2, 3)) if states.ndim == 4 else states[:, skip:].mean(1)).numpy()
    return states[:, 0].numpy()


@pytest.mark.parametrize("name", [name for name in hubs.MODELS if name != "bert"])
def test_features_are_those_of_transformers(checkpoints, name):
    """Real-sized films of several shapes, the whole way: processor, channels, tower, pooling, batches."""
    folder, rng = checkpoints(name), np.random.default_rng(2)
    films = [gray(rng, height, width) for height, width in ((1024, 1024), (610, 512), (500, 700))]
    for pooling in (None, "mean", "cls"):
        backbone = Backbone(weights=str(folder), trainable="head", pooling=pooling, library="torch")
        if pooling == "cls" and name in ("convnext", "resnet", "swin", "siglip"):
            with pytest.raises(InputError, match=r"pooling must be mean or null with .* has no class token, got cls"):
                extractor(backbone, "float32")
            continue
        image = processor.resolved(NULL, backbone)
        mean, std = normalisation(backbone, image)
        ours = np.stack([preprocess(film, Preprocessing.of(image.prepares())) for film in films])
        frozen = extractor(backbone, "float32")
        found = np.asarray(frozen.network(normalise(ours, mean=mean, std=std)))
        expected = by_hand(folder, films, pooling)
        assert found.shape == expected.shape == (3, frozen.network.n_features)
        assert np.ptp(expected, axis=0).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-5, err_msg=f"pooling {pooling}")


def test_a_pooler_without_arrays_is_not_taken(checkpoints, tmp_path):
    """A classifier's ViT has no pooler: transformers would draw a random one. No other array may be missing."""
    tensors = load_file(checkpoints("vit") / "model.safetensors")
    folder = hubs.write(tmp_path / "vit", "vit")
    save_file({k: v for k, v in tensors.items() if "pooler" not in k}, folder / "model.safetensors", {"format": "pt"})
    section = {"library": "torch", "weights": str(folder)}
    described = backbones.describe(section)
    assert described.section["pooling"] == "cls"
    images = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    whole = hub.Outside(hub.describe({**section, "weights": str(checkpoints("vit")), "pooling": "cls"}))
    network = hub.Outside(described.section)
    np.testing.assert_array_equal(network.run(images), whole.run(images))
    first = next(k for k in tensors if "query" in k or "q_proj" in k)
    save_file({k: v for k, v in tensors.items() if k != first}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match="is missing .1 in all., and would be random"):
        hub.Outside(hub.describe(section)).run(images)


def test_a_checkpoint_in_several_files_is_the_same_model(checkpoints, tmp_path):
    model = transformers.AutoModel.from_pretrained(checkpoints("vit"))
    model.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
    assert len(list((tmp_path / "parts").glob("model-*.safetensors"))) > 1
    images = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    runs = [
        hub.Outside(hub.describe({"weights": str(f)})).run(images) for f in (checkpoints("vit"), tmp_path / "parts")
    ]
    np.testing.assert_array_equal(*runs)


def test_the_hub_is_asked_once_not_for_every_batch(checkpoints, monkeypatch):
    folder, asked = checkpoints("swin"), []

    def download(repository, file):
        asked.append(file)
        if not (folder / file).is_file():
            raise InputError(f"{repository} has no {file}")
        return folder / file

    monkeypatch.setattr("qcxr.models.huggingface.download", download)
    network = hub.Outside(hub.describe({"library": "torch", "weights": "some/swin"}))
    images = np.random.default_rng(0).random((2, 64, 64, 3), np.float32)
    first, known = network.run(images), len(asked)
    np.testing.assert_array_equal(network.run(images), first)
    assert len(asked) == known and "model.safetensors" in asked


def test_batches_resume_to_the_same_bits_and_views_are_augmented(checkpoints, tmp_path, monkeypatch):
    frozen = extractor(Backbone(weights=str(checkpoints("swin")), trainable="head"), "float32", threads=1)
    films = np.random.default_rng(1).integers(0, 255, (11, 64, 64), np.uint8)

    def brighter(images, view, rows):
        return images.astype(np.float32) + view * 10 + rows[:, None, None]

    views = features.Views(lambda gray: normalise(gray), 2, brighter)

    def compute(folder):
        return np.load(features.compute(frozen, films, folder=folder, about={}, views=views, batch_size=4))

    whole = compute(tmp_path / "whole")
    assert whole.shape == (11, 2, 16)
    np.testing.assert_allclose(whole[3, 1], frozen.network.run(np.asarray(normalise(films[3:4] + 13.0)))[0], atol=1e-5)
    real, calls = hub.Outside.run, []

    def stopping(self, images):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(self, images)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(hub.Outside, "run", stopping)
        compute(tmp_path / "stopped")
    np.testing.assert_array_equal(compute(tmp_path / "stopped"), whole)


def test_a_classifiers_file_holds_its_head_and_where_its_features_came_from(checkpoints, tmp_path):
    folder = hubs.write(tmp_path / "swin", "swin")
    net = classifier.build(Architecture({"library": "torch", "weights": str(folder)}, "cdl", 3), seed=0)
    classifier.save(tmp_path / "best.safetensors", net)
    assert all(name.startswith("head.") for name in load_file(tmp_path / "best.safetensors"))
    again, _ = classifier.restore(tmp_path / "best.safetensors")
    images = jax.numpy.asarray(np.random.default_rng(0).random((2, 64, 64, 3), np.float32))
    np.testing.assert_array_equal(again(images), net(images))
    assert features.fingerprint(again.extractor) == features.fingerprint(net.extractor)
    with pytest.raises(InputError, match="no compiled steps and no gradients"):
        jax.jit(again)(images)
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "layer_norm_eps": 1e-3}))
    with pytest.raises(
        InputError, match=r"must be the checkpoint that the features are of \(sha256 \w{12}\), got \w{12}"
    ):
        again(images)


def spoil(folder, case):
    config = json.loads((folder / "config.json").read_text())
    match case:
        case "unknown type":
            config["model_type"] = "mystery"
        case "remote code":
            config |= {"model_type": "mystery", "auto_map": {"AutoModel": "code.Model"}}
        case "odd channels":
            config["num_channels"] = 5
        case "text for a number":
            config["hidden_size"] = "many"
        case "damaged":
            data = (folder / "model.safetensors").read_bytes()
            (folder / "model.safetensors").write_bytes(data[: len(data) // 2])
        case "pickle only":
            (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        case "no arrays":
            (folder / "model.safetensors").unlink()
        case "index outside":
            (folder / "model.safetensors").unlink()
            index = {"weight_map": {"a": "../model.safetensors"}}
            (folder / "model.safetensors.index.json").write_text(json.dumps(index))
        case "no JSON":
            (folder / "config.json").write_text("{")
            return
    (folder / "config.json").write_text(json.dumps(config))


BAD = {
    "unknown type": r"model_type must be one that transformers .* has, got 'mystery'; set backbone.weights",
    "remote code": r"got 'mystery' and wants code of its own \(auto_map\), which is never run",
    "odd channels": "num_channels must be 1 or 3, got 5",
    "text for a number": "config.json is damaged|no model can be made",
    "damaged": "model.safetensors is not a complete safetensors file",
    "pickle only": "must have model.safetensors, got pytorch_model.bin only, a pickle",
    "no arrays": "must have model.safetensors, got none; set backbone.weights",
    "index outside": "must name safetensors files beside it, got ../model.safetensors",
    "no JSON": "config.json is not a JSON object; fetch the checkpoint again",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_checkpoints_are_one_line(tmp_path, case):
    folder = hubs.write(tmp_path / "vit", "vit")
    spoil(folder, case)
    with pytest.raises(InputError, match=BAD[case]) as caught:
        backbones.describe({"library": "torch", "weights": str(folder)})
    assert "\n" not in str(caught.value)


STRANGE = {  # transformers' configuration, pooling, what is said
    "map with channels last": (
        "Sam2Vision",
        {},
        (None, r"must give a map as \(channels, side, side\), got \("),
    ),
    "detection tokens": (
        "Yolos",
        {**hubs.SMALL, "image_size": [64, 64], "num_detection_tokens": 10},
        ("mean", "which tokens of model_type yolos are patches is not known here.*set backbone.pooling to null"),
    ),
    "patches merged beside a class token": ("Pvt", {}, (None, "of model_type pvt .*; set backbone.weights to another")),
}


@pytest.mark.parametrize("case", STRANGE)
def test_maps_and_tokens_that_are_not_what_they_seem_are_refused(tmp_path, case):
    """Else the mean would be over channels, or over tokens that are no patches."""
    family, config, (pooling, text) = STRANGE[case]
    getattr(transformers, f"{family}Config")(**config).save_pretrained(tmp_path)
    with pytest.raises(InputError, match=text) as caught:
        hubmodel.examine(tmp_path, pooling, ["pooler.dense.weight", "pooler.dense.bias"], called="some/model")
    assert "\n" not in str(caught.value)
    if family == "Yolos":  # its own pooled output needs no place of a token
        facts = hubmodel.examine(tmp_path, None, ["pooler.dense.weight", "pooler.dense.bias"], called="some/model")
        assert facts["pooling"] == "pooler" and facts["n_features"] == 32


def test_a_single_file_wins_over_an_index_beside_it(tmp_path):
    """As in transformers: what is hashed is what is loaded."""
    for name, content in {
        "config.json": "{}",
        "model.safetensors": "",
        hub.INDEX: '{"weight_map": {"a": "x"}}',
    }.items():
        (tmp_path / name).write_text(content)
    assert [path.name for path in hub.locate(str(tmp_path))] == ["config.json", "model.safetensors"]


def test_rows_of_another_width_are_not_written(checkpoints, tmp_path, monkeypatch):
    frozen = extractor(Backbone(weights=str(checkpoints("swin")), trainable="head"), "float32")
    monkeypatch.setattr(hub.Outside, "run", lambda self, images: np.zeros((len(images), 8), np.float32))
    views = features.Views(lambda gray: normalise(gray))
    with pytest.raises(InputError, match=r"must give 16 features of a film, got \(8,\)"):
        features.compute(frozen, np.zeros((2, 64, 64), np.uint8), folder=tmp_path, about={}, views=views)


def test_models_that_read_text_and_films_of_other_sizes_are_one_line(checkpoints, monkeypatch):
    with pytest.raises(InputError, match="must be a vision model, got model_type 'bert', which reads input_ids"):
        backbones.describe({"library": "torch", "weights": str(checkpoints("bert"))})
    section = {"library": "torch", "weights": str(checkpoints("vit"))}
    hub.check_side(section, 64)
    with pytest.raises(InputError, match=r"does not take films of 80 x 80 pixels .*; set image.resize and image.crop"):
        hub.check_side(section, 80)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"needs torch, which is not installed; pip install -e '.\[hub\]'"):
        hub.check_side(section, 64)
