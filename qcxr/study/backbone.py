"""`backbone:` in the configuration: the feature extractor, by name, by checkpoint or by its shape."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qcxr.study import networks, pretrained
from qcxr.study.fields import Count, Section
from qcxr.study.networks import Architecture, Shaped

TRAINABLE = r"all|head|last:[1-9][0-9]*"


def _trainable(value: str) -> str:
    if not re.fullmatch(TRAINABLE, value):
        raise PydanticCustomError("must", "must be all, head or last:N with N from 1")
    return value


Trainable = Annotated[str, AfterValidator(_trainable), Field(json_schema_extra={"pattern": f"^({TRAINABLE})$"})]


class Backbone(Section):
    """The feature extractor: a known shape from scratch, a shape of your own, or a checkpoint."""

    name: Architecture | None = Field(
        None,
        description="Its architecture; resnet, vit and densenet are those that config describes, null the one that the "
        "checkpoint says.",
        examples=["resnet50", "vit"],
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description="Where pretrained weights are from: a Hugging Face name, a local folder with config.json and "
        "model.safetensors, imagenet for efficientnet-lite0, or a torchxrayvision file for an xrv name; null trains "
        "from scratch.",
        examples=["microsoft/resnet-50", "microsoft/rad-dino"],
    )
    library: Literal["jax", "torch"] | None = Field(
        None,
        description="What computes it: jax, or torch (frozen, any Hugging Face vision model, extra hub); null is jax "
        f"for the model types that are ours ({', '.join(networks.TYPES)}) and torch for every other, by the model_type "
        "of config.json.",
        examples=["torch"],
    )
    config: Annotated[dict[str, Any], Shaped()] | None = Field(
        None,
        description="Shape of a network of your own, for the names resnet, vit and densenet without weights.",
        examples=[{"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"}],
    )
    batch_norm: Literal["running", "batch"] | None = Field(
        None,
        description="What BatchNorm normalises with in training: running keeps its statistics frozen, batch takes the "
        "batch's and learns them; null is running for pretrained weights and batch from scratch.",
        examples=["batch"],
    )
    pooling: Literal["cls", "mean"] | None = Field(
        None,
        description="What a ViT's features are, after its last LayerNorm: its class token, or the mean of its patches; "
        "null is the network's own habit (cls for ViT and DINOv2; with torch the model's own pooled output). A "
        "convolutional network has its mean only.",
        examples=["mean"],
    )
    trainable: Trainable = Field(
        "all",
        description="What trains: all, head (the backbone stays frozen), or last:N (its last N stages and the head).",
        examples=["head", "last:1"],
    )
    views: Count | None = Field(
        None,
        description="With trainable: head and pretrained weights, compute the features of so many augmentations of "
        "each training film once and train heads from them; null runs the backbone in every step (with torch: is 1).",
        examples=[8],
    )
    remat: bool = Field(
        False,
        description="Whether to compute activations again in the backward pass: less memory, more time.",
        examples=[True],
    )

    @model_validator(mode="after")
    def _is_one_network(self) -> Backbone:
        if self.config is not None and self.weights is not None:
            raise ValueError(
                f"backbone.config must be null with backbone.weights (a checkpoint brings its own), got weights "
                f"{self.weights}; set one of them to null"
            )
        if self.config is not None and self.name not in networks.SHAPES:
            raise ValueError(
                f"backbone.config must be null with backbone.name {self.name}; set backbone.name to "
                f"{_one_of(networks.SHAPES)}"
            )
        if self.name == "efficientnet-lite0" and self.weights not in (None, "imagenet"):
            raise ValueError(
                f"backbone.weights of efficientnet-lite0 must be imagenet or null, got {self.weights}; "
                "set backbone.weights"
            )
        if self.weights == "imagenet" and self.name != "efficientnet-lite0":
            raise ValueError(
                f"backbone.weights imagenet is for efficientnet-lite0, got backbone.name {self.name}; set "
                "backbone.weights to a name like microsoft/resnet-50"
            )
        if self.weights is None and (self.name is None or (self.name in networks.SHAPES and self.config is None)):
            raise ValueError(
                f"backbone needs weights, a known name, or the name {_one_of(networks.SHAPES)} with a config, got name "
                f"{self.name} without either; set backbone.weights, or backbone.name to one of "
                f"{', '.join(networks.STAGES)}"
            )
        return self

    @model_validator(mode="after")
    def _reads_its_file(self) -> Backbone:
        if self.name in networks.FILES and self.weights is None:
            raise ValueError(
                f"backbone.weights of {self.name} must be the path of torchxrayvision's file, got null; set "
                "backbone.weights to a file that you have"
            )
        if self.weights is not None and self.name is not None and not networks.named(self.name).reads(self.weights):
            raise ValueError(
                f"backbone.weights of {self.name} must be null, got {self.weights}; set it to null, or backbone.name "
                "to xrv-densenet121 for a torchxrayvision file"
            )
        if self.pooling == "cls" and self.name is not None and networks.named(self.name).pooling == ("mean",):
            raise ValueError(
                f"backbone.pooling must be mean or null for {self.name}, which has no class token, got cls; set "
                "backbone.pooling in the config"
            )
        return self

    @model_validator(mode="after")
    def _has_the_stages(self) -> Backbone:
        stages = networks.STAGES.get(self.name or "")
        if self.config is not None and self.name is not None:
            stages = networks.SHAPES[self.name].model_validate(self.config).stages
        if stages and self.trainable.startswith("last:") and int(self.trainable.removeprefix("last:")) > stages:
            raise ValueError(
                f"backbone.trainable must be all, head or last:N with N from 1 to {stages}, got {self.trainable}; "
                "set backbone.trainable in the config"
            )
        return self

    @model_validator(mode="after")
    def _views_are_of_a_frozen_backbone(self) -> Backbone:
        if self.views is not None and (self.trainable != "head" or self.weights is None):
            raise ValueError(
                "backbone.views needs a frozen, pretrained backbone, "
                f"got trainable {self.trainable} and weights {self.weights}; "
                "set backbone.trainable to head and backbone.weights, or views to null"
            )
        return self

    @model_validator(mode="after")
    def _its_library_can(self) -> Backbone:
        if self.library == "torch" and (self.weights in (None, "imagenet") or self.name is not None):
            raise ValueError(
                "backbone.library torch needs backbone.weights, a Hugging Face name or folder, and no name, got "
                f"weights {self.weights or 'null'} and name {self.name or 'null'}; set both"
            )
        kind = pretrained.model_type(self.weights)
        hub = self.weights is not None and not pretrained.local(self.weights) and not self._path.exists()
        if hub and kind is None and self.name is self.library is None:  # with it there, the plan would be another
            raise ValueError(
                f"backbone.weights {self.weights} is not in the hub's cache here, so what computes it is not known; "
                f"fetch it first (hf download {self.weights}), or set backbone.library to jax or torch"
            )
        if self.library == "jax" and kind is not None and kind not in networks.TYPES:
            raise ValueError(
                f"backbone.library jax has {', '.join(networks.TYPES)}, got {self.weights} of model_type {kind}; set "
                "backbone.library to torch or null"
            )
        if self.on_torch and self.name is not None:
            raise ValueError(
                f"backbone.name must be null for {self.weights}, which torch computes (its model_type is {kind}), got "
                f"{self.name}; set backbone.name to null"
            )
        if self.on_torch and (self.trainable != "head" or self.batch_norm == "batch"):
            got = f"trainable {self.trainable}" if self.trainable != "head" else "batch_norm batch"
            raise ValueError(
                f"a backbone that torch computes is frozen, got {got} for {self.weights}"
                f"{f' of model_type {kind}' if kind else ''}; set backbone.trainable to head and batch_norm to null"
            )
        return self

    @property
    def on_torch(self) -> bool:
        """Whether torch computes it (frozen); as far as is known here, where a hub's config.json may be missing yet."""
        if self.library is not None:
            return self.library == "torch"
        kind = pretrained.model_type(self.weights)
        return kind is not None and kind not in networks.TYPES

    @property
    def kept_views(self) -> int | None:
        """`views` with nothing left to be chosen: what torch computes is computed once."""
        return self.views or (1 if self.on_torch else None)

    def decides(self) -> dict[str, Any]:
        """The keys that decide what it computes, resolved; what is new and as ever is left out, spelt out or not."""
        told = self.model_dump(mode="json", exclude={"library"}) | {"batch_norm": self.normalises_with}
        if self.pooling in (None, self._habit):  # a key that came later: it changes no text of those before it
            del told["pooling"]
        return told | ({"library": "torch", "views": self.kept_views} if self.on_torch else {})

    @property
    def _habit(self) -> str | None:
        """The pooling of a network in JAX where nothing is said, as far as its family is known without the hub."""
        if self.name is not None:
            return networks.named(self.name).pooling[0]
        known = self.library is None or self._path.is_dir()
        kind = pretrained.model_type(self.weights) if known and not self.on_torch else None
        return networks.TYPES[kind].pooling[0] if kind in networks.TYPES else None

    @property
    def normalises_with(self) -> str:
        """`batch_norm` with nothing left to be chosen."""
        return self.batch_norm or ("batch" if self.weights is None else "running")

    @property
    def _path(self) -> Path:
        return Path(self.weights or "").expanduser()

    @property
    def local_weights(self) -> str | None:
        """`weights` if that can only be a folder here: neither a hub's `owner/name` nor a package's."""
        if self.weights is None or self.weights == "imagenet":
            return None
        return None if not pretrained.local(self.weights) and self.name not in networks.FILES else self.weights

    @property
    def obstacle(self) -> str | None:
        """One line that says which local weights are not there."""
        path = self._path
        if self.weights is not None and self.name not in networks.FILES and path.is_file():
            return (
                f"{self.weights} is a file, and no checkpoint's folder; set backbone.name to "
                f"{_one_of(networks.FILES)} for a torchxrayvision file, or backbone.weights to a folder"
            )
        if self.local_weights is None:
            return None
        if self.name in networks.FILES:
            return None if path.is_file() else f"{path} does not exist; set backbone.weights to a torchxrayvision file"
        if path.is_dir():
            return None
        return (
            f"{self.local_weights} does not exist; set backbone.weights to a folder that does, or to a name like "
            "microsoft/resnet-50"
        )


def _one_of(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last
