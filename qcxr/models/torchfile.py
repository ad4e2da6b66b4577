"""Arrays of a torch file, read as tensors only: no code of the file runs (`torch.load` with `weights_only=True`).

A whole pickled module is read too. Where it names a class of a network, an empty class of ours stands in: it holds
what the file says of it, arrays and modules below it, and can do nothing. Every other name is refused.
"""

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qcxr.errors import InputError

LAYERS = ("torch.nn.", "torchvision.models.", "torchxrayvision.")  # where a network's classes are, to be stood in for
WAY_OUT = "where it was made, write torch.save(model.state_dict(), FILE) and give that file"


def read(path: Path, *, install: str = "torch") -> dict[str, np.ndarray]:
    """Arrays by torch's names of a state dict or a pickled module. install: what pip is given where torch is absent.

    Raises InputError for a file that is neither, or holds more than a network, or if torch is not installed.
    """
    try:
        import torch  # here: optional, and needed once only
    except ImportError:
        raise InputError(f"reading {path.name} needs torch, which is not installed; pip install {install}") from None
    try:
        stand_ins = [(type(name.rpartition(".")[2], (), {}), name) for name in _layers(path)]
        with torch.serialization.safe_globals(stand_ins):  # type: ignore[arg-type]  # pairs are documented
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path} cannot be read without running its code ({reason}); {WAY_OUT}") from None
    except Exception as error:  # torch and zipfile raise what they meet
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise InputError(f"{path} is not a torch file that can be read ({reason}); {WAY_OUT}") from None
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    named = dict(content if isinstance(content, Mapping) else _arrays(content))
    found = {str(name): value for name, value in named.items() if isinstance(value, torch.Tensor)}
    if not found:
        raise InputError(f"{path} holds no arrays by name; {WAY_OUT}")
    return {name: _plain(value.detach()).numpy() for name, value in found.items()}


def _plain(value: Any) -> Any:
    """Numbers as numpy has them: bfloat16 is not among its own."""
    return value.float() if value.is_floating_point() else value


def _layers(path: Path) -> list[str]:
    """The classes of networks that the file names; torch refuses the others itself."""
    import torch  # here: see `read`

    if not zipfile.is_zipfile(path):  # before torch 1.6; nothing but a state dict is read of these
        return []
    names = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
    return [name for name in names if name.startswith(LAYERS)]


def _arrays(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """What a module's `state_dict` would give, from its stand-in."""
    told = getattr(module, "__dict__", {})
    for kind in ("_parameters", "_buffers"):
        yield from ((f"{prefix}{name}", value) for name, value in dict(told.get(kind) or {}).items())
    for name, below in dict(told.get("_modules") or {}).items():
        yield from _arrays(below, f"{prefix}{name}.")
