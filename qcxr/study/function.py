"""A circuit of the user's own: its options, and what the file that it is written in says, read without being run."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
import os
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from qcxr.study.circuit import Init
from qcxr.study.fields import Count, Section
from qcxr.study.provenance import undocumented

Engine = Literal["auto", "chain", "dense"]
Argument = bool | int | float | str
OURS = "qcxr"
WAY_OUT = "write it as circuits.py:layers, the file's path and the function's name"


class Own(Section):
    """A circuit of the user's own between the linear layers of the dressed head."""

    function: str | None = Field(
        None,
        description="The file, from where the workflow runs, and the PennyLane quantum function in it: of the weights "
        "and one angle per label, to a list of one qml.expval per label. It must be given.",
        examples=["circuits.py:layers"],
    )
    weights: list[Count | Literal["labels"]] | None = Field(
        None,
        description="The shape of the weights, in which labels stands for their number; null asks the function's own "
        "attribute shape, called with that number and the arguments.",
        examples=[[3, "labels", 3]],
    )
    arguments: dict[str, Argument] = Field(
        default={},
        description="Further arguments of the function, and of its shape, by name.",
        examples=[{"layers": 3}],
    )
    engine: Engine = Field(
        "auto",
        description="What simulates the circuit: chain (exact, along the line of qubits), dense (exact, all amplitudes "
        "or, with channels, all Pauli coefficients), or auto, the one of fewer products.",
        examples=["chain"],
    )
    init: Init = Field("uniform", description="How the weights are drawn at the start, as for dqc.", examples=["small"])
    train_circuit: bool = Field(
        True,
        description="Whether the circuit's weights train; without it they stay as drawn.",
        examples=[False],
    )
    digest: str | None = Field(
        None,
        pattern="^[0-9a-f]{16}$",
        description="What the file says, as a hash that comments, docstrings and layout do not change. The study fills "
        "it in, so that an edit trains the head again; written down, it refuses every other file.",
        examples=["0123456789abcdef"],
    )

    def fit(self, n_labels: int) -> None:
        """Raise ValueError if no function is named."""
        del n_labels  # how many values the function returns only PennyLane can tell, when the head is built
        if self.function is None:
            raise ValueError("head.circuit.function must name a PennyLane quantum function, got null; " + WAY_OUT)
        named(self.function)

    def resolved(self, told: dict[str, Any]) -> dict[str, Any]:
        """The options that are told, with the digest of the file that is there."""
        found = None if self.function is None or self.digest is not None else digest(self.function)
        return told if found is None else {**told, "digest": found}


class Named(NamedTuple):
    """A file, and the function in it."""

    file: Path
    function: str


def named(reference: str) -> Named:
    """The parts of `circuits.py:layers`. Raises ValueError for anything else."""
    file, _, function = reference.rpartition(":")
    if not file.endswith(".py") or not function.isidentifier():
        raise ValueError(f"head.circuit.function must be a file and a function, got {reference}; {WAY_OUT}")
    return Named(Path(file).expanduser(), function)


def digest(reference: str) -> str | None:
    """Hash of what the function's file says; None if it is not there, or no Python."""
    try:
        tree = _tree(named(reference).file)
    except (OSError, SyntaxError, ValueError):
        return None
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


def obstacle(reference: str) -> str | None:
    """Why no circuit can be read there, as far as the file tells without being run; None if it can.

    What it imports from beside itself would not be in its digest, so it must stand alone.
    """
    file, function = named(reference)
    try:
        tree = _tree(file)
    except OSError:
        return f"{file} does not exist; set head.circuit.function to a file that does, from where the workflow runs"
    except (SyntaxError, ValueError) as error:
        return f"{file} must be Python, got {error}; correct it"
    for name in imports(tree):
        if name.startswith(".") or lies_beside(file, name):
            return (
                f"{file} must stand alone, so that its digest is complete, got an import of {name} from beside it; "
                "write what it needs into the file"
            )
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assigned = {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if function not in {*functions, *assigned}:
        there = ", ".join(functions) or "none"
        return f"{file} must have the function {function}, got {there}; set head.circuit.function to one of its own"
    return None


def _tree(file: Path) -> ast.Module:
    return _parsed(file, os.stat(file).st_mtime_ns)


@functools.lru_cache
def _parsed(file: Path, mtime_ns: int) -> ast.Module:
    return undocumented(ast.parse(file.read_bytes(), str(file)))


def imports(tree: ast.AST) -> list[str]:
    """Modules that are imported anywhere in a syntax tree; relative ones with their dots."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def lies_beside(file: Path, module: str) -> bool:
    """Whether an import of that module, in that file, could find it in the file's folder or where the study runs."""
    name = module.partition(".")[0]
    folders = [file.parent, *([Path.cwd()] if name != OURS else [])]  # a study is run where the package is checked out
    return any(
        (folder / f"{name}.py").is_file()
        or (folder / name / "__init__.py").is_file()
        or ((folder / name).is_dir() and not _is_installed(name, folder / name))
        for folder in folders
    )


def _is_installed(name: str, beside: Path) -> bool:
    """Whether Python has a module of that name elsewhere than in that folder without `__init__.py`; imports nothing."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:
        return True  # it is imported, and not from a file
    if spec is None:
        return False
    return spec.origin is not None or any(
        Path(found).resolve() != beside.resolve() for found in spec.submodule_search_locations or ()
    )
