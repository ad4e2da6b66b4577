"""`backbone:` in the configuration: the feature extractor, by name, by checkpoint or by its shape."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qcxr.study import pretrained
from qcxr.study.fields import Count, Kept, Section

Architecture = Literal["resnet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "efficientnet-lite0"]
Activation = Literal["relu", "relu6", "gelu", "silu"]

# Known here without importing JAX; tests hold them equal to the networks'.
ARCHITECTURES: tuple[str, ...] = get_args(Architecture)
STAGES = {name: 4 for name in ARCHITECTURES[1:]} | {"efficientnet-lite0": 8}
TRAINABLE = r"all|head|last:[1-9][0-9]*"
REDUCTION = 4  # a bottleneck's inner width is its outer width / 4


def _trainable(value: str) -> str:
    if not re.fullmatch(TRAINABLE, value):
        raise PydanticCustomError("must", "must be all, head or last:N with N from 1")
    return value


Trainable = Annotated[str, AfterValidator(_trainable), Field(json_schema_extra={"pattern": f"^({TRAINABLE})$"})]


class ResNet(Section):
    """The shape of a ResNet, with Hugging Face's names and defaults (a ResNet-50)."""

    num_channels: Literal[3] = Field(3, description="Channels of a film: its gray, three times.", examples=[3])
    embedding_size: Count = Field(64, description="Channels of the stem.", examples=[16])
    hidden_sizes: list[Count] = Field(
        [256, 512, 1024, 2048], min_length=1, description="Channels of each stage.", examples=[[16, 32, 64]]
    )
    depths: list[Count] = Field([3, 4, 6, 3], min_length=1, description="Blocks of each stage.", examples=[[1, 1, 1]])
    layer_type: Literal["basic", "bottleneck"] = Field(
        "bottleneck",
        description="Kind of block: basic (two 3 x 3 convolutions) or bottleneck (1 x 1, 3 x 3, 1 x 1; needs stages "
        "of a multiple of 4 channels).",
        examples=["basic"],
    )
    hidden_act: Activation = Field(
        "relu", description="Activation of the stem and after each block's sum.", examples=["gelu"]
    )
    downsample_in_first_stage: bool = Field(
        False, description="Whether the first stage halves the resolution too.", examples=[True]
    )
    downsample_in_bottleneck: bool = Field(
        False, description="Whether a bottleneck's stride sits on its first 1 x 1, not on its 3 x 3.", examples=[True]
    )

    @model_validator(mode="after")
    def _stages_agree(self) -> ResNet:
        if len(self.hidden_sizes) != len(self.depths):
            raise ValueError(
                "backbone.config.hidden_sizes and backbone.config.depths must be equally long, got "
                f"{len(self.hidden_sizes)} and {len(self.depths)}; set both in the config"
            )
        if self.layer_type == "bottleneck" and any(width % REDUCTION for width in self.hidden_sizes):
            raise ValueError(
                f"backbone.config.hidden_sizes must be multiples of {REDUCTION} for bottlenecks, got "
                f"{self.hidden_sizes}; change them, or set backbone.config.layer_type to basic"
            )
        return self


class Backbone(Section):
    """The feature extractor: a known shape from scratch, a shape of your own, or a checkpoint."""

    name: Architecture | None = Field(
        None,
        description="Its architecture; resnet is the one that config describes, null the one that the checkpoint says.",
        examples=["resnet50"],
    )
    weights: str | None = Field(
        None,
        min_length=1,
        description="Where pretrained weights are from: a Hugging Face name, a local folder with config.json and "
        "model.safetensors, or imagenet for efficientnet-lite0; null trains from scratch.",
        examples=["microsoft/resnet-50"],
    )
    library: Literal["jax", "torch"] | None = Field(
        None,
        description="What computes it: jax, or torch (frozen, any Hugging Face vision model, extra hub); null is jax "
        "for the model types that are ours (resnet) and torch for every other, by the model_type of config.json.",
        examples=["torch"],
    )
    pooling: Literal["cls", "mean"] | None = Field(
        None,
        description="What of a model's output is a film's features: its class token, or the mean over its patches or "
        "map; null is the model's own (its pooled output; without one cls, and of a convolutional network the mean).",
        examples=["mean"],
    )
    config: Annotated[dict[str, Any], Kept(ResNet)] | None = Field(
        None,
        description="Shape of a ResNet of your own, for the name resnet without weights.",
        examples=[{"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1], "layer_type": "basic"}],
    )
    batch_norm: Literal["running", "batch"] | None = Field(
        None,
        description="What BatchNorm normalises with in training: running keeps its statistics frozen, batch takes the "
        "batch's and learns them; null is running for pretrained weights and batch from scratch.",
        examples=["batch"],
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
        if self.config is not None and self.name != "resnet":
            raise ValueError(
                f"backbone.config must be null with backbone.name {self.name}; set backbone.name to resnet"
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
        if self.weights is None and (self.name is None or (self.name == "resnet" and self.config is None)):
            raise ValueError(
                f"backbone needs weights, a known name, or the name resnet with a config, got name {self.name} without "
                f"either; set backbone.weights, or backbone.name to one of {', '.join(ARCHITECTURES[1:])}"
            )
        return self

    @model_validator(mode="after")
    def _has_the_stages(self) -> Backbone:
        stages = len(self.config.get("depths", ResNet().depths)) if self.config is not None else None
        stages = stages or STAGES.get(self.name or "")
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
        if self.library == "jax" and kind is not None and kind not in pretrained.OURS:
            raise ValueError(
                f"backbone.library jax has {', '.join(pretrained.OURS)}, got {self.weights} of model_type {kind}; set "
                "backbone.library to torch or null"
            )
        if self.on_torch and (self.trainable != "head" or self.batch_norm == "batch"):
            got = f"trainable {self.trainable}" if self.trainable != "head" else "batch_norm batch"
            raise ValueError(
                f"a backbone that torch computes is frozen, got {got} for {self.weights}"
                f"{f' of model_type {kind}' if kind else ''}; set backbone.trainable to head and batch_norm to null"
            )
        return self

    @model_validator(mode="after")
    def _it_has_a_class_token(self) -> Backbone:
        if self.pooling == "cls" and not self.on_torch:
            raise ValueError("backbone.pooling cls needs a class token, got a convolutional network; set it to null")
        return self

    @property
    def on_torch(self) -> bool:
        """Whether torch computes it (frozen); as far as is known here, where a hub's config.json may be missing yet."""
        if self.library is not None:
            return self.library == "torch"
        return (pretrained.model_type(self.weights) or pretrained.OURS[0]) not in pretrained.OURS

    @property
    def kept_views(self) -> int | None:
        """`views` with nothing left to be chosen: what torch computes is computed once."""
        return self.views or (1 if self.on_torch else None)

    def decides(self) -> dict[str, Any]:
        """The keys that decide what it computes, resolved; what is new and as ever is left out."""
        told = self.model_dump(mode="json", exclude={"library", "pooling"}) | {"batch_norm": self.normalises_with}
        if self.on_torch:
            pooling = {} if self.pooling is None else {"pooling": self.pooling}
            told |= {"library": "torch", "views": self.kept_views, **pooling}
        return told

    @property
    def normalises_with(self) -> str:
        """`batch_norm` with nothing left to be chosen."""
        return self.batch_norm or ("batch" if self.weights is None else "running")

    @property
    def local_weights(self) -> str | None:
        """`weights` if that can only be a folder here: neither a hub's `owner/name` nor a package's."""
        if self.weights is None or self.weights == "imagenet":
            return None
        return self.weights if pretrained.local(self.weights) else None
