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
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).parents[1]

# These reach a result only through the slice, or not at all: a new configuration key, a reworded error or another
# progress bar must not retrain anything.
NEUTRAL = frozenset(
    {
        "qcxr",
        "qcxr.errors",
        "qcxr.plugins",
        "qcxr.study",
        "qcxr.study.analysis",
        "qcxr.study.arms",
        "qcxr.study.backbone",
        "qcxr.study.blind",
        "qcxr.study.changes",
        "qcxr.study.circuit",
        "qcxr.study.columns",
        "qcxr.study.config",
        "qcxr.study.data",
        "qcxr.study.digests",
        "qcxr.study.dryrun",
        "qcxr.study.entry",
        "qcxr.study.execution",
        "qcxr.study.explain",
        "qcxr.study.fields",
        "qcxr.study.folders",
        "qcxr.study.forkserver",
        "qcxr.study.function",
        "qcxr.study.heads",
        "qcxr.study.hooks",
        "qcxr.study.hugepages",
        "qcxr.study.job",
        "qcxr.study.kinds",
        "qcxr.study.layouts",
        "qcxr.study.leftlock",
        "qcxr.study.locks",
        "qcxr.study.measured",
        "qcxr.study.memory",
        "qcxr.study.networks",
        "qcxr.study.obstacles",
        "qcxr.study.outline",
        "qcxr.study.plan",
        "qcxr.study.plugged",
        "qcxr.study.pluginfile",
        "qcxr.study.pluginpackage",
        "qcxr.study.preset",
        "qcxr.study.pretrained",
        "qcxr.study.processor",
        "qcxr.study.protocol",
        "qcxr.study.provenance",
        "qcxr.study.readable",
        "qcxr.study.recipe",
        "qcxr.study.reference",
        "qcxr.study.refusals",
        "qcxr.study.runs",
        "qcxr.study.search",
        "qcxr.study.sections",
        "qcxr.study.shapes",
        "qcxr.study.signature",
        "qcxr.study.slices",
        "qcxr.study.source",
        "qcxr.study.spent",
        "qcxr.study.stopping",
        "qcxr.study.studied",
        "qcxr.study.table",
        "qcxr.study.train",
        "qcxr.study.trials",
        "qcxr.study.vary",
        "qcxr.study.warm",
        "qcxr.study.yamlfile",
        "qcxr.training.devices",
        "qcxr.training.progress",
        "qcxr.training.sinks",
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
    known = _known.get((modules, package))
    if known is None or any(os.stat(path).st_mtime_ns != mtime for path, mtime in known.files):
        known = _known[modules, package] = _hashed(sources(*modules, package=package))
    return known.text


class Source(NamedTuple):
    """A module's file as the hash sees it: its syntax tree's fingerprint, and the names that it imports."""

    path: str
    mtime: int
    fingerprint: str
    imports: tuple[str, ...]


class Hash(NamedTuple):
    """A hash, and the files with their times that it is true of."""

    text: str
    files: tuple[tuple[str, int], ...]


# Snakemake asks for every job of a plan: thousands of times for the same few dozen files
_known: dict[tuple[tuple[str, ...], Path], Hash] = {}


def sources(*modules: str, package: Path = PACKAGE) -> dict[str, Source]:
    """The named modules, and ours that they import at module level, directly or not, but those that are neutral."""
    pending, seen = list(modules), {}
    while pending:
        name = pending.pop()
        if name in seen or name in NEUTRAL:
            continue
        path = _path(name, package)
        if path is None:
            raise ModuleNotFoundError(f"{name} is not a module of {package.name}")
        seen[name] = _read(name, path, path.stat().st_mtime_ns)
        pending += [found for found in seen[name].imports if _path(found, package)]
    return seen


def _hashed(seen: dict[str, Source]) -> Hash:
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(f"{name} {seen[name].fingerprint}\n".encode())
    return Hash(digest.hexdigest()[:16], tuple((source.path, source.mtime) for source in seen.values()))


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
def _read(name: str, path: Path, mtime: int) -> Source:
    tree = ast.parse(path.read_bytes())
    imports = _imports(tree, name)
    undocumented(tree)
    return Source(str(path), mtime, hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imports)


def undocumented(tree: ast.Module) -> ast.Module:
    """The syntax tree itself, with its docstrings taken out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _imports(tree: ast.Module, name: str) -> tuple[str, ...]:
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise ImportError(f"{name} uses a relative import; write it absolutely so that its hash is complete")
    return tuple(found)


def modules_imported(tree: ast.Module, *, package: Path = PACKAGE) -> tuple[str, ...]:
    """Our modules that code elsewhere imports, anywhere in it, but those that are neutral."""
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return tuple(sorted(name for name in named - NEUTRAL if _path(name, package)))


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's content."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digest_once(path: Path) -> str:
    """The same, read again only when the file's time is another."""
    return _digest(path, path.stat().st_mtime_ns)


@functools.lru_cache
def _digest(path: Path, mtime: int) -> str:
    return digest_file(path)


def versions() -> dict[str, str]:
    """Versions of what computes: Python and the libraries that decide numbers."""
    names = ["qcxr", "jax", "jaxlib", "flax", "optax", "dm-pix", "pennylane", "orbax-checkpoint", "numpy", "pillow"]
    names += ["scipy", "scikit-learn", "torch", "transformers", "pydicom", "pylibjpeg"]
    names += ["pylibjpeg-libjpeg", "pylibjpeg-openjpeg"]
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
