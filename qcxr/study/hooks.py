"""The hooks of `qcxr.plugins` in a file's syntax tree: what stands below which, and whether it fits. Nothing is run."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from qcxr import plugins
from qcxr.study.signature import CANNOT_BE_READ, Fault, Function, Signature, signature

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# what each hook gives its function by place; a figure is given all by name
PLACED = {
    "head": ("n_features", "n_labels"),
    "loss": ("targets",),
    "data_kind": (),
    "metric": ("truth", "probability"),
}
NEEDED = {  # and by name, whatever else it takes
    "head": ("key", "by which its first weights are drawn"),
    "data_kind": ("images", "the folder of the films"),
}
SHARED = ("metrics", "tests", "estimates", "predictions", "bootstrap", "subgroups", "variance")
WITH = {  # by what a figure may be drawn, and the tables that always know of it
    "task": (*SHARED, "history", "steps", "runs", "search"),
    "dataset": (*SHARED, "counts"),
}
TABLES = (  # what a figure may need (`figure_inputs` of workflow/rules/common.smk)
    "metrics", "tests", "estimates", "history", "steps", "runs", "counts", "predictions", "bootstrap", "search",
    "subgroups", "trend", "variance", "interaction",
)  # fmt: skip


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_text, value))


MUST: dict[str, tuple[str, Callable[[Any], bool]]] = {  # a hook's arguments besides the name
    "needs": ("a list of texts", _are_texts),
    "by": ("a list of texts", _are_texts),
    "caption": ("a text", _is_text),
    "title": ("a text", _is_text),
    "attributes": ("True or False", lambda value: isinstance(value, bool)),
}


class Hooked(NamedTuple):
    """One hook: the function or class below it, the name and the other arguments that it is given, and its line."""

    hook: str
    function: Function
    name: str
    given: Mapping[str, Any]
    takes: Signature
    line: int


def hooked(tree: ast.Module) -> Iterator[Hooked]:
    """What the hooks of a file stand over. Raises `Fault`."""
    hook_of = _hooks(tree)
    seen: set[int] = set()
    for node in ast.walk(tree):
        for decorator in getattr(node, "decorator_list", ()):
            hook = hook_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if hook is None:
                continue
            if not isinstance(decorator, ast.Call):
                raise Fault(decorator.lineno, f'@{hook} needs a name, got none; write @{hook}("name")')
            if node not in tree.body or not isinstance(node, Function):
                raise Fault(decorator.lineno, f"@{hook} must stand over a function or class at the top level; move it")
            seen.add(id(decorator))
            name, given = _arguments(hook, decorator)
            found = Hooked(hook, node, name, given, signature(node), decorator.lineno)
            (_fits_figure if hook == "figure" else _fits)(found)
            yield found
    for node in _at_module_level(tree):
        if isinstance(node, ast.Call) and id(node) not in seen and (hook := hook_of(node.func)):
            raise Fault(node.lineno, f'{hook}(...) must stand over its function; write @{hook}("name") there')


def _at_module_level(tree: ast.AST) -> Iterator[ast.AST]:
    """What is run when the file is: inside a function a name may mean something else."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            for part in (*getattr(node, "decorator_list", ()), node.args):  # of which the body is none
                yield from (part, *_at_module_level(part))
        else:
            yield from (node, *_at_module_level(node))


def _hooks(tree: ast.Module) -> Callable[[ast.expr], str | None]:
    """What tells which hook an expression means, by the file's imports. Raises `Fault` for one that there is not."""
    named: dict[str, str] = {}
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == plugins.__name__}
        elif isinstance(node, ast.ImportFrom) and node.module == "qcxr":
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "plugins"}
        elif isinstance(node, ast.ImportFrom) and node.module == plugins.__name__:
            for alias in node.names:
                named[alias.asname or alias.name] = _known(alias.name, node.lineno)

    def hook_of(written: ast.expr) -> str | None:
        if isinstance(written, ast.Name):
            return named.get(written.id)
        if isinstance(written, ast.Attribute) and ast.unparse(written.value) in modules:
            return _known(written.attr, written.lineno)
        return None

    return hook_of


def _known(hook: str, line: int) -> str:
    if hook not in plugins.HOOKS:
        raise Fault(line, f"qcxr.plugins has the hooks {', '.join(plugins.HOOKS)}, got {hook}; take one of these")
    return hook


def _arguments(hook: str, call: ast.Call) -> tuple[str, dict[str, Any]]:
    """The name, and the hook's other arguments, all of which are written out."""
    try:
        placed = [ast.literal_eval(argument) for argument in call.args]
        by_name = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    except CANNOT_BE_READ:
        raise Fault(
            call.lineno,
            f"what @{hook} is given must be written out, since the file is read before it is run, got "
            f"{ast.unparse(call)}; write the texts themselves",
        ) from None
    try:
        given = inspect.signature(getattr(plugins, hook)).bind(*placed, **by_name).arguments
    except TypeError as error:
        raise Fault(call.lineno, f"@{hook} must be given what docs/plugins.md says, got {error}; correct it") from None
    name = given.pop("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Fault(call.lineno, f"@{hook} needs a name of letters, digits and _, got {name!r}; change it")
    for key, value in given.items():
        must, fits = MUST[key]
        if not fits(value):
            raise Fault(call.lineno, f"{key} of @{hook} must be {must}, got {value!r}; correct it")
        if isinstance(value, list | tuple):
            given[key] = tuple(value)
            if len(set(value)) < len(value):
                raise Fault(call.lineno, f"{key} of @{hook} must not repeat, got {value!r}; remove the repeated ones")
    return name, given


def _fits(found: Hooked) -> None:
    """Raise `Fault` if a head, a loss, a kind of data set or a metric does not take what it will be given."""
    hook, takes, line = found.hook, found.takes, found.function.lineno
    called = f"{hook} {found.name}"
    if len(takes.in_order) != len(PLACED[hook]):
        raise Fault(
            line,
            f"{called} must take {', '.join(PLACED[hook]) or 'nothing'} and, behind a star, what else it takes, got "
            f"({', '.join(takes.in_order)}); correct its arguments",
        )
    argument, what = NEEDED.get(hook, ("", ""))
    if argument and argument not in takes.by_name:
        raise Fault(line, f"{called} must take {argument} behind a star, {what}; add it")
    if hook == "metric" and (more := sorted(set(takes.by_name) - {"threshold"})):
        raise Fault(line, f"{called} may take threshold behind a star and no more, got {more[0]}; take it out")


def _fits_figure(found: Hooked) -> None:
    takes, given, line = found.takes, found.given, found.function.lineno
    if wrong := [key for key in given.get("by", ()) if key not in WITH]:
        raise Fault(found.line, f"by of figure {found.name} may hold {' and '.join(WITH)}, got {wrong[0]}; correct it")
    if wrong := [kind for kind in given["needs"] if kind not in TABLES]:
        raise Fault(
            found.line, f"needs of figure {found.name} may hold {', '.join(TABLES)}, got {wrong[0]}; correct it"
        )
    if wrong := [key for key in given.get("by", ()) if not set(WITH[key]) & set(given["needs"])]:
        raise Fault(
            found.line,
            f"figure {found.name} by {wrong[0]} needs one of {', '.join(WITH[wrong[0]])}, got needs of "
            f"{', '.join(given['needs']) or 'nothing'}; name one, or take {wrong[0]} out of by",
        )
    asked = {*given["needs"], *given.get("by", ())}
    names = {argument.name for argument in takes.arguments}
    if not takes.open and (missing := sorted(asked - names)):
        raise Fault(line, f"figure {found.name} must take what it asks for, got no argument {missing[0]}; add it")
    others = {argument.name for argument in takes.arguments if argument.needed} - asked - {"heads"}
    if others:
        raise Fault(
            line,
            f"figure {found.name} is given {', '.join(sorted({*asked, 'heads'}))}, got an argument "
            f"{min(others)} besides; take it out, or name it in needs",
        )
