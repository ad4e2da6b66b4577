"""From a packed split of films to a packed split of a frozen backbone's features, in the same three files."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from qcxr.data.augment import augment as augment_films
from qcxr.data.augment import film_keys, normalise
from qcxr.data.split import open_packed, sha256
from qcxr.models import features
from qcxr.study.files import replacing, write_text
from qcxr.study.recipe import Recipe
from qcxr.training.backbone import extractor, normalisation

log = logging.getLogger("qcxr.features")
VIEWS_SEED = 0  # of the views' augmentations: one set of views serves every head and seed of a study


def pack_features(
    films: Path | str,
    out: Path | str,
    recipe: Recipe,
    *,
    views: int,
    cache: Path | str,
    code: str,
    threads: int | None = None,
) -> dict[str, Any]:
    """Write `out` (.npy float32 (N, V, F), .parquet and .json beside it) from the packed films; the JSON's content.

    Of the recipe the head does not matter. Features are computed once per content and `code` (its hash): they lie in
    `cache`, and `out` is a copy (a link would give two studies one time stamp, and the one would be done again whenever
    the other is). View v is the film augmented by the key of epoch v of a fixed seed; view 0 is the film itself.
    threads: of the CPU, for a backbone that torch computes (None: as torch is set).
    """
    if recipe.backbone.on_torch:
        jax.config.update("jax_platforms", "cpu")  # it only augments here, and would take most of the card's memory
    films, out = Path(films), Path(out)
    images, _, about = open_packed(films)
    augment, (mean, std) = recipe.augment.model_dump(), normalisation(recipe.backbone, recipe.image)
    frozen = extractor(recipe.backbone, recipe.train.precision, threads=threads)
    decides = {
        "films": about["sha256"]["images"],
        "normalisation": [mean, std],
        "augment": augment if views > 1 else None,
        "code": code,
    }
    made = features.compute(
        frozen,
        np.asarray(images),
        folder=Path(cache, "features"),
        about=decides,
        views=_views(views, mean, std, augment),
    )
    _copy(made, out)
    _copy(films.with_suffix(".parquet"), out.with_suffix(".parquet"))
    about |= {
        "shape": list(np.load(out, mmap_mode="r").shape),
        "dtype": "float32",
        "backbone": features.fingerprint(frozen),
        **({"extractor": frozen.section} if recipe.backbone.on_torch else {}),  # so that heads train without torch
        "features": {**decides, "views": views, "precision": recipe.train.precision},
        "sha256": {**about["sha256"], "images": sha256(out)},
    }
    write_text(json.dumps(about, indent=1) + "\n", out.with_suffix(".json"))
    log.info("%d films, %d views, %d features each", *about["shape"])
    return about


def _views(count: int, mean: list[float], std: list[float], augment: dict[str, Any]) -> features.Views:
    def prepare(gray: Shaped[Array, "batch height width"]) -> Float[Array, "batch height width channels"]:
        return normalise(gray, mean=mean, std=std)

    def seen(
        gray: Shaped[Array, "batch height width"], view: Int[Array, ""], rows: Int[Array, " batch"]
    ) -> Float[Array, "batch height width"]:
        return augment_films(gray, film_keys(VIEWS_SEED, view, rows), **augment)

    return features.Views(prepare, count, seen)


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)
