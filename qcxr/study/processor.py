"""What a checkpoint's image processor does to a film, from its JSON: size, crop, filter and normalisation.

The classes of transformers that differ in nothing else, with their defaults; what a class does beyond that cannot be
said in `image:` and is refused. Tests hold all of it to the classes themselves, pixel for pixel.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcxr.study import pretrained
from qcxr.study.backbone import Backbone
from qcxr.study.sections import Image

FILES = ("preprocessor_config.json", "processor_config.json")
FILTERS = {1: "lanczos", 2: "bilinear", 3: "bicubic"}  # PIL's numbers
HALF, CLIP = [0.5] * 3, ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
_WHOLE: dict[str, Any] = {
    **{"do_resize": True, "do_center_crop": False, "do_rescale": True, "do_normalize": True, "resample": 3},
    **{"rescale_factor": 1 / 255, "image_mean": HALF, "image_std": HALF},
    **{"square": True, "size": 224, "crop_size": 224},
}
_CLIP: dict[str, Any] = {"do_center_crop": True, "square": False, "image_mean": CLIP[0], "image_std": CLIP[1]}
# where they differ from _WHOLE; `square`: a size of one number is both sides'
CLASSES: dict[str, dict[str, Any]] = {
    "ViTImageProcessor": {"resample": 2},
    "BeitImageProcessor": {},
    "DeiTImageProcessor": {"size": 256, "do_center_crop": True},
    "BitImageProcessor": _CLIP,
    "CLIPImageProcessor": _CLIP,
    "SiglipImageProcessor": {"square": False, "size": {"height": 224, "width": 224}},
    "ConvNextImageProcessor": {"square": False, "size": 384, "crop_pct": 224 / 256},
}
# the class of a model type, for checkpoints whose JSON does not name it
OF_TYPE = {
    "ViTImageProcessor": ("vit", "vit_mae", "vit_msn", "ijepa", "swin", "swinv2", "swiftformer", "dinat"),
    "BeitImageProcessor": ("beit", "data2vec-vision"),
    "DeiTImageProcessor": ("deit",),
    "BitImageProcessor": ("bit", "dinov2", "dinov2_with_registers", "focalnet", "hiera"),
    "CLIPImageProcessor": ("clip", "clip_vision_model", "mlcd", "metaclip_2"),
    "SiglipImageProcessor": ("siglip", "siglip_vision_model"),
    "ConvNextImageProcessor": ("convnext", "convnextv2", "cvt", "regnet", "resnet"),
}


@dataclass(frozen=True)
class Processor:
    """`image:`'s keys as the checkpoint has them; mean and std are of values on [0, 1], one for each channel.

    stated: its JSON has these very values, so that the network in JAX, which reads no more of it, has them too.
    """

    resize: int
    crop: int
    fit: str
    resample: str
    mean: list[float]
    std: list[float]
    stated: bool


def read(weights: str) -> Processor:
    """A checkpoint's processor. Raises ValueError with one line: it is not here, or does what `image:` cannot say."""
    found = next(filter(None, (pretrained.find(weights, file) for file in FILES)), None)
    if found is None:
        fetch = "" if pretrained.local(weights) else f", fetch it first (hf download {weights})"
        raise ValueError(
            f"{weights} has no {FILES[0]} here{fetch}; set image.resize, image.crop, image.mean and image.std yourself"
        )
    given = pretrained.read(found)
    try:
        told = given.get("image_processor", given) if found.name == FILES[1] else given
        if not isinstance(told, dict) or not told:
            raise ValueError("it must hold a JSON object that says something, got none")
        return _of(_full(told, weights), stated=found.name == FILES[0] and {"image_mean", "image_std"} <= told.keys())
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        said = str(error) if isinstance(error, ValueError) else f"it is damaged ({type(error).__name__}: {error})"
        raise ValueError(f"{found}: {said}; set image.resize, image.crop, image.mean and image.std yourself") from None


def resolved(image: Image, backbone: Backbone) -> Image:
    """`image:` with nothing left to be chosen: sizes that are null are the processor's, and so its fit and filter.

    Its normalisation too, if it is known here; for a network in JAX only where that would not read it so itself (a text
    that decides a finished run stays). Raises ValueError with one line.
    """
    own = None
    if image.resize is None or None in (image.mean, image.std):
        own = _own(backbone, needed=image.resize is None)
    sizes = {
        "resize": image.resize,
        "crop": image.crop,
        "fit": image.fit or "crop",
        "resample": image.resample or "bicubic",
    }
    if own is not None and image.resize is None:
        sizes = {key: getattr(image, key) or getattr(own, key) for key in sizes}
    scale = {}
    if own is not None and (backbone.on_torch or not own.stated):
        channels = 3 if backbone.on_torch else _channels(backbone)  # torch's reads the first of three
        scale = {"mean": image.mean or own.mean[:channels], "std": image.std or own.std[:channels]}
    return image.model_copy(update=sizes | scale)


def differences(image: Image, backbone: Backbone) -> list[str]:
    """A line for each key of a resolved `image:` that is not the checkpoint's own; none where that is not known."""
    own = _own(backbone, needed=False)
    if own is None:
        return []
    here = {key: getattr(image, key) for key in ("resize", "crop", "fit", "resample", "mean", "std")}
    told = {key: (value, getattr(own, key)) for key, value in here.items() if value is not None}
    channels = _channels(backbone)
    return [
        f"image.{key} is {ours}, {backbone.weights} was trained with {theirs}"
        for key, (ours, theirs) in told.items()
        if _seen(ours, channels) != _seen(theirs, channels)
    ]


def _seen(value: Any, channels: int) -> Any:
    """A key's value as a network with so many channels meets it: one number is every channel's."""
    return (value * (3 // len(value)))[:channels] if isinstance(value, list) else value


def _channels(backbone: Backbone) -> int:
    """What the checkpoint's network reads: 1 channel, or 3."""
    found = pretrained.find(backbone.weights or "", pretrained.CONFIG)
    return 1 if found is not None and pretrained.read(found).get("num_channels") == 1 else 3


def _own(backbone: Backbone, *, needed: bool) -> Processor | None:
    if backbone.weights is None or backbone.weights == "imagenet":
        if needed:
            raise ValueError(
                "image.resize and image.crop must be given with a backbone that has no image processor, got null; "
                "set both (256 and 224 are the paper's), or backbone.weights to a Hugging Face checkpoint"
            )
        return None
    try:
        return read(backbone.weights)
    except ValueError:
        if needed:
            raise
        return None


def _full(given: Mapping[str, Any], weights: str) -> dict[str, Any]:
    """The JSON with its class's defaults under it."""
    named = given.get("image_processor_type") or given.get("feature_extractor_type")
    kind = pretrained.model_type(weights)
    if named is None:
        named = next((name for name, kinds in OF_TYPE.items() if kind in kinds), None)
    name = str(named).removesuffix("Fast").removesuffix("Pil").replace("FeatureExtractor", "ImageProcessor")
    if name not in CLASSES:
        what = named or f"none, with model_type {kind}"
        raise ValueError(f"image_processor_type must be one of {', '.join(CLASSES)}, got {what}")
    return {"class": name, **_WHOLE, **CLASSES[name], **{key: given[key] for key in given if given[key] is not None}}


def _of(full: dict[str, Any], *, stated: bool) -> Processor:
    if not full["do_resize"]:
        raise ValueError("do_resize must be true, or films of one size are nobody's work, got false")
    if full["resample"] not in FILTERS:
        raise ValueError(
            f"resample must be one of {', '.join(map(str, FILTERS))} (PIL's numbers), got {full['resample']}"
        )
    if full["class"] == "ConvNextImageProcessor":
        resize, crop, fit = _convnext(full)
    else:
        resize, crop, fit = _plain(full)
    factor = 255 * (full["rescale_factor"] if full["do_rescale"] else 1)
    if not 0 < factor < math.inf:
        raise ValueError(f"rescale_factor must be a number > 0, got {full['rescale_factor']}")
    mean, std = full["image_mean"], full["image_std"]
    mean, std = ([x] if isinstance(x, int | float) else list(x) for x in (mean, std))
    if not full["do_normalize"]:
        mean, std = [0.0], [1.0]
    finite = all(map(math.isfinite, (*mean, *std)))
    if len(mean) not in (1, 3) or len(std) not in (1, 3) or not finite or min(std) <= 0:
        raise ValueError(f"image_mean and image_std must be 1 or 3 numbers, std > 0, got {mean} and {std}")
    # (x * factor - mean) / std with x on [0, 1]
    scaled = [[float(v) if factor == 1 else v / factor for v in values] for values in (mean, std)]
    mean, std = ([*values] * (3 if len(values) == 1 else 1) for values in scaled)
    stated = stated and bool(full["do_normalize"]) and factor == 1
    return Processor(resize, crop, fit, FILTERS[full["resample"]], mean, std, stated)


def _plain(full: dict[str, Any]) -> tuple[int, int, str]:
    """resize, crop, fit of a class that resizes, then crops the centre if it is told to."""
    size, fit = _size(full["size"], "size", square=full["square"])
    if not full["do_center_crop"]:
        if fit == "crop":
            raise ValueError(
                "do_center_crop must be true with size.shortest_edge (networks here see squares), got false"
            )
        return size, size, fit
    crop, _ = _size(full["crop_size"], "crop_size", square=True)
    if crop > size:
        raise ValueError(f"crop_size must be at most size ({size}), got {crop}")
    return size, crop, fit


def _convnext(full: dict[str, Any]) -> tuple[int, int, str]:
    """ConvNeXt's own way: below 384 the shortest side to size / crop_pct and the centre, from 384 on the whole film."""
    size, fit = _size(full["size"], "size", square=False)
    if fit != "crop":
        raise ValueError(f"size must have shortest_edge, got {full['size']}")
    if size >= 384:
        return size, size, "squash"
    if not 0 < full["crop_pct"] <= 1:
        raise ValueError(f"crop_pct must be above 0 and at most 1, got {full['crop_pct']}")
    return int(size / full["crop_pct"]), size, "crop"


def _size(given: Any, key: str, *, square: bool) -> tuple[int, str]:
    if isinstance(given, int) and not isinstance(given, bool):
        return _side(given, key), "squash" if square else "crop"
    if isinstance(given, Mapping):
        sides = {name: value for name, value in given.items() if value is not None}
        if set(sides) == {"shortest_edge"}:
            return _side(sides["shortest_edge"], key), "crop"
        if set(sides) == {"height", "width"} and sides["height"] == sides["width"]:
            return _side(sides["height"], key), "squash"
    raise ValueError(f"{key} must be shortest_edge, or height and width that are equal, got {given}")


def _side(pixels: Any, key: str) -> int:
    """As `image.resize` and `image.crop` are checked."""
    if type(pixels) is not int or pixels < 8:
        raise ValueError(f"{key} must be a whole number of pixels from 8, got {pixels}")
    return pixels
