"""The configuration refuses a backbone if and only if its network's own code would."""

import dataclasses
import importlib
from typing import get_args

import numpy as np
import pytest

from qcxr.data import csvfile
from qcxr.errors import InputError
from qcxr.models import backbones, classifier, groups
from qcxr.models.densenet import DenseNetConfig
from qcxr.models.layers import ACTIVATIONS
from qcxr.models.resnet import REDUCTION, ResNetConfig
from qcxr.models.vit import ViTConfig
from qcxr.phantom import cohort
from qcxr.study import layouts, networks, shapes, slices
from qcxr.study.config import parse
from qcxr.study.recipe import Recipe
from qcxr.study.sections import Augment, Backbone, Image, Train
from qcxr.study.shapes import DenseNet, ResNet, ViT
from tests.study.studies import study

TOKENS = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16, "patch_size": 8}
DENSE = {"growth_rate": 4, "block_config": [1, 1], "num_init_features": 4}
SMALL = {"embedding_size": 4, "hidden_sizes": [4, 8], "depths": [1, 1], "layer_type": "basic"}


def test_names_are_those_of_the_registries():
    assert get_args(networks.Architecture) == networks.NAMES
    assert set(get_args(shapes.Activation)) == {name for name in ACTIVATIONS if name}
    assert shapes.REDUCTION == REDUCTION
    for shape, config in {ResNet: ResNetConfig, ViT: ViTConfig, DenseNet: DenseNetConfig}.items():
        theirs = {field.name: field.default for field in dataclasses.fields(config)}
        ours = shape().model_dump()
        assert ours == {key: list(value) if isinstance(value, tuple) else value for key, value in theirs.items()}
    for name in networks.NAMES:
        assert name in importlib.import_module(networks.named(name).module).NAMES


@pytest.mark.parametrize("name", ["resnet18", "efficientnet-lite0", "densenet121"])
def test_the_stages_that_may_train_are_the_networks(name):
    net = classifier.build(classifier.Architecture({"name": name}, "cdl", n_labels=2), seed=0)
    last = networks.STAGES[name]
    assert len(groups.trained_prefixes(net, f"last:{last}")) == last + 1
    with pytest.raises(InputError, match=f"N from 1 to {last}, got last:{last + 1}"):
        parse(study(backbone={"name": name, "weights": None, "trainable": f"last:{last + 1}"}))
    with pytest.raises(InputError, match=f"N from 1 to {last}, got"):
        groups.trained_prefixes(net, f"last:{last + 1}")


@pytest.mark.parametrize(
    "section",
    [
        {"name": "resnet50"},
        {"name": "resnet51"},
        {"name": "resnet"},
        {},
        {"name": "efficientnet-lite0"},
        {"name": "efficientnet-lite0", "weights": "imagenet"},
        {"name": "efficientnet-lite0", "weights": "microsoft/resnet-50"},
        {"name": "resnet50", "weights": "imagenet"},
        {"name": "resnet", "config": SMALL},
        {"name": "resnet", "config": {}},
        {"name": "resnet18", "config": SMALL},
        {"config": SMALL},
        {"name": "resnet", "config": SMALL, "weights": "microsoft/resnet-50"},
        {"name": "vit"},
        {"name": "vit", "weights": "imagenet"},
        {"name": "densenet121", "weights": "a/b"},
        {"name": "xrv-densenet121"},
        {"name": "xrv-resnet50", "config": SMALL},
        {"name": "resnet18", "pooling": "mean"},
        {"name": "resnet18", "pooling": "cls"},
        {"name": "densenet", "config": DENSE, "pooling": "cls"},
        {"name": "vit", "config": TOKENS, "pooling": "max"},
        *({"name": "vit", "config": TOKENS, "pooling": pooling} for pooling in ("cls", "mean", None)),
        *(
            {"name": "vit", "config": TOKENS | change}
            for change in (
                {"num_channels": 1},
                {"num_channels": 2},
                {"patch_size": 5},
                {"num_attention_heads": 3},
                {"num_hidden_layers": 0},
                {"hidden_act": "tanh"},
                {"layer_norm_eps": 0.0},
                {"layerscale_value": 1.0},
                {"layerscale_value": -1.0},
                {"qkv_bias": 0},
                {"use_swiglu_ffn": True},
                {"heads": 3},
                {"mlp_ratio": 4},
            )
        ),
        *(
            {"name": "densenet", "config": DENSE | change}
            for change in (
                {},
                {"num_channels": 4},
                {"block_config": []},
                {"block_config": [1, 0]},
                {"bn_size": 0},
                {"x": 1},
            )
        ),
        *(
            {"name": "resnet", "config": SMALL | change}
            for change in (
                {"num_channels": 1},
                {"num_channels": 2},
                {"embedding_size": 0},
                {"hidden_sizes": []},
                {"hidden_sizes": [4, 8, 12]},
                {"hidden_sizes": [4, 6], "layer_type": "bottleneck"},
                {"hidden_sizes": [4, 8], "layer_type": "bottleneck"},
                {"depths": [1, 0]},
                {"depths": [1, 1.5]},
                {"layer_type": "wide"},
                {"hidden_act": "tanh"},
                {"hidden_act": "gelu"},
                {"downsample_in_first_stage": 1},
                {"downsample_in_bottleneck": True},
                {"widths": [1]},
            )
        ),
    ],
    ids=str,
)
def test_a_section_is_refused_if_and_only_if_the_registry_refuses_it(section, unchecked):
    def refuses(call) -> bool:
        try:
            call()
        except InputError:
            return True
        return False

    ours = refuses(lambda: parse(study(backbone=section)))
    assert ours == refuses(lambda: backbones.describe(section))


def test_a_label_files_split_is_read_as_the_data_reads_it():
    names = ["a_train.csv", "a.val.csv.gz", "DEV.csv", "x-test-2.csv", "valid training.csv", "labels.csv", "latest.csv"]
    for name in names:
        try:
            theirs = set(csvfile.split_files([name], what="file"))
        except InputError:
            theirs = None
        ours = layouts.splits_named(f"folder_train/{name}")
        assert (ours if len(ours) == 1 else None) == theirs, name


def test_demo_films_are_as_many_as_the_phantom_needs():
    with pytest.raises(InputError, match="generate.train: input should be greater than or equal to 20, got 19"):
        parse(study(generate={"out": "demo", "train": 19}))
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="at least 20 films"):
        cohort.draw_cohort(rng, films=19, source="nih")
    cohort.draw_cohort(rng, films=20, source="nih")


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"name": "vit", "config": {"patch_size": 5}},
            "backbone.config.image_size must be a multiple of patch_size, got",
        ),
        (
            {"name": "vit", "config": {"hidden_size": 10}},
            "backbone.config.hidden_size must be a multiple of num_attention",
        ),
        (
            {"name": "vit", "config": {"depths": [1]}},
            "backbone.config.depths is not a configuration key; allowed here: num",
        ),
        ({"name": "vit", "config": TOKENS, "trainable": "last:2"}, "N from 1 to 1, got last:2; set backbone.trainable"),
        (
            {"name": "vit"},
            "backbone needs weights, a known name, or the name resnet, vit or densenet with a config, got",
        ),
        (
            {"name": "resnet18", "pooling": "cls"},
            "must be mean or null for resnet18, which has no class token, got cls",
        ),
        ({"name": "xrv-densenet121"}, "backbone.weights of xrv-densenet121 must be the path of torchxrayvision's file"),
        ({"name": "densenet121", "weights": "a/b"}, "backbone.weights of densenet121 must be null, got a/b; set it to"),
        (
            {"name": "densenet121", "config": {}},
            "must be null with backbone.name densenet121; set backbone.name to resnet",
        ),
    ],
    ids=str,
)
def test_what_a_backbone_cannot_be_is_one_line(section, message):
    with pytest.raises(InputError, match=message):
        parse(study(backbone={"weights": None, **section}))


def test_weights_that_are_not_here_are_an_obstacle(tmp_path):
    """A folder of a checkpoint, and the file of an xrv network, also where its path has one slash as a hub's name."""
    file = tmp_path / "x0.pt"
    file.write_bytes(b"")
    told = {
        "gone": Backbone(weights=str(tmp_path / "gone")).obstacle,
        "xrv": Backbone(name="xrv-resnet50", weights="weights/gone.pt").obstacle,
        "hub": Backbone(name="resnet50", weights="microsoft/resnet-50").obstacle,
        "unnamed": Backbone(weights=str(file)).obstacle,
        "here": Backbone(weights=str(tmp_path)).obstacle,
    }
    assert told["gone"].endswith("set backbone.weights to a folder that does, or to a name like microsoft/resnet-50")
    assert told["xrv"] == "weights/gone.pt does not exist; set backbone.weights to a torchxrayvision file"
    assert told["unnamed"] == (
        f"{file} is a file, and no checkpoint's folder; set backbone.name to xrv-densenet121 or xrv-resnet50 for a "
        "torchxrayvision file, or backbone.weights to a folder"
    )
    assert told["hub"] is told["here"] is None


def test_a_later_key_is_in_no_text_of_a_configuration_before_it(tmp_path):
    def text(**section):
        return Recipe("cdl", {}, Backbone(**section), Image(), Augment(), Train()).decides()["backbone"]

    vit = {"name": "vit", "weights": "a/b"}
    assert "pooling" not in text(name="resnet18") and text(**vit, pooling="mean")["pooling"] == "mean"
    (tmp_path / "config.json").write_text('{"model_type": "dinov2"}')
    for section, habit in (
        (vit, "cls"),
        ({"name": "resnet18"}, "mean"),
        ({"weights": str(tmp_path)}, "cls"),
        ({"weights": str(tmp_path), "library": "jax"}, "cls"),
    ):
        assert text(**section) == text(**section, pooling=habit)  # spelt out: the same network
    torch = {"weights": str(tmp_path), "library": "torch", "trainable": "head"}  # whose habit its model knows
    assert text(**torch, pooling="cls")["pooling"] == "cls"
    assert text(name="vit", config=TOKENS)["config"] == ViT(**TOKENS).model_dump()


def test_a_plan_does_not_depend_on_the_hubs_cache(monkeypatch):
    """An unnamed checkpoint whose model type is not known here is refused; what is named or said plans without it."""
    kinds = {}
    monkeypatch.setattr("qcxr.study.pretrained.model_type", lambda weights: kinds.get(weights))
    unnamed = {"name": None, "weights": "facebook/cn", "trainable": "head"}
    with pytest.raises(
        InputError, match=r"what computes it is not known; fetch it first \(hf download facebook/cn\), or"
    ):
        parse(study(backbone=unnamed))
    for section in ({}, {"backbone": {**unnamed, "library": "torch"}}, {"backbone": {**unnamed, "library": "jax"}}):
        before = parse(study(**section)).backbone.decides()
        kinds["microsoft/resnet-50"] = "resnet"
        assert parse(study(**section)).backbone.decides() == before
    kinds["facebook/cn"] = "convnext"
    assert parse(study(backbone=unnamed)).backbone.on_torch


def test_a_name_that_torch_would_not_compute_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "convnext"}')
    section = {"name": "resnet50", "weights": str(tmp_path), "trainable": "head"}
    with pytest.raises(
        InputError, match=r"backbone.name must be null for .* \(its model_type is convnext\), got resnet50"
    ):
        parse(study(backbone=section))


def test_a_model_type_that_is_no_word_is_one_line(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": ["vit"]}')
    section = {"weights": str(tmp_path)}
    assert len(slices.backbone_code(Backbone(**section))) > 1 and not Backbone(**section).on_torch
    with pytest.raises(InputError, match=r"model_type must be .*, got \['vit'\]; set backbone.weights to such"):
        backbones.describe(section)
