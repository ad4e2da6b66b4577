"""Reading a configuration file: one line for whatever is wrong with it, and no key twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from qcxr.errors import InputError


def read(path: str | Path) -> dict[str, Any]:
    """The keys and values of one YAML file.

    Raises InputError, with the line where there is one, for a file that is not there, not UTF-8, not YAML, empty or
    without keys, and for a key given twice, of which YAML would silently take the last.
    """
    text = _text(path)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            raise InputError(f"config file {path} is empty; give it keys and values, or leave it out")
        _refuse_repeated_keys(node, path)
        content = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "no line is known"
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise InputError(f"config file {path} is not YAML ({where}: {said}); correct it there") from None
    finally:
        loader.dispose()
    if not isinstance(content, dict):
        raise InputError(
            f"config file {path} must hold keys and values, got {type(content).__name__}; write key: value"
        )
    return content


def overlaid(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """`layer` over `base` key by key, as `snakemake --configfile a.yaml b.yaml` does."""
    merged = dict(base)
    for key, value in layer.items():
        old = merged.get(key)
        merged[key] = overlaid(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _text(path: str | Path) -> str:
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"config file {path} does not exist; give the path of a YAML file") from None
    except OSError as error:
        raise InputError(f"config file {path} cannot be read ({error}); give the path of a YAML file") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"config file {path} must be UTF-8, got byte 0x{raw[error.start]:02x} in line {at}; save it as UTF-8"
        ) from None
    if found := yaml.reader.Reader.NON_PRINTABLE.search(text):
        at = text.count("\n", 0, found.start()) + 1
        raise InputError(f"config file {path} is not YAML (line {at}: the character {found.group()!r}); take it out")
    return text


def _refuse_repeated_keys(root: yaml.Node, path: str | Path) -> None:
    pending: list[tuple[str, yaml.Node]] = [("", root)]
    seen: set[int] = set()
    while pending:
        prefix, node = pending.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            pending += [(f"{prefix}{i}.", child) for i, child in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            continue
        lines: dict[tuple[str, str], int] = {}
        for key, child in node.value:
            at = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode):
                if first := lines.get((key.tag, key.value)):
                    raise InputError(
                        f"config file {path} gives {prefix}{key.value} twice, in lines {first} and {at}; keep one"
                    )
                lines[key.tag, key.value] = at
            pending.append((f"{prefix}{key.value}.", child))
