"""Paths of this machine, and the names that stand for them in an archive."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from qcxr.errors import InputError

# What is text, and so can be rewritten; whatever else holds such a path is refused.
TEXTS = (".csv", ".html", ".json", ".md", ".tex", ".txt", ".yaml")
FOREIGN = re.compile(r"[~/\\]|[A-Za-z]:[/\\]")  # how a path begins that is not relative
AWAY = "elsewhere"  # the folder that stands for wherever they lie


class Masks:
    """Rewrites what a study's configuration says of this machine: absolute paths, and those that lead upwards.

    `elsewhere/` and the last part of the path stand for each, numbered where two are alike; the folder that the study
    runs in becomes `here`, the user's home `home`.
    """

    def __init__(self, *given: Any, here: Path | None = None):
        """given: the configuration as written and as resolved. here: where the study runs, by default the cwd."""
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for path in dict.fromkeys(text for value in given for text in _texts(value) if _foreign(text)):
            base = re.sub(r"[^\w.-]", "_", PurePath(path.replace("\\", "/")).name) or "root"  # safe in JSON and HTML
            name = next(n for n in _numbered(f"{AWAY}/{base}") if n not in taken)
            taken.add(name)
            self._names[path] = name
        for folder, name in ((here or Path.cwd(), "here"), (Path(os.path.expanduser("~")), "home")):
            if len(folder.parts) > 2 or (name == "home" and len(folder.parts) > 1):
                self._names.setdefault(str(folder), name)
                self._names.setdefault(os.path.realpath(folder), name)
        # a path may stand within another: the longest first
        ordered = sorted(self._names, key=len, reverse=True)
        spelled = {form: self._names[path] for path in ordered for form in _forms(path)}
        alternatives = "|".join(re.escape(form) for form in sorted(spelled, key=len, reverse=True))
        self._spelled, self._pattern = spelled, re.compile(f"(?:{alternatives})(?!\\w)") if spelled else None

    def text(self, text: str) -> str:
        """The text with names in the place of paths."""
        return self._pattern.sub(lambda found: self._spelled[found.group()], text) if self._pattern else text

    def value(self, value: Any) -> Any:
        """The same of a configuration: of every text in it, at any depth."""
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def copy(self, source: Path, target: Path) -> None:
        """A file as it is archived. Raises `InputError` if a path of this machine is in it and it is no text."""
        data = source.read_bytes()
        if source.suffix in TEXTS:
            with contextlib.suppress(UnicodeDecodeError):
                data = self.text(data.decode("utf-8")).encode("utf-8")
        self.check(data, source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def check(self, data: bytes, source: Path) -> None:
        """Raises `InputError` if a path of this machine is left."""
        for path in self._names if self._pattern else ():
            if re.search(re.escape(path.encode()) + rb"(?!\w)", data):
                raise InputError(
                    f"{source} holds {path}, a path of this machine, which cannot be rewritten there; give --paths to "
                    "archive such paths as they are"
                )


class Plain(Masks):
    """Rewrites nothing: paths are archived as they are."""

    def __init__(self) -> None:
        super().__init__(here=Path("/"))
        self._names, self._pattern = {}, None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for item in value.values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in value for text in _texts(item))
    elif isinstance(value, str):
        yield value
        file, colon, _ = value.rpartition(":")  # a circuit's file and function
        if colon and file.endswith(".py"):
            yield file


def _foreign(text: str) -> bool:
    """Whether a text is a path that means something on this machine only."""
    parts = text.replace("\\", "/").split("/")
    return (bool(FOREIGN.match(text)) and len(text) > 1) or ".." in parts


def _numbered(name: str) -> Iterator[str]:
    yield name
    stem, dot, suffix = name.rpartition(".") if "." in PurePath(name).name[1:] else (name, "", "")
    yield from (f"{stem}-{k}{dot}{suffix}" for k in range(2, 1_000_000))


def _forms(path: str) -> Iterable[str]:
    """How a path is spelled in plain text, in JSON and in HTML."""
    return dict.fromkeys([path, json.dumps(path)[1:-1], html.escape(path), html.escape(json.dumps(path)[1:-1])])
