"""The arguments of a plug-in's function, read and not run: what the configuration may say to it."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, Field, create_model

from qcxr.study.fields import AsNumber, Path, Section

Function = ast.FunctionDef | ast.ClassDef
PLAIN: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": Annotated[float, AsNumber],
    "str": str,
    "list": list,
    "tuple": list,
    "dict": dict,
    "Any": Any,
    "Path": Path,
}
ALLOWED = "bool, int, float, str, list[...], dict, Literal[...] or None"
OURS = ("plugin", "fit")  # where a head's recipe says where it is written, and what sections of circuits can do
REQUIRED = object()
CANNOT_BE_READ = (ValueError, TypeError, SyntaxError)  # of ast.literal_eval and ast.parse, for what is no plain value


class Argument(NamedTuple):
    """One argument: its name, its type as written, its default (`REQUIRED` without one), where it stands."""

    name: str
    annotation: ast.expr | None
    default: Any
    by_name: bool
    line: int

    @property
    def needed(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED


class Fault(ValueError):
    """What cannot be, and the line on which it stands."""

    def __init__(self, line: int, said: str):
        super().__init__(said)
        self.line = line


class Signature(NamedTuple):
    """All arguments of a function, or of a class' `__init__` without self; `open`: it takes any others by name."""

    arguments: tuple[Argument, ...]
    open: bool

    @property
    def in_order(self) -> list[str]:
        """Names of those that may be given by their place."""
        return [argument.name for argument in self.arguments if not argument.by_name]

    @property
    def by_name(self) -> dict[str, Argument]:
        """Those that are given by name only."""
        return {argument.name: argument for argument in self.arguments if argument.by_name}


def signature(function: Function) -> Signature:
    """The arguments of a function, or of what a class is made with. Raises `Fault`."""
    made: ast.FunctionDef
    if isinstance(function, ast.ClassDef):
        inits = [node for node in function.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
        if not inits:
            raise Fault(function.lineno, f"class {function.name} must have an __init__ of its own; write it")
        made = inits[0]
    else:
        made = function
    given = made.args
    placed = [*given.posonlyargs, *given.args]
    found = [
        Argument(arg.arg, arg.annotation, default, False, arg.lineno)
        for arg, default in zip(
            placed, [*[REQUIRED] * (len(placed) - len(given.defaults)), *given.defaults], strict=True
        )
    ]
    found += [
        Argument(arg.arg, arg.annotation, REQUIRED if default is None else _literal(arg, default), True, arg.lineno)
        for arg, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
    ]
    return Signature(tuple(found[1:] if made is not function else found), given.kwarg is not None)


def options(name: str, arguments: Iterable[Argument], *, base: type[Section] = Section) -> type[Section]:
    """The section of the configuration that takes these arguments, by their types and defaults. Raises `Fault`."""
    fields: dict[str, Any] = {}
    for argument in arguments:
        taken = hasattr(BaseModel, argument.name) or argument.name in (*base.model_fields, *OURS)
        if taken or argument.name.startswith(("_", "model_")):
            raise Fault(argument.line, f"an option must not be called {argument.name}; give it another name")
        kind = _type(argument)
        default = ... if argument.default is REQUIRED else _as_yaml(argument.default)
        fields[argument.name] = (kind, Field(default))
    return create_model(name, __base__=base, **fields)


def paths(arguments: Iterable[Argument]) -> list[Argument]:
    """Those that are paths, or may be."""
    return [one for one in arguments if one.annotation and _names_path(one.annotation)]


def tables(arguments: Iterable[Argument]) -> list[str]:
    """The names of those that are paths: each is one, a list of them, or None. Raises `Fault` for other types."""
    found = paths(arguments)
    for argument in found:
        kind = _type(argument)
        several = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        held = [part for part in several if part is not NoneType]
        if len(held) != 1 or held[0] not in (Path, list[Path]):
            assert argument.annotation is not None  # said to mypy
            said = f"option {argument.name} must be Path or list[Path], or None, got {ast.unparse(argument.annotation)}"
            raise Fault(argument.line, f"{said}; change its type")
    return [argument.name for argument in found]


def _names_path(annotation: ast.AST) -> bool:
    match annotation:
        case ast.Name(id="Path") | ast.Attribute(attr="Path"):
            return True
        case ast.Constant(value=str(text)):  # a type in quotes; others are refused when it is read
            try:
                return _names_path(ast.parse(text, mode="eval"))
            except CANNOT_BE_READ:
                return False
        case ast.Subscript(value=ast.Name(id="Literal") | ast.Attribute(attr="Literal")):
            return False
    return any(map(_names_path, ast.iter_child_nodes(annotation)))


def _literal(arg: ast.arg, default: ast.expr) -> Any:
    try:
        value = ast.literal_eval(default)
    except CANNOT_BE_READ:
        said = f"the default of {arg.arg} must be written out, got {ast.unparse(default)}; write its value"
        raise Fault(arg.lineno, said) from None
    if not _can_be_yaml(value):
        said = f"the default of {arg.arg} must be what YAML has (numbers, texts, lists, mappings), got {value!r}"
        raise Fault(arg.lineno, f"{said}; change it")
    return value


def _can_be_yaml(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _can_be_yaml(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(_can_be_yaml, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def _as_yaml(value: Any) -> Any:
    return [_as_yaml(part) for part in value] if isinstance(value, list | tuple) else value


def _type(argument: Argument) -> Any:
    if argument.annotation is None:
        default = None if argument.default is REQUIRED else argument.default
        return Any if default is None else PLAIN[type(default).__name__]
    try:
        return _read(argument.annotation)
    except (KeyError, *CANNOT_BE_READ):
        said = f"option {argument.name} must be of {ALLOWED}, got {ast.unparse(argument.annotation)}; change its type"
        raise Fault(argument.line, said) from None


def _read(written: ast.expr) -> Any:
    """A type as one writes it. Raises `KeyError` or one of `CANNOT_BE_READ` for what no configuration can hold."""
    match written:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):  # a type in quotes
            return _read(ast.parse(text, mode="eval").body)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return PLAIN[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_read(left), _read(right)]  # noqa: UP007  (of values, which | does not take for None)
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            if not parts:
                raise KeyError(ast.unparse(written))
            if name == "Literal":
                allowed = [ast.literal_eval(part) for part in parts]
                if not all(one is None or isinstance(one, bool | int | float | str) for one in allowed):
                    raise KeyError(ast.unparse(written))
                return Literal[tuple(allowed)]
            if name == "Optional":
                return _read(parts[0]) | None
            return list[_read(parts[0])] if name in ("list", "tuple") else PLAIN[name]  # type: ignore[misc]
    raise KeyError(ast.unparse(written))
