"""What a training run depends on: the slice of the configuration and the hash of the code. Must not import JAX."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from qcxr.study import networks, plugged
from qcxr.study.backbone import Backbone
from qcxr.study.heads import KINDS
from qcxr.study.provenance import code_hash, digest_once, slice_text
from qcxr.study.recipe import Recipe
from qcxr.study.source import Source

# no other module imports a head's (qcxr.models.heads.create), so that an edit retrains nothing but its own kind
HEAD_CODE = {name: (kind.module, *kind.needs) for name, kind in KINDS.items()}
NETWORK = ("name", "weights", "config", "library", "pooling")  # keys of `backbone:` that say which network it is


def training(recipe: Recipe, labels: Sequence[str]) -> str:
    """What decides a run's weights. The list of seeds, threads, cards and paths are not among it."""
    return slice_text(labels=labels, checkpoint=checkpoint(recipe.backbone), **recipe.decides())


def manifest(source: Source) -> str:
    """What decides which films a manifest lists, and their labels. Age and sex do not: no run ever sees them."""
    return slice_text(source=source.decides())


def attributes(source: Source) -> str:
    """What decides age, sex and view of the films that a manifest lists."""
    return slice_text(kind=source.kind, **source.attribute_options())


def features(recipe: Recipe, *, training: bool) -> str:
    """What decides a frozen backbone's features of a split; only of the training split is there more than one view."""
    decides = recipe.decides()
    many = training and (recipe.backbone.kept_views or 1) > 1
    return slice_text(
        backbone=_network(decides),
        normalisation=[recipe.image.mean, recipe.image.std],
        precision=recipe.train.precision,
        views=recipe.backbone.kept_views if training else 1,
        augment=decides["augment"] if many else None,
        checkpoint=checkpoint(recipe.backbone),
    )


def features_name(recipe: Recipe) -> str:
    """A short name of the features that a recipe reads, equal for recipes that read the same."""
    decides = recipe.decides()
    views = recipe.backbone.kept_views
    made_of: list[Any] = [decides[key] for key in ("image", "augment")]
    made_of += [{**_network(decides), "views": views}]
    made_of += [decides["train"]["precision"], views]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:8]


def _network(decides: Mapping[str, Any]) -> dict[str, Any]:
    return {key: decides["backbone"][key] for key in NETWORK if key in decides["backbone"]}


def checkpoint(backbone: Backbone) -> dict[str, str] | None:
    """The SHA-256 of each file of the backbone's checkpoint, if that is a local folder or file, else None.

    Its path alone would not tell when other weights are put there. What the hub gave is in a run's `run.json`.
    """
    if backbone.weights is None:
        return None
    path = Path(backbone.weights).expanduser()
    if path.is_file():
        return {"file": digest_once(path)}
    if not path.is_dir():
        return None
    files = [path / name for name in ("config.json", "preprocessor_config.json", "model.safetensors")]
    if backbone.on_torch:  # a large model is several files, or keeps its processor elsewhere
        files += [path / "processor_config.json", *sorted(path.glob("model*.safetensors*"))]
    return {path.name: digest_once(path) for path in files if path.is_file()}


def checkpoints(recipes: Mapping[str, Recipe]) -> dict[str, Any]:
    """The same of several heads, as a keyword of a slice, which is not there where no head has such files."""
    found = {head: files for head, made in recipes.items() if (files := checkpoint(made.backbone)) is not None}
    return {"checkpoints": found} if found else {}


def head_code(kind: str) -> tuple[str, ...]:
    """The modules that make a kind of head; none of a plug-in's, whose code its recipe knows (`Recipe.plugins`)."""
    return () if plugged.find("head", kind) else HEAD_CODE[kind]


def backbone_code(backbone: Backbone) -> tuple[str, ...]:
    """The modules that build a backbone of that section: its own family's."""
    return (networks.OUTSIDE,) if backbone.on_torch else networks.modules(backbone.name, backbone.weights)


def training_code(recipe: Recipe) -> str:
    """Hash of the code that trains that recipe's head on its backbone."""
    return code_hash("qcxr.training.fit", *head_code(recipe.kind), *backbone_code(recipe.backbone))


def prediction_code(recipe: Recipe) -> str:
    """Hash of the code that predicts with that recipe's head and backbone."""
    return code_hash("qcxr.training.predict", *head_code(recipe.kind), *backbone_code(recipe.backbone))


def features_code(recipe: Recipe) -> str:
    """Hash of the code that computes a frozen backbone's features."""
    outside = ["qcxr.models.hubmodel"] if recipe.backbone.on_torch else []
    return code_hash("qcxr.training.frozen", *backbone_code(recipe.backbone), *outside)


def studied_code(module: str, kinds: Iterable[str], recipes: Iterable[Recipe] = ()) -> str:
    """Hash of a module that builds heads of all these kinds and the backbones of these recipes, and of theirs."""
    bodies = (name for recipe in recipes for name in backbone_code(recipe.backbone))
    return code_hash(module, *dict.fromkeys((*(name for kind in kinds for name in head_code(kind)), *bodies)))
