"""The sections of the configuration, each the slice that some rule depends on; `qcxr.study.config` puts them together.

The large ones have files of their own (`data`, `backbone`, `heads`, `train`); all are imported from here.
"""

from __future__ import annotations

import importlib.util
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from qcxr.study.analysis import Analysis
from qcxr.study.backbone import Backbone
from qcxr.study.data import Data, Generate
from qcxr.study.fields import AsNumber, Count, Fraction, NonNegative, Positive, Section
from qcxr.study.heads import Heads
from qcxr.study.source import Source
from qcxr.study.train import Train

__all__ = ["Analysis", "Augment", "Backbone", "Data", "Generate", "Heads", "Image", "Resources", "Source", "Train"]


def _per_channel(values: list[float]) -> list[float]:
    if len(values) not in (1, 3):
        raise PydanticCustomError("must", "must be 3 values, or 1 for a backbone of one channel")
    return values


ChannelValues = (AfterValidator(_per_channel), Field(json_schema_extra={"minItems": 1, "maxItems": 3}))


class Image(Section):
    """Preprocessing of a film (paper III-F): bicubic resize of the shortest side, centre crop, normalisation."""

    resize: Annotated[int, Field(ge=8)] | None = Field(
        256,
        description="Length in pixels to which a film's shortest side is resized (with fit: squash, both sides); null, "
        "with crop: null, is what the checkpoint's image processor does.",
        examples=[256],
    )
    crop: Annotated[int, Field(ge=8)] | None = Field(
        224, description="Side in pixels of the square cut from the centre; at most resize.", examples=[224]
    )
    fit: Literal["crop", "squash"] | None = Field(
        None,
        description="How a film becomes a square: crop keeps its proportions and cuts the centre, squash does not keep "
        "them; null is crop, or the processor's way where resize and crop are null.",
        examples=["squash"],
    )
    resample: Literal["bicubic", "bilinear", "lanczos"] | None = Field(
        None,
        description="PIL's filter; null is bicubic, or the processor's where resize and crop are null.",
        examples=["bilinear"],
    )
    mean: Annotated[list[Annotated[float, AsNumber]], *ChannelValues] | None = Field(
        None,
        description="What is subtracted from each channel, on [0, 1]: 3 values, or 1 for a backbone of one channel; "
        "null is what the backbone was trained with (ImageNet's for a ResNet).",
        examples=[[0.485, 0.456, 0.406]],
    )
    std: Annotated[list[Positive], *ChannelValues] | None = Field(
        None,
        description="What each channel is divided by, on [0, 1]; null is what the backbone was trained with.",
        examples=[[0.229, 0.224, 0.225]],
    )

    levels: Literal["auto", "used", "full"] = Field(
        "auto",
        description="How a film of more than 8 bits (DICOM, 16-bit PNG) becomes 8: auto, by a DICOM's own VOI LUT or "
        "first window, else as used; used, its smallest value is black and its largest white; full, all that its bits "
        "can hold. Films of 8 bits are as they are.",
        examples=["full"],
    )

    @model_validator(mode="after")
    def _crop_fits(self) -> Image:
        if (self.resize is None) != (self.crop is None):
            raise ValueError(
                "image.resize and image.crop must both be numbers or both null (as the backbone's processor says), "
                f"got {self.resize or 'null'} and {self.crop or 'null'}; set both in the config"
            )
        if self.resize is not None and self.crop is not None and self.crop > self.resize:
            raise ValueError(f"crop must be <= resize ({self.resize}), got {self.crop}; set image.crop in the config")
        return self

    def decides(self) -> dict[str, Any]:
        """All of it as JSON; its fit, filter and rule of levels only where they are not the default."""
        usual: dict[str, tuple[str | None, ...]] = {
            "fit": ("crop", None),
            "resample": ("bicubic", None),
            "levels": ("auto",),
        }
        told = self.model_dump(mode="json")
        return {key: value for key, value in told.items() if value not in usual.get(key, ())}

    def prepares(self) -> dict[str, Any]:
        """What of it decides the pixels of a film that is cached."""
        return {key: value for key, value in self.decides().items() if key not in ("mean", "std")}


class Augment(Section):
    """Random flip and rotation of training films (paper III-F)."""

    flip: Fraction = Field(0.5, description="Probability of a horizontal flip.", examples=[0.5])
    rotation: NonNegative = Field(
        15.0,
        description="Largest angle: a film is turned by one drawn evenly from [-rotation, rotation].",
        examples=[10],
    )
    unit: Literal["degrees", "radians"] = Field(
        "degrees",
        description="Unit of rotation; radians is what the published code did, where 15 is any angle at all.",
        examples=["radians"],
    )
    fill: Annotated[float, Field(ge=0, le=255), AsNumber] | Literal["edge"] = Field(
        0.0,
        description="Gray level outside the turned film, or edge: the border's pixels drawn out.",
        examples=[0, "edge"],
    )


# key of `resources` -> the module that it needs, and the package that brings it
PACKAGES = {
    "tensorboard": ("tensorboardX", "tensorboardX"),
    "wandb": ("wandb", "wandb"),
    "mlflow": ("mlflow", "mlflow-skinny"),
    "energy": ("codecarbon", "codecarbon"),
}


class Resources(Section):
    """What changes speed and, on a GPU, at most the last digits: in no rule's parameters, so it reruns nothing."""

    train_threads: Count = Field(4, description="Cores that a training job counts for.", examples=[2])
    gpu: bool = Field(
        True,
        description="Whether training, features and prediction take a card where there is one, and ask a cluster for "
        "it. With false they run on CPUs, also beside a card.",
        examples=[False],
    )
    workers: Count = Field(4, description="Processes that decode films.", examples=[8])
    residency: Literal["auto", "device", "host"] = Field(
        "auto", description="Where packed films stay: on the device, on the host, or whichever fits.", examples=["host"]
    )
    gpu_slots: Count = Field(
        1, description="Jobs that may share a card; then give --resources gpu=(cards x slots).", examples=[2]
    )
    checkpoint_minutes: Positive = Field(
        10.0, description="Minutes between checkpoints: what a killed run loses at most.", examples=[5]
    )
    tensorboard: bool = Field(
        False,
        description="Whether to write event files below progress/ too; needs the package tensorboardX.",
        examples=[True],
    )
    wandb: bool = Field(
        False,
        description="Whether to write each training as an offline run of Weights & Biases below progress/ too; nothing "
        "is sent anywhere. Needs the package wandb.",
        examples=[True],
    )
    mlflow: bool = Field(
        False,
        description="Whether to write each training as a run of MLflow into progress/mlruns too; needs the package "
        "mlflow-skinny.",
        examples=[True],
    )
    energy: bool = Field(
        False,
        description="Whether each training job measures the energy it takes, into energy.json beside its run.json; "
        "needs the package codecarbon.",
        examples=[True],
    )
    deterministic: bool = Field(
        False,
        description="Whether a GPU must give the same bits in every run on the same card: sets XLA's flag "
        "--xla_gpu_deterministic_ops=true, which leaves out kernels whose sums come in another order each time and "
        "does without autotuning. Steps are slower; on a CPU it changes nothing.",
        examples=[True],
    )

    def cards(self, wanted: int = 1) -> int:
        """How many cards a job takes that would take `wanted`: none where the study is to run on CPUs."""
        return wanted if self.gpu else 0

    @model_validator(mode="after")
    def _has_the_packages(self) -> Resources:
        for key, (module, package) in PACKAGES.items():
            if getattr(self, key) and importlib.util.find_spec(module) is None:
                raise ValueError(
                    f"resources.{key} must be false where {package} is not installed, got true; "
                    f"pip install -e '.[{key}]', or set it to false"
                )
        return self

    @property
    def sinks(self) -> list[str]:
        """Where the progress of trainings goes beside its own files, by the names of `qcxr.training.sinks`."""
        return [name for name in ("wandb", "mlflow") if getattr(self, name)]
