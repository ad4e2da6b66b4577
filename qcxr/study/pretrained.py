"""A Hugging Face checkpoint's small files, as far as they are here: in a folder, or in the hub's local cache.

Nothing is ever downloaded: a plan is made of what lies on this machine.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

CONFIG = "config.json"


def local(weights: str) -> bool:
    """Whether `weights` can only be a folder here: neither a hub's `owner/name` nor a package's."""
    return not (weights.count("/") == 1 and not weights.startswith((".", "~", "/")))


def find(weights: str, file: str) -> Path | None:
    """Where one file of a checkpoint lies on this machine, or None."""
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return folder / file if (folder / file).is_file() else None
    if local(weights):
        return None
    from huggingface_hub import try_to_load_from_cache  # here: slow to import, and most studies do not need it

    try:
        found = try_to_load_from_cache(weights, file)
    except ValueError:  # not a name that the hub could have
        return None
    return Path(found) if isinstance(found, str) else None


def read(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty where it cannot be read as one (those who need it say so)."""
    return _read(path, path.stat().st_mtime_ns)


@lru_cache
def _read(path: Path, mtime_ns: int) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def model_type(weights: str | None) -> str | None:
    """The `model_type` of a checkpoint's config.json; None where that is not here, or says nothing."""
    if weights is None or weights == "imagenet" or (path := find(weights, CONFIG)) is None:
        return None
    found = read(path).get("model_type")
    return found if isinstance(found, str) else None
