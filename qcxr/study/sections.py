"""The sections of the configuration, each the slice that some rule depends on; `qcxr.study.config` puts them together.

What changes speed but not results (`Resources`) reaches no rule's parameters.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-4` (no point) as text; everyone who writes it means a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


# The registries' names, known here without importing JAX; a test holds them equal to the registries.
HEAD_NAMES = ("cdl", "dqc", "mlp", "product")
LOSS_NAMES = ("bce", "weighted_bce", "focal", "asymmetric")
OPTIMIZER_NAMES = ("adam", "adamw", "nadam", "adabelief", "radam", "lion", "lamb", "rmsprop", "sgd")
ENGINE_NAMES = ("pennylane", "statevector", "chain", "auto")

Real = Annotated[float, BeforeValidator(_number)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Fraction = Annotated[Real, Field(ge=0, le=1)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(Section):
    """One data set as it was downloaded: where its films and label files are (paths relative to the working folder)."""

    kind: Literal["nih", "mimic"]
    images: str
    labels: str | list[str]
    metadata: str | None = None
    entries: str | None = None
    max_missing: Fraction = 0.0

    def label_files(self) -> list[str]:
        """The label files: those listed, or a folder's three files under their official PruneCXR names."""
        if isinstance(self.labels, list):
            return list(self.labels)
        if self.labels.endswith((".csv", ".csv.gz")):
            return [self.labels]
        stem = {"nih": "miccai2023_nih-cxr-lt_labels", "mimic": "miccai2023_mimic-cxr-lt_labels"}[self.kind]
        splits = ("train", "val", "test") if self.kind == "nih" else ("test",)
        return [f"{self.labels}/{stem}_{split}.csv" for split in splits]

    def reader_options(self) -> dict[str, Any]:
        """Keywords for `qcxr.data.sources.read`."""
        extra = {"metadata": self.metadata} if self.kind == "mimic" else {"entries": self.entries}
        return {"images": self.images, "labels": self.label_files(), **extra}

    def input_files(self) -> list[str]:
        """Every table the manifest is made from."""
        return self.label_files() + [f for f in (self.metadata, self.entries) if f]


class Data(Section):
    """Which data set is trained on, which are tested on, and where they are."""

    train_on: Name = "nih"
    test_on: list[Name] = Field(default=["nih", "mimic"], min_length=1)
    sources: dict[Name, Source]
    cache: str = "cache"


class Generate(Section):
    """Demo films, drawn by `qcxr.phantom.demo` in NIH's and MIMIC's layout before anything else runs."""

    out: str
    seed: Annotated[int, Field(ge=0)] = 0
    size: Annotated[int, Field(ge=64)] = 256
    train: Count = 1000
    val: Count = 200
    test: Count = 400
    mimic: Count = 400


class Image(Section):
    """Preprocessing of a film (paper III-F): bicubic resize of the shortest side, centre crop, normalisation.

    `mean` and `std` (one number a channel) are the backbone's own where they are null: ImageNet's for a ResNet.
    """

    resize: Annotated[int, Field(ge=8)] = 256
    crop: Annotated[int, Field(ge=8)] = 224
    mean: Annotated[list[Real], Field(min_length=3, max_length=3)] | None = None
    std: Annotated[list[Positive], Field(min_length=3, max_length=3)] | None = None

    @model_validator(mode="after")
    def _crop_fits(self) -> Image:
        if self.crop > self.resize:
            raise ValueError(f"crop must be <= resize ({self.resize}), got {self.crop}; set image.crop in the config")
        return self


class Augment(Section):
    """Random flip and rotation of training films (paper III-F). `radians` is what the published code did."""

    flip: Fraction = 0.5
    rotation: NonNegative = 15.0
    unit: Literal["degrees", "radians"] = "degrees"
    fill: Annotated[Real, Field(ge=0, le=255)] | Literal["edge"] = 0.0


class Backbone(Section):
    """The feature extractor. `weights`: a Hugging Face name or local folder, or null to train from scratch.

    `batch_norm: running` keeps BatchNorm's statistics frozen, `batch` learns them; null is running for pretrained
    weights and batch from scratch. `views: V` (with `trainable: head`) computes a frozen backbone's features once, of V
    views of every training film, and trains heads from them.
    """

    name: Name | None = None
    weights: str | None = None
    config: dict[str, Any] | None = None
    batch_norm: Literal["running", "batch"] | None = None
    trainable: Annotated[str, Field(pattern=r"^(all|head|last:[1-9][0-9]*)$")] = "all"
    views: Count | None = None
    remat: bool = False

    @model_validator(mode="after")
    def _views_are_of_a_frozen_backbone(self) -> Backbone:
        if self.views is not None and (self.trainable != "head" or self.weights is None):
            raise ValueError(
                "backbone.views needs a frozen, pretrained backbone, "
                f"got trainable {self.trainable} and weights {self.weights}; "
                "set backbone.trainable to head and backbone.weights, or views to null"
            )
        return self


class Train(Section):
    """The training protocol (paper III-F)."""

    optimizer: Literal[OPTIMIZER_NAMES] = "adam"
    learning_rate: Positive = 1e-4
    head_learning_rate: Positive | None = None
    prior_bias: bool = False
    freeze_epochs: Annotated[int, Field(ge=0)] = 0
    schedule: dict[str, Any] | None = None
    weight_decay: NonNegative = 0.0
    clip_norm: Positive | None = None
    accumulate: Count = 1
    batch_size: Count = 32
    devices: Count = 1
    epochs: Count = 50
    patience: Count = 5
    loss: Literal[LOSS_NAMES] = "bce"
    loss_options: dict[str, Real] = {}
    precision: Literal["float32", "bfloat16"] = "float32"
    permute_labels: bool = False

    @model_validator(mode="after")
    def _the_backbone_joins(self) -> Train:
        if self.freeze_epochs >= self.epochs:
            raise ValueError(
                f"train.freeze_epochs must be < train.epochs ({self.epochs}), got {self.freeze_epochs}; "
                "lower it, or freeze the backbone for good with backbone.trainable: head"
            )
        return self

    @model_validator(mode="after")
    def _devices_share_a_batch(self) -> Train:
        if self.batch_size % self.devices:
            raise ValueError(
                f"train.batch_size must be a multiple of train.devices ({self.devices}), got {self.batch_size}; "
                "change one of them"
            )
        return self


class Analysis(Section):
    """The comparison (paper III-G) and what goes beyond it."""

    alpha: Annotated[Real, Field(gt=0, lt=1)] = 0.05
    bootstrap: Annotated[int, Field(ge=0)] = 2000
    bootstrap_seed: Annotated[int, Field(ge=0)] = 0
    head_over: Count = 1000
    tail_under: Count = 100

    @model_validator(mode="after")
    def _can_be_computed(self) -> Analysis:
        if 0 < self.bootstrap < 100:
            raise ValueError(f"analysis.bootstrap must be 0 or >= 100, got {self.bootstrap}; set it in the config")
        if self.head_over < self.tail_under:
            raise ValueError(
                f"analysis.head_over must be >= analysis.tail_under ({self.tail_under}), got {self.head_over}; "
                "set them in the config"
            )
        return self


class Resources(Section):
    """What changes speed but never a result: in no rule's parameters, so changing it reruns nothing."""

    train_threads: Count = 4
    workers: Count = 4
    residency: Literal["auto", "device", "host"] = "auto"
    gpu_slots: Count = 1
    checkpoint_minutes: Positive = 10.0
    tensorboard: bool = False
    deterministic: bool = False
