"""How the house is kept: small functions of few arguments, imports at the top, a map that is true."""

import ast
import re
from pathlib import Path

import grimp
import pytest

import qcxr

ROOT = Path(qcxr.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
PARAMETERS, LINES = 7, 50
# what may be larger, and why
LARGER: dict[str, str] = {}
ROOMS = ("cli", "bench", "archive", "training", "analysis", "models", "data", "circuits", "phantom", "study")


def name(path: Path) -> str:
    return path.relative_to(ROOT.parent).as_posix()


def functions(path: Path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{name(path)}:{node.name}", node


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = function.args
    named = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def test_functions_are_small_and_take_few_things():
    found = {
        where: f"{parameters(node)} parameters, {node.end_lineno - node.lineno + 1} lines"
        for path in FILES
        for where, node in functions(path)
        if parameters(node) > PARAMETERS or node.end_lineno - node.lineno + 1 > LINES
    }
    assert found.keys() == LARGER.keys(), found


def test_only_tables_are_laid_out_by_hand():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        tables = {n.end_lineno for n in ast.parse(text).body if isinstance(n, ast.Assign | ast.AnnAssign)}
        for number, line in enumerate(text.splitlines(), 1):
            assert "# fmt: skip" not in line or number in tables, f"{name(path)}:{number}"


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name != "cli"], ids=name)
def test_an_import_inside_a_function_says_why(path):
    """In a comment behind it, or above it and those that follow it. Commands import what they run: cli/__init__.py."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for where, function in functions(path):
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                first = node.lineno - 1
                while re.match(r"\s+(from|import) ", lines[first - 1]):
                    first -= 1
                reason = any("#" in line for line in lines[first - 1 : node.end_lineno])
                assert reason, f"{where}: {lines[node.lineno - 1].strip()}"


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Room -> the rooms that its files import, inside functions too."""
    graph = grimp.build_graph("qcxr", cache_dir=None)
    found: dict[str, set[str]] = {room: set() for room in ROOMS}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            ours, theirs = (f"{dotted}.".split(".")[1] for dotted in (module, imported))
            if ours in found and theirs in found and ours != theirs:
                found[ours].add(theirs)
    return found


def picture(imports: dict[str, set[str]]) -> str:
    """The arrows of docs/architecture.md; one that a longer way implies is left out."""
    below: dict[str, set[str]] = {}

    def reached(room: str) -> set[str]:
        if room not in below:
            below[room] = imports[room].union(*map(reached, imports[room]))
        return below[room]

    lines = []
    for room in ROOMS:
        implied = set().union(*map(reached, imports[room]))
        lines += [f"    {room} --> {other}" for other in ROOMS if other in imports[room] - implied]
    return "\n".join(["graph TD", *lines])


def test_every_folder_is_a_room_and_the_picture_of_imports_is_true(imports):
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()} == set(ROOMS)
    text = (ROOT.parent / "docs/architecture.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```mermaid\n(.*?)\n```", text, flags=re.DOTALL)
    assert shown == picture(imports), f"docs/architecture.md should show:\n{picture(imports)}"


def test_the_map_names_files_that_are_there():
    for page in ("docs/architecture.md", "README.md"):
        text = (ROOT.parent / page).read_text(encoding="utf-8")
        for path in re.findall(r"`((?:qcxr|workflow|tests|config|docs)/[A-Za-z0-9_/.-]+)`", text):
            assert (ROOT.parent / path).exists(), f"{page}: {path}"
