"""A plug-in's file is run, and what it registers is called: what goes wrong in it is one line with the file's line."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qcxr.errors import InputError
from qcxr.study import plugged, pluginpackage, warm
from qcxr.study.pluginfile import Registered, stamp

WITHOUT_CARD = ("data_kind", "metric", "figure")  # hooks whose jobs hold no card


def load(found: Registered) -> Callable[..., Any]:
    """What stands below a hook, from its file, which is run once in a process. Raises `InputError`."""
    current = {(one.hook, one.name): one.digest for one in plugged.registered(found.listed)}
    if current.get((found.hook, found.name)) != found.digest:
        raise InputError(f"{found.where}: was edited while this job began; start the workflow again")
    if found.hook in WITHOUT_CARD:
        _stay_off_cards()
    with saying(found):
        if found.listed.startswith(pluginpackage.PREFIX):
            module = importlib.import_module(_module_name(found))
        else:
            module = _run(found.file, stamp(found.file))
        return getattr(module, found.function)


def _stay_off_cards() -> None:
    """Should the file compute with JAX when it is imported, then on the CPU: another job may hold the card."""
    if "jax" not in sys.modules:
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
    elif warm.forked():  # imported for other jobs, and used by none here
        sys.modules["jax"].config.update("jax_platforms", "cpu")


@functools.lru_cache
def _run(file: Path, written: tuple[int, int]) -> types.ModuleType:
    module = types.ModuleType(f"plugin_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses and pickles look for it
    exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    return module


def _module_name(found: Registered) -> str:
    points = pluginpackage.modules(found.listed)
    return next(name for name in points if pluginpackage.located(found.listed, name)[0] == found.file)


@contextlib.contextmanager
def saying(found: Registered) -> Iterator[None]:
    """What a plug-in raises, as one `InputError` that begins with its file and the line where it was."""
    try:
        yield
    except (Exception, SystemExit) as error:
        line = next((line for file, line in _frames(error) if file == str(found.file)), found.line)
        said = str(error).strip().splitlines()
        text = said[0] if isinstance(error, InputError) else ": ".join([type(error).__name__, *said[:1]])
        if not isinstance(error, InputError):  # which says what it is about
            text = f"{found.hook} {found.name} must run, got {text}; correct it"
        raise InputError(f"{found.file}:{line}: {text}") from error


def _frames(error: BaseException) -> list[tuple[str, int]]:
    """(file, line) of every call on the way to the error, the last first."""
    frames = [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((error.filename, error.lineno or 0))
    return frames[::-1]
