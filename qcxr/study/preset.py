"""Public data sets as presets over `kind: table`: files of data in `presets/`, read once.

A preset is the keys that a person would write. A text in it may hold `{images}`, the source's image folder, since a
data set's tables lie beside its films as it is downloaded.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Any

import yaml

_FOLDER = resources.files("qcxr.study").joinpath("presets")
PRESETS = tuple(sorted(file.name.removesuffix(".yaml") for file in _FOLDER.iterdir() if file.name.endswith(".yaml")))


def preset(name: str, images: Any) -> dict[str, Any]:
    """The keys of a preset, for films that lie in `images`. Its `about` (for readers) is not among them."""
    keys = {key: value for key, value in described(name).items() if key != "about"}
    return {key: _filled(value, str(images)) for key, value in keys.items()}


@functools.cache
def described(name: str) -> dict[str, Any]:
    """All that is in a preset's file."""
    return dict(yaml.safe_load(_FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")))


def _filled(value: Any, images: str) -> Any:
    if isinstance(value, str):
        return value.replace("{images}", images)
    if isinstance(value, list):
        return [_filled(entry, images) for entry in value]
    if isinstance(value, dict):
        return {key: _filled(entry, images) for key, entry in value.items()}
    return value
