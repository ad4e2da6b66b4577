"""The families of backbones: where the code of each is, its names in the configuration, what else tells it.

Known here without importing JAX; a backbone's module is imported when one of its family is built, so that the hash of
a run's code follows its own network and no other (`qcxr.study.slices.backbone_code`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from qcxr.study import pretrained
from qcxr.study.fields import Kept, Section
from qcxr.study.shapes import DenseNet, ResNet, Shape, ViT

# fmt: off  # of FAMILIES below, spelt out for the types
Architecture = Literal[
    "resnet",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "efficientnet-lite0",
    "vit",
    "densenet",
    "densenet121",
    "xrv-densenet121",
    "xrv-resnet50",
]
# fmt: on


class Family(NamedTuple):
    """A family of networks. module: has `describe(section)`; known: names -> stages that may train.

    own: the name of a shape of your own, and `shape` its section (`backbone.config`).
    types: `model_type` of the Hugging Face checkpoints that it reads. files: whether its known names read a torch file.
    pooling: what its features may be, its habit first.
    """

    module: str
    known: Mapping[str, int]
    own: str | None = None
    shape: type[Shape] | None = None
    types: tuple[str, ...] = ()
    pooling: tuple[str, ...] = ("mean",)
    files: bool = False

    def reads(self, weights: str) -> bool:
        """Whether there are weights of that kind for it: checkpoints, torch files, or a package's."""
        return bool(self.types) or self.files or weights == "imagenet"


FAMILIES: dict[str, Family] = {
    "resnet": Family(
        "qcxr.models.families.resnet",
        known={f"resnet{depth}": 4 for depth in (18, 34, 50, 101, 152)},
        own="resnet",
        shape=ResNet,
        types=("resnet",),
    ),
    "efficientnet": Family("qcxr.models.families.efficientnet", known={"efficientnet-lite0": 8}),
    "vit": Family(
        "qcxr.models.families.vit",
        known={},
        own="vit",
        shape=ViT,
        types=("vit", "dinov2"),
        pooling=("cls", "mean"),
    ),
    "densenet": Family(
        "qcxr.models.families.densenet",
        known={"densenet121": 4},
        own="densenet",
        shape=DenseNet,
    ),
    "xrv": Family(
        "qcxr.models.families.xrv",
        known={"xrv-densenet121": 4, "xrv-resnet50": 4},
        files=True,
    ),
}

OUTSIDE = "qcxr.models.hub"  # stands for every other Hugging Face model, which torch computes (backbone.library)
STAGES = {name: stages for family in FAMILIES.values() for name, stages in family.known.items()}
SHAPES: dict[str, type[Shape]] = {f.own: f.shape for f in FAMILIES.values() if f.own and f.shape}
TYPES = {kind: family for family in FAMILIES.values() for kind in family.types}
FILES = tuple(name for family in FAMILIES.values() if family.files for name in family.known)
NAMES = tuple(name for f in FAMILIES.values() for name in (*([f.own] if f.own else []), *f.known))


def named(name: str) -> Family:
    """The family of a name of `NAMES`."""
    return next(family for family in FAMILIES.values() if name == family.own or name in family.known)


def modules(name: str | None, weights: str | None) -> tuple[str, ...]:
    """Modules that may build the backbone with that name and those weights: one, where it is known before it is built.

    A checkpoint on the hub says what it is in its config.json only, which is not read here: then those of all families
    that have checkpoints. Naming it (`backbone.name`) leaves the one.
    """
    if name is not None:
        return (named(name).module,)
    here = weights is not None and Path(weights).expanduser().is_dir()
    kind = pretrained.model_type(weights) if here else None  # never of the hub's cache: a hash would depend on it
    if kind in TYPES:
        return (TYPES[kind].module,)
    return tuple(dict.fromkeys(family.module for family in TYPES.values()))


class Shaped(Kept):
    """Marks `backbone.config`: kept as written, checked as the section of the name beside it."""

    def __init__(self) -> None:
        super().__init__(ResNet)

    def accepting(self, before: Mapping[str, Any]) -> type[Section]:
        """The section of the backbone's name."""
        return SHAPES.get(before.get("name") or "", ResNet)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(shape.__pydantic_core_schema__) for shape in SHAPES.values()]}
