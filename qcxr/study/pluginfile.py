"""What a plug-in's file registers, read from its text: to plan a study nothing of it is run."""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from qcxr import plugins
from qcxr.errors import InputError
from qcxr.study.fields import Section
from qcxr.study.function import OURS, imports, lies_beside
from qcxr.study.hooks import Hooked, hooked
from qcxr.study.provenance import code_hash, modules_imported, undocumented
from qcxr.study.signature import Fault, Function, Signature, options, paths, tables
from qcxr.study.source import Source


class Films(Source):
    """What every data set of a plug-in's kind is told, and asked."""

    tables: ClassVar[tuple[str, ...]] = ()  # keys that name a table, or several
    attributes: ClassVar[bool] = False
    written: ClassVar[Registered]

    def input_files(self) -> list[str]:
        """The tables that it is given."""
        return [path for paths in self._tables().values() for path in paths]

    def paths(self) -> dict[str, list[str]]:
        """Its films and its tables."""
        return {**super().paths(), **self._tables()}

    def attributed(self) -> bool:
        """As its hook says."""
        return self.attributes

    def decides(self) -> dict[str, Any]:
        """What it is told, and what its plug-in does."""
        return {**super().decides(), "plugin": self.written.decides()}

    def _tables(self) -> dict[str, list[str]]:
        given = {key: getattr(self, key) for key in self.tables}
        return {key: [value] if isinstance(value, str) else value for key, value in given.items() if value}


# of hooks that take options, what their sections share, and what is given to the function without being an option
SECTIONS: dict[str, type[Section]] = {"head": Section, "loss": Section, "data_kind": Films}
GIVEN = {"head": ("key",), "data_kind": ("images",)}


class Registered(NamedTuple):
    """What stands below one `@hook("name", ...)` of a file.

    listed: the entry of `plugins:` that brought it. function: its name in the file. line: the hook's. given: the hook's
    other arguments. section: what the configuration may say to it. digest: what the file says as far as it can decide
    what this does. modules: ours that it imports.
    """

    hook: str
    name: str
    listed: str
    file: Path
    function: str
    line: int
    given: Mapping[str, Any]
    takes: Signature
    section: type[Section] | None
    digest: str
    modules: tuple[str, ...]

    @property
    def where(self) -> str:
        """The file and the line, as errors begin."""
        return f"{self.file}:{self.line}"

    def decides(self) -> dict[str, str]:
        """What decides what it does: what its file says, and the code of ours that this builds on."""
        return {"digest": self.digest} | ({"code": code_hash(*self.modules)} if self.modules else {})


def read(file: Path, *, listed: str | None = None, alone: bool = True) -> tuple[Registered, ...]:
    """All that a file registers. alone: whether what it needs must be in it, so that its digest is complete.

    Raises `InputError`: one line with the file and its line's number.
    """
    try:
        written = stamp(file)
    except (OSError, ValueError):  # the latter of a name with a NUL
        raise InputError(
            f"{file} does not exist; set plugins to files that do, from where the study runs, or to package:NAME"
        ) from None
    return _read(file, written, listed or str(file), alone)


def stamp(file: Path) -> tuple[int, int]:
    """What tells one state of a file from the next: when it was written, and its size. Raises `OSError`."""
    about = os.stat(file)
    return about.st_mtime_ns, about.st_size


@functools.lru_cache
def _read(file: Path, written: tuple[int, int], listed: str, alone: bool) -> tuple[Registered, ...]:
    try:
        made = tuple(_registered(file, ast.parse(file.read_bytes(), str(file)), listed, alone))
    except Fault as fault:
        raise InputError(f"{file}:{fault.line}: {fault}") from None
    except SyntaxError as error:
        raise InputError(f"{file}:{error.lineno or 1}: must be Python, got {error.msg}; correct it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}:1: must be Python, got {error}; correct it") from None
    except (RecursionError, MemoryError):  # both are the parser's too
        raise InputError(f"{file}:1: must nest less deeply than Python can read; write it plainly") from None
    for registered in made:
        tell(registered)
    return made


def _registered(file: Path, tree: ast.Module, listed: str, alone: bool) -> Iterator[Registered]:
    """What stands in a file's syntax tree, which it changes. Raises `Fault`."""
    if alone:
        _stands_alone(file, tree)
    found = list(hooked(tree))
    if not found:
        hooks = ", ".join(f"@{hook}" for hook in plugins.HOOKS)
        raise Fault(1, f"must register something, got none of {hooks}; see docs/plugins.md")
    sections = [_section(one) for one in found]
    undocumented(tree)
    functions = [one.function for one in found]
    modules = modules_imported(tree)
    for one, section in zip(found, sections, strict=True):
        yield Registered(
            hook=one.hook,
            name=one.name,
            listed=listed,
            file=file,
            function=one.function.name,
            line=one.line,
            given=one.given,
            takes=one.takes,
            section=section,
            digest=_digest(tree, one.function, functions),
            modules=modules,
        )


def tell(registered: Registered) -> Registered:
    """It, known to the section of its data sets, which must say what decides them."""
    if registered.section is not None and issubclass(registered.section, Films):
        registered.section.written = registered
    return registered


def _section(one: Hooked) -> type[Section] | None:
    """What the configuration may say to it: its arguments behind the star, but those that it is given anyway."""
    if one.hook not in SECTIONS:
        return None
    given = GIVEN.get(one.hook, ())
    told = [argument for name, argument in one.takes.by_name.items() if name not in given]
    section = options(one.name, told, base=SECTIONS[one.hook])
    if issubclass(section, Films):
        section.tables, section.attributes = tuple(tables(told)), bool(one.given.get("attributes"))
    elif read := paths(told):
        raise Fault(
            one.function.lineno,
            f"option {read[0].name} must be no Path, since what lies there is in no digest; write it here",
        )
    return section


def _stands_alone(file: Path, tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in imports(node):
            if name.startswith(".") or (lies_beside(file, name) and name.partition(".")[0] != OURS):
                raise Fault(
                    node.lineno,
                    f"must stand alone, so that its digest is complete, got an import of {name} from beside it; write "
                    "what it needs into the file, or install both as a package",
                )


def _digest(tree: ast.Module, own: Function, registered: list[Function]) -> str:
    """Hash of the file without the other functions that it registers, but for those that the rest names.

    So one file may hold a head and a figure, and an edit of the figure trains nothing.
    """
    others = {function.name: function for function in registered if function is not own}
    while named := _named([node for node in tree.body if node not in others.values()]) & set(others):
        for name in named:
            del others[name]
    kept = ast.Module([node for node in tree.body if node not in others.values()], [])
    return hashlib.sha256(ast.unparse(kept).encode()).hexdigest()[:16]


def _named(nodes: list[ast.stmt]) -> set[str]:
    """All words by which code could reach something: names, attributes, texts."""
    found: set[str] = set()
    for node in nodes:
        for part in ast.walk(node):
            match part:
                case ast.Name(id=word) | ast.Attribute(attr=word) | ast.Constant(value=str(word)):
                    found.add(word)
    return found
