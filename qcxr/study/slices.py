"""What a training run depends on: the slice of the configuration and the hash of the code. Must not import JAX."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from qcxr.study.backbone import Backbone
from qcxr.study.data import Source
from qcxr.study.heads import KINDS
from qcxr.study.provenance import code_hash, digest_file, slice_text
from qcxr.study.recipe import Recipe

# no other module imports a head's (qcxr.models.heads.create), so that an edit retrains nothing but its own kind
HEAD_CODE = {name: (kind.module, *kind.needs) for name, kind in KINDS.items()}


def training(recipe: Recipe, labels: Sequence[str]) -> str:
    """What decides a run's weights. The list of seeds, threads, cards and paths are not among it."""
    return slice_text(labels=labels, checkpoint=checkpoint(recipe.backbone), **recipe.decides())


def manifest(source: Source) -> str:
    """What decides which films a manifest lists, and their labels. Age and sex do not: no run ever sees them."""
    listed = source.model_dump(mode="json", exclude={"patients"})
    return slice_text(source={**listed, "entries": None})


def features(recipe: Recipe, *, training: bool) -> str:
    """What decides a frozen backbone's features of a split; only of the training split is there more than one view."""
    decides = recipe.decides()
    many = training and (recipe.backbone.kept_views or 1) > 1
    return slice_text(
        backbone=_network(decides["backbone"]),
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
    made_of += [{**_network(decides["backbone"]), "views": views}]
    made_of += [decides["train"]["precision"], views]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:8]


def features_code(recipe: Recipe) -> str:
    """Hash of the code that computes a frozen backbone's features."""
    return code_hash("qcxr.training.frozen", *(["qcxr.models.hubmodel"] if recipe.backbone.on_torch else []))


def _network(backbone: dict[str, Any]) -> dict[str, Any]:
    """What of a `backbone:` section says which network it is, and what of its output is kept."""
    return {key: backbone[key] for key in ("name", "weights", "config", "library", "pooling") if key in backbone}


def checkpoint(backbone: Backbone) -> dict[str, str] | None:
    """The SHA-256 of each file of the backbone's checkpoint, if that is a local folder, else None.

    Its path alone would not tell when other weights are put there. What the hub gave is in a run's `run.json`.
    """
    if backbone.weights is None or not (folder := Path(backbone.weights).expanduser()).is_dir():
        return None
    files = [folder / name for name in ("config.json", "preprocessor_config.json", "model.safetensors")]
    if backbone.on_torch:  # a large model is several files, or keeps its processor elsewhere
        files += [folder / "processor_config.json", *sorted(folder.glob("model*.safetensors*"))]
    return {path.name: _digest(path, path.stat().st_mtime_ns) for path in files if path.is_file()}


@lru_cache
def _digest(path: Path, mtime_ns: int) -> str:
    return digest_file(path)


def training_code(kind: str) -> str:
    """Hash of the code that trains a head of that kind."""
    return code_hash("qcxr.training.fit", *HEAD_CODE[kind])


def prediction_code(kind: str) -> str:
    """Hash of the code that predicts with a head of that kind."""
    return code_hash("qcxr.training.predict", *HEAD_CODE[kind])


def studied_code(module: str, kinds: Iterable[str]) -> str:
    """Hash of a module that builds heads of all these kinds, and of theirs."""
    return code_hash(module, *(name for kind in kinds for name in HEAD_CODE[kind]))
