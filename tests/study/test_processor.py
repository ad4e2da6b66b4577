"""A checkpoint's image processor in the words of `image:`: its very pixels, from its JSON alone."""

import json

import numpy as np
import pytest
import yaml
from transformers import AutoImageProcessor

from qcxr.data.augment import normalise
from qcxr.data.images import Preprocessing, preprocess
from qcxr.errors import InputError
from qcxr.study import processor
from qcxr.study.backbone import Backbone
from qcxr.study.config import parse
from qcxr.study.sections import Image
from qcxr.training.backbone import normalisation
from tests.data.films import gray
from tests.study.studies import ROOT, study

NULL = {"resize": None, "crop": None}
RAD_DINO = {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 518}, "resample": 3}
RAD_DINO |= {"crop_size": {"height": 518, "width": 518}, "image_mean": [0.5307] * 3, "image_std": [0.2583] * 3}
CASES = {  # model type, preprocessor_config.json, what it must come to
    "vit": ("vit", {"image_processor_type": "ViTImageProcessor"}, (224, 224, "squash", "bilinear")),
    "old vit": ("vit", {"feature_extractor_type": "ViTFeatureExtractor", "size": 96}, (96, 96, "squash", "bilinear")),
    "swin": ("swin", {"size": {"height": 112, "width": 112}, "resample": 3}, (112, 112, "squash", "bicubic")),
    "deit": ("deit", {"image_processor_type": "DeiTImageProcessorFast"}, (256, 224, "squash", "bicubic")),
    "beit": ("beit", {"image_processor_type": "BeitImageProcessor", "size": 64}, (64, 64, "squash", "bicubic")),
    "beit cut": ("beit", {"do_center_crop": True, "size": 80, "crop_size": 64}, (80, 64, "squash", "bicubic")),
    "dinov2": (
        "dinov2",
        {"image_processor_type": "BitImageProcessor", "size": {"shortest_edge": 256}, "crop_size": 224},
        (256, 224, "crop", "bicubic"),
    ),
    "rad-dino": ("dinov2", RAD_DINO, (518, 518, "crop", "bicubic")),
    "clip": ("clip", {"image_processor_type": "CLIPImageProcessor", "resample": 1}, (224, 224, "crop", "lanczos")),
    "siglip": ("siglip", {"image_processor_type": "SiglipImageProcessor"}, (224, 224, "squash", "bicubic")),
    "convnext": (
        "convnext",
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 224}, "crop_pct": 0.95},
        (235, 224, "crop", "bicubic"),
    ),
    "convnext large": (
        "convnext",
        {"image_processor_type": "ConvNextImageProcessor", "resample": 2},
        (384, 384, "squash", "bilinear"),
    ),
    "resnet": (
        "resnet",
        {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224, "crop_pct": 0.875},
        (256, 224, "crop", "bicubic"),
    ),
    "unscaled": (
        "vit",
        {"size": 32, "do_rescale": False, "image_mean": [127.5] * 3, "image_std": [60.0] * 3},
        (32, 32, "squash", "bilinear"),
    ),
    "not normalised": ("vit", {"size": 32, "do_normalize": False}, (32, 32, "squash", "bilinear")),
}


def checkpoint(folder, kind, content):
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": kind}))
    (folder / "preprocessor_config.json").write_text(json.dumps(content))
    return Backbone(weights=str(folder), trainable="head", library="torch")


@pytest.mark.parametrize("case", CASES)
def test_films_are_prepared_to_the_bit_as_by_the_processor(tmp_path, case):
    kind, content, expected = CASES[case]
    image = processor.resolved(Image(**NULL), checkpoint(tmp_path, kind, content))
    assert (image.resize, image.crop, image.fit, image.resample) == expected
    theirs = AutoImageProcessor.from_pretrained(tmp_path, backend="pil")
    rng = np.random.default_rng(5)
    for height, width in ((256, 256), (1024, 1024), (601, 640), (517, 301), (90, 61)):
        film = gray(rng, height, width)
        rgb = np.repeat(film[..., None], 3, axis=2)
        plain = theirs(rgb, do_rescale=False, do_normalize=False, input_data_format="channels_last")["pixel_values"][0]
        ours = preprocess(film, Preprocessing.of(image.prepares()))
        np.testing.assert_array_equal(ours, plain[0], err_msg=f"{height} x {width}")
    whole = theirs(rgb, return_tensors="np", input_data_format="channels_last")["pixel_values"]
    np.testing.assert_allclose(
        normalise(ours[None], mean=image.mean, std=image.std), whole.transpose(0, 2, 3, 1), atol=2e-6, rtol=1e-6
    )


def test_a_small_network_with_one_channel_has_one_mean(tmp_path):
    """A processor's single number is every channel's."""
    content = {"size": 32, "image_mean": [0.5], "image_std": [0.25]}
    image = processor.resolved(Image(**NULL), checkpoint(tmp_path, "vit", content))
    assert (image.mean, image.std) == ([0.5] * 3, [0.25] * 3)


IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
SCALES = {  # preprocessor_config.json of a ViT in JAX, further keys of its config.json, image.mean and image.std here
    "the class's": ({"size": 32}, {}, ([0.5] * 3, [0.5] * 3)),
    "none": ({"size": 32, "do_normalize": False, **IMAGENET}, {}, ([0.0] * 3, [1.0] * 3)),
    "of 255": (
        {"size": 32, "do_rescale": False, "image_mean": [127.5] * 3, "image_std": [63.75] * 3},
        {},
        ([0.5] * 3, [0.25] * 3),
    ),
    "one channel": ({"size": 32}, {"num_channels": 1}, ([0.5], [0.5])),
    "one of them": ({"size": 32, "image_mean": [0.25] * 3}, {}, ([0.25] * 3, [0.5] * 3)),
    "stated": ({"size": 32, **IMAGENET}, {}, (None, None)),  # read by the network itself, and in no finished run's text
}


@pytest.mark.parametrize("case", SCALES)
def test_a_network_in_jax_is_normalised_as_its_processor_says(tmp_path, case):
    content, config, expected = SCALES[case]
    checkpoint(tmp_path, "vit", content)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit", "hidden_size": 24, **config}))
    ours = Backbone(weights=str(tmp_path), library="jax")
    for sizes in (NULL, {"resize": 32, "crop": 32, "fit": "squash", "resample": "bilinear"}):
        image = processor.resolved(Image(**sizes), ours)
        assert (image.mean, image.std) == expected
        assert processor.differences(image, ours) == []
    theirs = processor.resolved(image, ours.model_copy(update={"library": "torch", "trainable": "head"}))
    channels = config.get("num_channels", 3)
    for mean, own in zip(normalisation(ours, image), (theirs.mean, theirs.std), strict=True):
        assert mean == own[:channels]


def test_a_processors_other_file_and_one_value_for_all_channels(tmp_path):
    """processor_config.json alone says it too; [0.5] of a network with one channel is the processor's [0.5] * 3."""
    checkpoint(tmp_path, "vit", {})
    (tmp_path / "preprocessor_config.json").unlink()
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit", "num_channels": 1}))
    said = {"size": 32, "image_mean": [0.5], "image_std": [0.25]}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": said}))
    ours = Backbone(weights=str(tmp_path))
    assert processor.resolved(Image(), ours).std == [0.25]
    image = Image(resize=32, crop=32, fit="squash", resample="bilinear", mean=[0.5], std=[0.2])
    (line,) = processor.differences(image, ours)
    assert line.startswith("image.std is [0.2], ") and line.endswith(" was trained with [0.25, 0.25, 0.25]")


REFUSED = {
    "of another kind": (
        {"image_processor_type": "DonutImageProcessor"},
        "image_processor_type must be one of ViT.*Donut",
    ),
    "not resized": ({"do_resize": False}, "do_resize must be true"),
    "not square": (
        {"size": {"height": 3, "width": 4}},
        "size must be shortest_edge, or height and width that are equal",
    ),
    "without a size": ({"size": {"longest_edge": 4}}, "size must be shortest_edge"),
    "left long": ({"size": {"shortest_edge": 64}}, "do_center_crop must be true with size.shortest_edge"),
    "crop beyond size": ({"size": 32, "do_center_crop": True, "crop_size": 64}, "crop_size must be at most size"),
    "odd filter": ({"resample": 0}, r"resample must be one of 1, 2, 3 \(PIL's numbers\), got 0"),
    "zero deviation": ({"image_std": [0, 1, 1]}, "image_mean and image_std must be 1 or 3 numbers, std > 0"),
    "text for a number": ({"rescale_factor": "x"}, "it is damaged"),
    "no pixels": ({"size": 0}, "size must be a whole number of pixels from 8, got 0"),
    "fewer than none": ({"size": {"height": -3, "width": -3}}, "size must be a whole number of pixels from 8, got -3"),
    "an empty crop": ({"do_center_crop": True, "crop_size": 0}, "crop_size must be a whole number of pixels from 8"),
    "nothing times": ({"rescale_factor": 0}, "rescale_factor must be a number > 0, got 0"),
    "no number": ({"image_mean": [float("nan")] * 3}, "image_mean and image_std must be 1 or 3 numbers"),
    "beyond numbers": ({"image_std": [float("inf")] * 3}, "image_mean and image_std must be 1 or 3 numbers"),
    "cut to more": (
        {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 64}, "crop_pct": 2},
        "crop_pct must be above 0 and at most 1, got 2",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_image_cannot_say_is_one_line(tmp_path, case):
    content, text = REFUSED[case]
    backbone = checkpoint(tmp_path, "vit", content)
    with pytest.raises(ValueError, match=text) as caught:
        processor.resolved(Image(**NULL), backbone)
    assert "\n" not in str(caught.value) and "set image.resize, image.crop, image.mean and" in str(caught.value)
    told = Image(resize=40, crop=32, mean=[0.5] * 3, std=[0.5] * 3)
    assert processor.resolved(told, backbone).prepares() == {"resize": 40, "crop": 32}


def test_a_processor_that_is_no_object_is_one_line(tmp_path):
    backbone = checkpoint(tmp_path, "vit", {})
    (tmp_path / "preprocessor_config.json").rename(tmp_path / "processor_config.json")
    (tmp_path / "processor_config.json").write_text('{"image_processor": [1]}')
    with pytest.raises(ValueError, match=r"processor_config.json: it must hold a JSON object that says something"):
        processor.resolved(Image(**NULL), backbone)


def test_a_study_takes_its_checkpoints_sizes(tmp_path):
    """In words of the configuration: nulls are the processor's; what is the paper's leaves every text as it was."""
    swin = checkpoint(tmp_path / "swin", *CASES["swin"][:2])
    section = {"weights": swin.weights, "trainable": "head"}
    cfg = parse(study(backbone=section, image=NULL))
    assert cfg.prepared.prepares() == {"resize": 112, "crop": 112, "fit": "squash"}
    (made, *_) = cfg.arms.values()
    assert made.image.mean == [0.5] * 3 and made.backbone.kept_views == 1
    squashed = parse(study(backbone=section, image={**NULL, "fit": "crop", "resample": "bilinear"}))
    assert squashed.prepared.prepares() == {"resize": 112, "crop": 112, "resample": "bilinear"}
    assert parse(study()).prepared.prepares() == {"resize": 256, "crop": 224}
    assert processor.differences(made.image, made.backbone) == []
    (line,) = processor.differences(squashed.prepared.model_copy(update={"resample": "bicubic"}), made.backbone)
    assert line == f"image.fit is crop, {swin.weights} was trained with squash"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"image": {"resize": None}},
            "image.resize and image.crop must both be numbers or both null .* got null and 224",
        ),
        (
            {"image": NULL, "backbone": {"name": "resnet18"}},
            "must be given with a backbone that has no image processor",
        ),
        ({"image": NULL, "backbone": {"weights": "some/model"}}, r"fetch it first \(hf download some/model\)"),
        ({"image": NULL, "backbone": {"weights": "./nowhere"}}, "./nowhere has no preprocessor_config.json here; set"),
    ],
)
def test_sizes_that_nobody_says_are_refused(changes, text):
    with pytest.raises(InputError, match=text) as caught:
        parse(study(**changes))
    assert "\n" not in str(caught.value)


def test_films_are_prepared_once_so_processors_must_agree(tmp_path):
    one, other = (checkpoint(tmp_path / name, *CASES[name][:2]) for name in ("swin", "deit"))
    heads = ["cdl", {"other": {"kind": "cdl", "backbone": {"weights": other.weights}}}]
    changes = {"backbone": {"weights": one.weights, "trainable": "head"}, "heads": heads}
    with pytest.raises(InputError, match="must be numbers where backbones differ in their processors, got null with"):
        parse(study(image=NULL, **changes))
    assert parse(study(**changes)).prepared.prepares() == {"resize": 256, "crop": 224}


@pytest.mark.parametrize(
    ("section", "text"),
    [
        (
            {"trainable": "all"},
            "a backbone that torch computes is frozen, got trainable all for .* of model_type swin; set",
        ),
        ({"trainable": "last:1"}, "is frozen, got trainable last:1"),
        ({"batch_norm": "batch"}, "is frozen, got batch_norm batch"),
        ({"library": "jax"}, "backbone.library jax has resnet.*, got .* of model_type swin; set backbone.library to"),
        (
            {"library": "torch", "name": "resnet50"},
            "needs backbone.weights, a Hugging Face name or folder, and no name",
        ),
        (
            {"library": "torch", "name": "efficientnet-lite0", "weights": "imagenet"},
            "library torch needs backbone.weights",
        ),
        (
            {"weights": None, "name": "resnet50", "trainable": "all", "pooling": "cls"},
            "must be mean or null for resnet50, which has no class",
        ),
    ],
)
def test_what_torch_cannot_do_is_refused(tmp_path, section, text):
    weights = checkpoint(tmp_path, "swin", {}).weights
    with pytest.raises(InputError, match=text) as caught:
        parse(study(backbone={"weights": weights, "trainable": "head", **section}))
    assert "\n" not in str(caught.value)


def test_the_pages_example_is_a_study(tmp_path, monkeypatch):
    """docs/models.md's, with a checkpoint's small files in the hub's cache, as `hf download` leaves them there."""
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    sections = yaml.safe_load(page.partition("## Any Hugging Face model")[2].split("```")[1].removeprefix("yaml"))
    name = sections["backbone"]["weights"]
    home = tmp_path / f"models--{name.replace('/', '--')}"
    checkpoint(_made(home / "snapshots/0a1"), *CASES["convnext"][:2])
    _made(home / "refs").joinpath("main").write_text("0a1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cfg = parse(study(**sections))
    assert cfg.prepared.prepares() == {"resize": 235, "crop": 224}
    (made, *_) = cfg.arms.values()
    assert made.backbone.on_torch and made.backbone.kept_views == 1 and made.image.std == [0.5] * 3


def _made(folder):
    folder.mkdir(parents=True)
    return folder
