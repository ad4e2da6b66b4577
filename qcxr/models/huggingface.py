"""Hugging Face checkpoints: the files `config.json`, `preprocessor_config.json` and `model.safetensors`.

A checkpoint is a repository on the hub or a local folder. Pickles (`pytorch_model.bin`) execute code when read
and are refused. What a family makes of its arrays is said in `qcxr.models.families`.
"""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from qcxr.errors import InputError
from qcxr.models import description
from qcxr.models.arrays import read
from qcxr.study import pretrained

log = logging.getLogger("qcxr.models")
CONFIG, WEIGHTS, PREPROCESSOR = "config.json", "model.safetensors", "preprocessor_config.json"


def config(source: str, types: Collection[str]) -> dict[str, Any]:
    """A checkpoint's config.json. Raises InputError unless its `model_type` is one of `types`."""
    content = _json(locate(source, CONFIG))
    if content.get("model_type") not in list(types):  # a list: what is found need not be hashable
        raise InputError(
            f"{source}: model_type must be {' or '.join(map(repr, types))}, got {content.get('model_type')!r}; set "
            "backbone.weights to such a checkpoint, backbone.name to null or its family, or backbone.library to torch"
        )
    return content


def normalisation(source: str, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(mean, std) of a checkpoint's input, a value for each channel: preprocessor_config.json's, else ImageNet's."""
    mean, std = description.normalisation(channels)
    try:
        path = locate(source, PREPROCESSOR)
    except InputError as error:  # not every checkpoint has one
        log.warning("%s; ImageNet's normalisation is used", str(error).partition(";")[0])
        return mean, std
    given = {"image_mean": mean, "image_std": std} | _json(path)
    for key in ("image_mean", "image_std"):
        values = given[key]
        if not isinstance(values, list | tuple) or [type(v) for v in values if type(v) not in (int, float)]:
            raise InputError(f"{path}: {key} must be a list of numbers, got {values!r}; fetch the checkpoint again")
        if len(values) != channels:
            raise InputError(
                f"{path}: {key} must have a value for each of {channels} channels, got {values!r}; correct it"
            )
    return tuple(given["image_mean"]), tuple(given["image_std"])


def tensors(source: str) -> dict[str, np.ndarray]:
    """The arrays of a checkpoint, by its own names."""
    return read(locate(source, WEIGHTS))[0]


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON ({error}); fetch the checkpoint again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a JSON object, got {type(content).__name__}; fetch the checkpoint again")
    return content


def locate(source: str, file: str) -> Path:
    """Path of one file of a checkpoint: in the local folder `source`, else from the hub (or its local cache)."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        if (folder / file).is_file():
            return folder / file
        if file == WEIGHTS and (folder / "pytorch_model.bin").is_file():
            raise InputError(
                f"{folder} must have {WEIGHTS}, got pytorch_model.bin only, a pickle, which executes code when read; "
                "convert it with transformers' save_pretrained"
            )
        raise InputError(
            f"{folder} must have {file}, got none; set backbone.weights to a folder that has config.json and {WEIGHTS}"
        )
    if pretrained.local(source):
        raise InputError(
            f"backbone.weights: no folder {source!r}; give a folder that exists or a name like microsoft/resnet-50"
        )
    return download(source, file)


def download(repository: str, file: str) -> Path:
    """Fetch one file from the hub, or take it from the hub's cache."""
    try:
        return Path(hf_hub_download(repository, file))
    except HFValidationError:
        raise InputError(
            f"backbone.weights: no folder {repository!r}, and no name on the hub either; give a folder that exists or "
            "a name like microsoft/resnet-50"
        ) from None
    except (OSError, HfHubHTTPError, EntryNotFoundError, LocalEntryNotFoundError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"backbone.weights {repository!r}: {file} could not be fetched ({reason}); without a network, set "
            f"backbone.weights to a local folder with config.json and {WEIGHTS}"
        ) from None
