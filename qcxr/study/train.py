"""`train:` in the configuration: the training protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from qcxr.study import plugged
from qcxr.study.fields import AsNumber, Count, Fraction, Kept, NonNegative, Positive, Section

Optimizer = Literal["adam", "adamw", "nadam", "adabelief", "radam", "lion", "lamb", "rmsprop", "sgd"]
Decay = Literal["constant", "cosine", "linear", "exponential"]

# The registries' names, known here without importing JAX; a test holds them equal to the registries.
LOSS_NAMES = ("bce", "weighted_bce", "focal", "asymmetric")
OPTIMIZER_NAMES: tuple[str, ...] = get_args(Optimizer)
SCHEDULE_NAMES: tuple[str, ...] = get_args(Decay)
LOSS_OPTIONS = {
    "bce": (),
    "weighted_bce": (),
    "focal": ("gamma", "alpha"),
    "asymmetric": ("gamma_positive", "gamma_negative", "clip"),
}


def _known(loss: str) -> str:
    if loss not in (*LOSS_NAMES, *plugged.names("loss")):
        raise PydanticCustomError("must", f"must be one of {', '.join(LOSS_NAMES)}, or a loss of a plug-in")
    return loss


LossName = {"anyOf": [{"enum": list(LOSS_NAMES), "type": "string"}, {"type": "string", "format": "a plug-in's"}]}
Loss = Annotated[str, AfterValidator(_known), WithJsonSchema(LossName)]


def _by_name(schema: dict[str, Any]) -> None:
    """The default of `final` depends on the schedule's name: none in the JSON schema."""
    del schema["default"]


class Schedule(Section):
    """The learning rate over a run: a linear warm-up from 0, then a decay."""

    name: Decay = Field(description="Shape of the decay after the warm-up.", examples=["cosine"])
    warmup: Annotated[float, Field(ge=0, lt=1), AsNumber] = Field(
        0.0,
        description="Fraction of all updates in which the rate rises linearly from 0 to learning_rate.",
        examples=[0.05],
    )
    final: NonNegative | SkipJsonSchema[None] = Field(
        None,
        json_schema_extra=_by_name,
        description="Rate at the end, as a fraction of learning_rate. Left out, it is 1 for constant (which ignores "
        "it), 0 for cosine and linear, and 0.01 for exponential, which needs more than 0.",
        examples=[0.1],
    )

    @model_validator(mode="after")
    def _ends(self) -> Schedule:
        if "final" in self.model_fields_set and (
            self.final is None or (self.name == "exponential" and self.final == 0)
        ):
            allowed = "> 0 for an exponential schedule" if self.name == "exponential" else "a number >= 0"
            raise ValueError(
                f"train.schedule.final must be {allowed}, got {self.final}; set train.schedule.final, or leave it out"
            )
        return self

    def resolved(self) -> dict[str, Any]:
        """All of it, with the rate at the end that it has by name."""
        by_name = {"constant": 1.0, "cosine": 0.0, "linear": 0.0, "exponential": 0.01}[self.name]
        final = by_name if self.final is None or self.name == "constant" else self.final
        return {"name": self.name, "warmup": self.warmup, "final": final}


class LossOptions(Section):
    """What a loss may be told; each option belongs to one loss."""

    gamma: NonNegative = Field(
        2.0, description="Of focal: how fast easy elements fade, as (1 - p)^gamma.", examples=[1.0]
    )
    alpha: Fraction = Field(0.25, description="Of focal: weight of positives; negatives get 1 - alpha.", examples=[0.5])
    gamma_positive: NonNegative = Field(0.0, description="Of asymmetric: how fast easy positives fade.", examples=[1.0])
    gamma_negative: NonNegative = Field(4.0, description="Of asymmetric: how fast easy negatives fade.", examples=[2.0])
    clip: Annotated[float, Field(ge=0, lt=1), AsNumber] = Field(
        0.05, description="Of asymmetric: probability by which negatives are shifted down.", examples=[0.0]
    )


class KeptLoss(Kept):
    """`Kept(LossOptions)`, or, behind a plug-in's loss, kept as that one's section accepts them."""

    def accepting(self, before: Mapping[str, Any]) -> type[Section]:
        """The section of the loss."""
        return options_of(before.get("loss", ""))


def options_of(loss: str) -> type[Section]:
    """The section of a loss' options: that of the package's own losses, or a plug-in's."""
    found = plugged.find("loss", loss)
    return LossOptions if found is None or found.section is None else found.section


class Train(Section):
    """The training protocol (paper III-F)."""

    optimizer: Optimizer = Field("adam", description="The optimizer, by optax's name.", examples=["adamw"])
    learning_rate: Positive = Field(1e-4, description="Learning rate, at its highest.", examples=[1.0e-3])
    head_learning_rate: Positive | None = Field(
        None,
        description="Another learning rate for the head, whichever it is, on the same schedule; null is learning_rate.",
        examples=[1.0e-3],
    )
    prior_bias: bool = Field(
        False,
        description="Whether the logits start at the labels' prevalences in training instead of at 0.5.",
        examples=[True],
    )
    freeze_epochs: Annotated[int, Field(ge=0)] = Field(
        0,
        description="Epochs in which only the head trains, before the backbone joins; fewer than epochs.",
        examples=[2],
    )
    schedule: Annotated[dict[str, Any], Kept(Schedule)] | None = Field(
        None,
        description="How the learning rate changes over the run; null keeps it constant.",
        examples=[{"name": "cosine", "warmup": 0.05}],
    )
    weight_decay: NonNegative = Field(
        0.0,
        description="Weight decay: decoupled where the optimizer is defined so (adamw, lion, lamb), else an L2 term in "
        "the gradient.",
        examples=[1.0e-4],
    )
    clip_norm: Positive | None = Field(
        None, description="Largest global norm of the gradient; null does not clip.", examples=[1.0]
    )
    accumulate: Count = Field(1, description="Batches whose gradients are averaged into one update.", examples=[4])
    batch_size: Count = Field(32, description="Films per step, over all devices: a multiple of devices.", examples=[64])
    devices: Count = Field(1, description="Cards for one run: each batch is cut over them.", examples=[4])
    epochs: Count = Field(50, description="Epochs at most.", examples=[20])
    patience: Count = Field(
        5, description="Epochs without a better validation loss after which a run stops.", examples=[10]
    )
    loss: Loss = Field(
        "bce",
        description="What is minimised: bce (binary cross entropy), weighted_bce (positives count negatives / "
        "positives times), focal, asymmetric, or a loss of a plug-in.",
        examples=["focal"],
    )
    loss_options: Annotated[dict[str, Any], KeptLoss(LossOptions)] = Field(
        default={},
        description="Options of focal or asymmetric, or those of a plug-in's loss; the other losses have none.",
        examples=[{"gamma": 1.0}],
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Type in which the backbone computes; parameters, statistics and the circuit stay float32.",
        examples=["bfloat16"],
    )
    permute_labels: bool = Field(
        False,
        description="Whether to shuffle each label among the training films and among the validation films: the "
        "control whose test AUROC must end at 0.5.",
        examples=[True],
    )

    @property
    def own_loss_options(self) -> tuple[str, ...]:
        """The names of the options that the loss has."""
        return LOSS_OPTIONS[self.loss] if self.loss in LOSS_OPTIONS else tuple(options_of(self.loss).model_fields)

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

    @model_validator(mode="after")
    def _options_are_the_losses(self) -> Train:
        allowed = self.own_loss_options
        for name in self.loss_options:
            if name not in allowed:
                raise ValueError(
                    f"train.loss_options of {self.loss} may be {', '.join(allowed) or 'none'}, got {name}; "
                    "take it out, or set train.loss"
                )
        return self
