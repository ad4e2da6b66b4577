"""What decides a result: canonical text of a configuration slice, content hash of the code, digest of the data.

Snakemake compares a rule's `params` by their text and does not look into imported modules (measured with 9.27.1), so
each rule carries `slice_text(...)` and `code_hash(...)` in its params: the result is redone when, and only when, one
of them changes.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]

# These reach a result only through the slice, or not at all: a new configuration key, a reworded error or another
# progress bar must not retrain anything.
NEUTRAL = frozenset(
    {
        "qcxr",
        "qcxr.errors",
        "qcxr.study",
        "qcxr.study.arms",
        "qcxr.study.backbone",
        "qcxr.study.circuit",
        "qcxr.study.config",
        "qcxr.study.data",
        "qcxr.study.entry",
        "qcxr.study.fields",
        "qcxr.study.folders",
        "qcxr.study.heads",
        "qcxr.study.job",
        "qcxr.study.provenance",
        "qcxr.study.recipe",
        "qcxr.study.reference",
        "qcxr.study.refusals",
        "qcxr.study.runs",
        "qcxr.study.search",
        "qcxr.study.sections",
        "qcxr.study.slices",
        "qcxr.study.train",
        "qcxr.study.vary",
        "qcxr.study.yamlfile",
        "qcxr.training.devices",
        "qcxr.training.progress",
    }
)


def slice_text(*sections: Any, **values: Any) -> str:
    """Canonical text of a configuration slice: sorted JSON, so that the order of keys in a YAML file means nothing."""
    parts: dict[str, Any] = {}
    for section in sections:
        parts[type(section).__name__.lower()] = section.model_dump(mode="json")
    return json.dumps({**parts, **values}, sort_keys=True, separators=(",", ":"))


def read_slice(text: str) -> dict[str, Any]:
    """The slice back as a dictionary."""
    return json.loads(text)


def code_hash(*modules: str, package: Path = PACKAGE) -> str:
    """Hash of the named `qcxr` modules and of all of ours that they import at module level, directly or not.

    Comments, docstrings and layout do not count (the syntax tree is hashed). An import inside a function is not
    followed, so that a head's circuit counts for that head only: name it where it counts. Raises `ModuleNotFoundError`.
    """
    pending, seen = list(modules), {}
    while pending:
        name = pending.pop()
        if name in seen or name in NEUTRAL:
            continue
        path = _path(name, package)
        if path is None:
            raise ModuleNotFoundError(f"{name} is not a module of {package.name}")
        tree = ast.parse(path.read_bytes())
        seen[name] = _fingerprint(path)
        pending += [found for found in _imports(tree, name, package) if _path(found, package)]
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name} {seen[name]}\n".encode())
    return digest.hexdigest()[:16]


def _path(name: str, package: Path) -> Path | None:
    parts = name.split(".")
    if parts[0] != package.name:
        return None
    base = package.joinpath(*parts[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _parsed(path: Path, mtime_ns: int) -> str:
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _fingerprint(path: Path) -> str:
    return _parsed(path, path.stat().st_mtime_ns)


def _imports(tree: ast.Module, name: str, package: Path) -> list[str]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(f"{name} uses a relative import; write it absolutely so that its hash is complete")
    return found


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of what computes: Python and the libraries that decide numbers."""
    names = ("qcxr", "jax", "jaxlib", "flax", "optax", "dm-pix", "pennylane", "orbax-checkpoint", "numpy", "pillow")
    found = {"python": sys.version.split()[0]}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def git_commit() -> str | None:
    """The commit of the source tree, with `+changes` if it has uncommitted ones; None outside a checkout."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(PACKAGE), *words], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        return commit + ("+changes" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None
