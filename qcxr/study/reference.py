"""What every key of the configuration means, made from its definition: a page for readers, a schema for editors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from qcxr.study.config import Config

INTRODUCTION = """\
# Configuration

Every key of a study's configuration. `qcxr config --reference` prints this page from the definition in `qcxr/study/`,
which also refuses what does not fit, in one line, before anything runs. `config/config.yaml` is the paper's protocol
with short comments; a study of yours lays its own file over it (`--configfile`), with only the keys that differ, and
`qcxr check` prints what comes out. A number may be written without a point (`1e-4`); a name is of letters,
digits, `_`, `.` and `-`; a key given twice is refused.
"""
ROW = "| {} | {} | {} | {} | {} |"
HEADER = [ROW.format("key", "value", "default", "meaning", "example"), "|---|---|---|---|---|"]

Schema = dict[str, Any]


def markdown() -> str:
    """`docs/configuration.md`: one table per section."""
    whole = Config.model_json_schema()
    found: dict[str, tuple[list[str], Schema]] = {}
    for path, section in _sections("", whole, whole["$defs"]):
        found.setdefault(section["title"], ([], section))[0].append(path)
    headings = {title: " and ".join(f"`{path}`" for path in paths) for title, (paths, _) in found.items()}
    several = [said for said in headings.values() if list(headings.values()).count(said) > 1]
    headings = {title: f"{said} of a {title}" if said in several else said for title, said in headings.items()}
    headings["Config"] = "The study"
    pages = [INTRODUCTION]
    for title, (_, section) in found.items():
        rows = [_row(key, value, section, headings, whole["$defs"]) for key, value in section["properties"].items()]
        pages.append(
            "\n".join([f"## {headings[title]}\n", section["description"], *(["", *HEADER, *rows] if rows else [])])
        )
    return "\n\n".join(page.rstrip("\n") for page in pages) + "\n"


def schema() -> str:
    """`config/schema.json`: what an editor may complete and mark in any of the configuration's files.

    A file may be a layer over others, so no key is required of it: `qcxr check` says what the whole lacks.
    """
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **_layer(Config.model_json_schema())}
    return json.dumps(whole, indent=1) + "\n"


def _layer(part: Schema) -> Schema:
    """The schema of a layer: nothing required, no titles or formats of ours, only well-formed names of the user's."""
    kept = {key: value for key, value in part.items() if key not in ("required", "title", "format")}
    for key in {"$defs", "properties", "patternProperties"} & set(kept):
        kept[key] = {name: _layer(value) for name, value in kept[key].items()}
    for key in {"items", "additionalProperties"} & set(kept):
        kept[key] = _layer(kept[key]) if isinstance(kept[key], dict) else kept[key]
    if "anyOf" in kept:
        kept["anyOf"] = [_layer(option) for option in kept["anyOf"]]
    return kept | ({"additionalProperties": False} if "patternProperties" in kept else {})


def _sections(path: str, section: Schema, known: Schema) -> Iterator[tuple[str, Schema]]:
    """(path, schema) of a section and of all that are in it, depth first."""
    yield path, section
    for key, value in section["properties"].items():
        for inside, below in _objects(value, known):
            yield from _sections(".".join(filter(None, (path, key, below))), inside, known)


def _objects(value: Schema, known: Schema) -> Iterator[tuple[Schema, str]]:
    """The sections that a key's value may be, with what stands for a name of the user's before them."""
    value = _resolved(value, known)
    if "properties" in value:
        yield value, ""
    for option in (*value.get("anyOf", ()), *([value["items"]] if "items" in value else ())):
        yield from _objects(option, known)
    for option in value.get("patternProperties", {}).values():
        for inside, _ in _objects(option, known):
            yield inside, "<name>"


def _resolved(value: Schema, known: Schema) -> Schema:
    return known[value["$ref"].rpartition("/")[2]] if "$ref" in value else value


def _row(key: str, value: Schema, section: Schema, headings: dict[str, str], known: Schema) -> str:
    if key in section.get("required", ()):
        default = "required"
    elif "default" not in value:
        default = "as said"
    else:
        default = (
            "its defaults" if value["default"] and "properties" in _resolved(value, known) else _code(value["default"])
        )
    examples = ", ".join(_code(example) for example in value["examples"])
    cells = (f"`{key}`", _words(value, headings, known), default, value["description"], examples)
    return ROW.format(*(cell.replace("|", "\\|") for cell in cells))


def _code(value: Any) -> str:
    """A value as one writes it in YAML, in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False)
    plain = text.removesuffix("...\n").strip()
    return f"`{plain}`"


def _words(value: Schema | bool, headings: dict[str, str], known: Schema) -> str:
    """What a key may hold, in words."""
    if isinstance(value, bool) or not value:
        return "any value"
    value = _resolved(value, known)
    if "properties" in value:
        heading = headings[value["title"]]
        return f"keys, see [{heading}](#{_anchor(heading)})"
    if "anyOf" in value:
        options = [_words(option, headings, known) for option in value["anyOf"]]
        return ", or ".join(options) if options[-1] == "`null`" else " or ".join(options)
    if "enum" in value or "const" in value:
        return ", ".join(_code(option) for option in value.get("enum", [value.get("const")]))
    if "patternProperties" in value:
        (inside,) = value["patternProperties"].values()
        return f"name: {_words(inside, headings, known)}"
    match value["type"]:
        case "array":
            least, most = value.get("minItems", 0), value.get("maxItems")
            many = f"{least} or more" if most is None else str(most) if most == least else f"{least} to {most}"
            return f"list of {many}: {_words(value['items'], headings, known)}"
        case "object":
            return f"name: {_words(value['additionalProperties'], headings, known)}"
        case "number" | "integer":
            bounds = " and ".join(_bounds(value))
            return f"{'number' if value['type'] == 'number' else 'whole number'} {bounds}".rstrip()
        case "boolean":
            return "`true`, `false`"
        case "null":
            return "`null`"
    if "format" in value:
        return value["format"]
    return f"text like `{value['pattern']}`" if "pattern" in value else "text"


def _bounds(value: Schema) -> list[str]:
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    return [f"{sign} {value[name]}" for name, sign in signs.items() if name in value]


def _anchor(heading: str) -> str:
    """How GitHub names a heading's place in the page."""
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")
