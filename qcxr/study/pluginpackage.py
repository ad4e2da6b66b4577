"""`package:NAME` under `plugins`: an installed distribution's entry points `qcxr.plugins`, read and not run."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from importlib import metadata
from pathlib import Path

from qcxr.errors import InputError
from qcxr.study import pluginfile
from qcxr.study.pluginfile import Registered
from qcxr.study.provenance import digest_file, modules_imported, undocumented

PREFIX = "package:"
GROUP = "qcxr.plugins"
COMPILED = (".so", ".pyd")


def read(entry: str) -> tuple[Registered, ...]:
    """All that a distribution registers; what decides it is all of its packages' code. Raises `InputError`."""
    found: list[Registered] = []
    for module in modules(entry):
        file, package = located(entry, module)
        digest, ours = contents(package)
        found += [
            pluginfile.tell(one._replace(digest=digest, modules=ours, listed=entry))
            for one in pluginfile.read(file, listed=entry, alone=False)
        ]
    return tuple(found)


def modules(entry: str) -> list[str]:
    """The modules that a distribution's entry points name. Raises `InputError` if there are none."""
    name = entry.removeprefix(PREFIX)
    try:
        points = metadata.distribution(name).entry_points.select(group=GROUP)
    except (metadata.PackageNotFoundError, ValueError):
        raise InputError(f"plugins: {entry} is not installed; pip install {name}, or take it out") from None
    if not (found := sorted({point.module for point in points})):
        raise InputError(f"plugins: {entry} must have an entry point {GROUP}, got none; take it out")
    return found


def located(entry: str, module: str) -> tuple[Path, Path]:
    """The module's file, and its package's folder (or itself, if it is in none); nothing is imported."""
    first, *rest = module.split(".")
    spec = importlib.util.find_spec(first)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if spec and not rest and spec.origin:
        return Path(spec.origin), Path(folders[0]) if folders else Path(spec.origin)
    for folder in folders:
        base = Path(folder, *rest)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file, Path(folder)
    raise InputError(f"plugins: {entry} must have the module {module} that it names, got no such file; install it anew")


def contents(package: Path) -> tuple[str, tuple[str, ...]]:
    """(digest of all of a package's code, our modules that it imports)."""
    files = sorted(package.rglob("*")) if package.is_dir() else [package]
    listed, ours = [], set[str]()
    for file in files:
        if file.suffix == ".py":
            said, imported = _module(file, file.stat().st_mtime_ns)
            ours |= set(imported)
        elif file.suffix in COMPILED:
            said = digest_file(file)
        else:
            continue
        listed.append(f"{file.relative_to(package).as_posix()} {said}\n")
    return hashlib.sha256("".join(listed).encode()).hexdigest()[:16], tuple(sorted(ours))


@functools.cache
def _module(file: Path, mtime_ns: int) -> tuple[str, tuple[str, ...]]:
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # a template, say: its bytes are what it is
        return digest_file(file), ()
    imported = modules_imported(tree)
    return hashlib.sha256(ast.unparse(undocumented(tree)).encode()).hexdigest(), imported
