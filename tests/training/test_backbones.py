"""A checkpoint that transformers saved, from its folder to predictions: frozen and fine-tuned; films of one channel."""

import shutil

import numpy as np
import pandas as pd
import pytest
from flax import nnx

from qcxr.data.augment import normalise
from qcxr.data.split import load
from qcxr.errors import InputError
from qcxr.models import arrays, backbones, classifier
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Resources, Train
from qcxr.training.backbone import check_size, normalisation, section
from qcxr.training.fit import fit
from qcxr.training.frozen import pack_features
from qcxr.training.predict import predict
from qcxr.training.splits import Splits
from tests.training.runs import LABELS, described, split
from tests.training.test_frozen import packed  # noqa: F401  # a fixture

IMAGE, AUGMENT = Image(resize=16, crop=16), Augment(rotation=10)
TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 24, "patch_size": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small DINOv2 with random arrays, for films of another size than these, and its processor's normalisation."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("dinov2")
    transformers.Dinov2Model(transformers.Dinov2Config(**TINY, mlp_ratio=2)).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.2, 0.2]}')
    return folder


def trained(out, films, validation, backbone, **changes):
    protocol = Train(**{"learning_rate": 1e-2, "batch_size": 4, "epochs": 3} | changes)
    recipe = Recipe("cdl", {}, backbone, IMAGE, AUGMENT, protocol)
    fit(described(out, recipe), Splits(films, validation), resources=Resources())
    return out / "out/best.safetensors"


def changed(before, after):
    """The parts of a backbone, by the first two words of their arrays' names, whose arrays training changed."""
    return {".".join(name.split(".")[:2]) for name in after if not np.array_equal(before[name], after[name])}


def test_a_vit_folder_trains_frozen_and_fine_tuned_and_predicts_without_it(folder, packed, tmp_path):  # noqa: F811
    here = tmp_path / "checkpoint"
    shutil.copytree(folder, here)
    start = arrays.collect(classifier.build(classifier.Architecture({"weights": str(here)}, "cdl", 2), seed=0).backbone)
    paths = packed("train", 22, 1), packed("val", 9, 2)
    frozen = Backbone(weights=str(here), trainable="head", views=2, pooling="mean")
    recipe = Recipe("cdl", {}, frozen, IMAGE, AUGMENT, Train())
    parts = []
    for path, views in zip(paths, (2, 1), strict=True):
        out = path.parent / "features" / path.name
        pack_features(path, out, recipe, views=views, cache=tmp_path / "cache", code="c")
        parts.append(load(out, LABELS, training=True, verify=True))
    assert parts[0].images.shape == (22, 2, 16)
    best = {"frozen": trained(tmp_path / "frozen", *parts, frozen)}
    films = [load(path, LABELS) for path in paths]
    tuned = Backbone(weights=str(here), trainable="last:1")
    best["tuned"] = trained(tmp_path / "tuned", *films, tuned, learning_rate=3e-3, epochs=6)
    shutil.rmtree(here)
    models = {name: classifier.restore(path)[0] for name, path in best.items()}
    assert {name: model.backbone.pooling for name, model in models.items()} == {"frozen": "mean", "tuned": "cls"}
    moved = {name: changed(start, arrays.collect(model.backbone)) for name, model in models.items()}
    assert moved == {"frozen": set(), "tuned": {"blocks.1"}}
    history = pd.read_csv(tmp_path / "tuned/out/history.csv")
    assert history["train_loss"].iloc[-1] < 0.8 * history["train_loss"].iloc[0]
    tables = [
        predict(weights_file=best["frozen"], split=part, out=tmp_path / f"{k}.parquet")
        for k, part in enumerate((parts[1], films[1]))
    ]
    pd.testing.assert_frame_equal(*tables, atol=1e-5, rtol=0)


GRAY = {
    "resnet": {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"},
    "densenet": {"growth_rate": 4, "block_config": [1, 1], "num_init_features": 4, "bn_size": 2},
    "vit": {**TINY, "num_hidden_layers": 1, "intermediate_size": 16},
}


@pytest.mark.parametrize("name", GRAY)
def test_a_film_of_one_channel_is_that_of_three_with_the_kernels_summed(name):
    """The stem is linear: what it makes of a gray repeated to three is what the sum of its kernels makes of one."""
    gray = split(3, 0).images
    network = {
        channels: classifier.build(
            classifier.Architecture({"name": name, "config": {**GRAY[name], "num_channels": channels}}, "cdl", 2),
            seed=0,
        ).backbone
        for channels in (3, 1)
    }
    stem = "patches.kernel" if name == "vit" else "stem.kernel"
    values = arrays.collect(network[3])
    arrays.fill(network[1], {**values, stem: values[stem].sum(2, keepdims=True)})
    films = {channels: normalise(gray, [0.4] * channels, [0.3] * channels) for channels in (3, 1)}
    assert films[1].shape == (3, 16, 16, 1)
    found = {channels: nnx.jit(network[channels])(films[channels]) for channels in (3, 1)}
    np.testing.assert_allclose(found[1], found[3], rtol=1e-4, atol=1e-5)


def test_a_network_of_one_channel_trains(tmp_path):
    backbone = Backbone(name="densenet", config={**GRAY["densenet"], "num_channels": 1})
    best = trained(tmp_path, split(22, 1), split(9, 2), backbone)
    model, metadata = classifier.restore(best)
    assert model.backbone.stem.kernel.shape == (7, 7, 1, 4) and len(metadata["image"]["mean"]) == 1


def test_what_does_not_fit_the_films_is_refused(unchecked):
    vit = Backbone(name="vit", config=GRAY["vit"])
    gray = Backbone(name="vit", config={**GRAY["vit"], "num_channels": 1})
    for backbone, image, message in (
        (vit, Image(resize=20, crop=20), "image.crop must be a multiple of 8, .*, got 20; set image.crop to 16, say"),
        (gray, Image(mean=[0.5] * 3), r"image.mean must have a value for each of the backbone's 1 channels, got \["),
        (vit, Image(std=[0.5]), r"image.std must have a value for each of the backbone's 3 channels, got \[0.5\]"),
    ):
        with pytest.raises(InputError, match=message):
            normalisation(backbone, image)
            check_size(backbone, image)
    network = classifier.build(classifier.Architecture(section(gray), "cdl", 2), seed=0)
    with pytest.raises(InputError, match=r"multiples of 8 pixels and 1 channels, got 20 x 16 with 1; set image.crop"):
        network(np.zeros((1, 20, 16, 1), np.float32))
    assert normalisation(gray, Image()) == ([pytest.approx(0.449, abs=1e-3)], [pytest.approx(0.226, abs=1e-3)])
    assert backbones.describe(section(vit)).section["pooling"] == "cls"
