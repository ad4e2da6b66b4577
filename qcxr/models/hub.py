"""A backbone that torch computes, frozen: where it lies, what it is, and what stands for it among our networks.

Torch itself is needed where features are computed and where a model is looked at for the first time
(`qcxr.models.hubmodel`); a head that trains from features, and its predictions from features, do without.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from jaxtyping import Array, Bool, Float

from qcxr.errors import InputError
from qcxr.models import huggingface
from qcxr.models.arrays import read_names
from qcxr.models.description import Description
from qcxr.models.layers import Numerics
from qcxr.study.provenance import digest_once

LIBRARY = "torch"
INDEX = "model.safetensors.index.json"  # of a checkpoint in several files


def describe(backbone: Mapping[str, Any]) -> dict[str, Any]:
    """The `backbone:` section with nothing left to be chosen, and what the model is: enough for all but its arrays.

    A section that is so already (of a weights file) is given back as it is: its checkpoint need not be there.

    Raises InputError: no checkpoint there, not of safetensors, no vision model that transformers knows, no torch.
    """
    if "sha256" in backbone:
        return dict(backbone)
    weights, files = backbone["weights"], locate(backbone["weights"])
    sha256 = digest(files)
    facts = _facts(tuple(files), sha256, backbone.get("pooling"), weights)
    return {"library": LIBRARY, "weights": weights, "sha256": sha256, **facts}


@lru_cache
def _facts(files: tuple[Path, ...], sha256: str, pooling: str | None, called: str) -> dict[str, Any]:
    from qcxr.models import hubmodel  # here: torch is optional, and its code counts for features only

    names = [name for path in files if path.suffix == ".safetensors" for name in read_names(path)]
    return hubmodel.examine(files[0].parent, pooling, names, called=called)


def described(backbone: Mapping[str, Any]) -> Description:
    """The same for `qcxr.models.backbones`. Its normalisation is the processor's (`qcxr.study.processor`)."""
    section = describe(backbone)

    def network(*, numerics: Numerics, rng: None) -> Outside:
        del rng
        return Outside(section, precision=str(numerics.dtype))

    return Description(
        section=section,
        n_features=section["n_features"],
        mean=(),
        std=(),
        network=network,
        load=dict,  # of our arrays there are none
        source=section["weights"],
    )


def locate(weights: str) -> list[Path]:
    """The checkpoint's config.json and then its arrays' files; from the hub, or its cache, if it is no folder."""
    config = huggingface.locate(weights, huggingface.CONFIG)
    try:
        return [config, huggingface.locate(weights, huggingface.WEIGHTS)]  # as transformers: an index beside it is idle
    except InputError as error:
        without = error
    try:
        index = huggingface.locate(weights, INDEX)
    except InputError:
        raise without from None
    try:
        shards = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InputError(f"{index} is not the index of a checkpoint; fetch the checkpoint again") from None
    if strange := [name for name in shards if Path(name).name != name or not name.endswith(".safetensors")]:
        raise InputError(f"{index} must name safetensors files beside it, got {strange[0]}; fetch the checkpoint again")
    return [config, index, *(huggingface.locate(weights, name) for name in shards)]


def _here(weights: str) -> list[Path]:
    """The same for every batch: the hub is asked once."""
    return locate(weights) if Path(weights).expanduser().is_dir() else list(_fetched(weights))


@lru_cache
def _fetched(weights: str) -> tuple[Path, ...]:
    return tuple(locate(weights))


def digest(files: list[Path]) -> str:
    """SHA-256 of a checkpoint's configuration and arrays."""
    digests = {path.name: digest_once(path) for path in files}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


class Outside(nnx.Module):
    """Stands for the model in a classifier: it has no arrays, and calls torch on whole batches, outside of `jit`."""

    def __init__(self, section: Mapping[str, Any], precision: str = "float32", threads: int | None = None) -> None:
        self.section_json = json.dumps(section, sort_keys=True)  # text: nnx hashes what is no array
        self.n_features = int(section["n_features"])
        self.n_parameters = int(section["n_parameters"])
        self.precision, self.threads = precision, threads

    def __call__(
        self,
        images: Float[Array | np.ndarray, "batch height width 3"],
        *,
        train: bool = False,
        mask: Bool[Array, " batch"] | None = None,
    ) -> Float[Array, "batch features"]:
        """Features of normalised films. Raises InputError where its checkpoint is gone, or is another than it was."""
        if isinstance(images, jax.core.Tracer):
            raise InputError("torch computes this backbone: it has no compiled steps and no gradients; call it outside")
        return jax.numpy.asarray(self.run(np.asarray(images, np.float32)))

    def run(self, images: Float[np.ndarray, "batch height width 3"]) -> Float[np.ndarray, "batch features"]:
        """The same in numpy."""
        section = json.loads(self.section_json)
        files = _here(section["weights"])
        if (found := digest(files)) != section["sha256"]:
            raise InputError(
                f"{section['weights']} must be the checkpoint that the features are of (sha256 "
                f"{section['sha256'][:12]}), got {found[:12]}; put that one back, or run the study again"
            )
        from qcxr.models import hubmodel  # here: see `describe`

        pooling = section["pooling"], section["special_tokens"]
        return hubmodel.load(files[0].parent, found, pooling, self.precision, self.threads)(images)

    def stage_paths(self) -> list[tuple[str | int, ...]]:
        """None: nothing of it trains."""
        return []


def check_side(backbone: Mapping[str, Any], side: int) -> None:
    """Raises InputError unless the model reads films of `side` x `side` pixels."""
    from qcxr.models import hubmodel  # here: see `describe`

    section = describe(backbone)
    hubmodel.check_side(locate(section["weights"])[0].parent, side, called=section["weights"])
