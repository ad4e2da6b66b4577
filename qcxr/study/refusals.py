"""What is wrong with a configuration, in one line: what, what is allowed, what was given, the way out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails


def line(error: ValidationError, raw: Any, *, under: str = "") -> str:
    """The first complaint about `raw` as one line; `raw` lies in the configuration at the key `under`."""
    complaints = error.errors()
    first = _furthest(complaints, raw)
    at = ".".join(filter(None, (under, _key(first, raw))))
    key = at or "config"
    given = _shown(first["input"])
    match first["type"]:
        case "unknown":
            named = ".".join(filter(None, (at, first["ctx"]["key"])))
            allowed = first["ctx"]["allowed"]
            return f"{named} is not a configuration key; allowed here: {allowed}; remove or rename it in the config"
        case "missing":
            return f"{key} is missing; set {key} in the config (see config/config.yaml)"
        case "must":
            return f"{key} {first['msg']}, got {given}; set {key} in the config"
        case "value_error":
            said = first["msg"].removeprefix("Value error, ")
            return f"{under}: {said}" if under else said
    if first["loc"][-1:] == ("[key]",) and first["type"].startswith("string"):
        return f"{key}: a name must be text of letters, digits, _ . and -, got {given}; quote or change it"
    alternatives = dict.fromkeys(_said(other) for other in complaints if _key(other, raw) == _key(first, raw))
    others = len({_key(other, raw) for other in complaints}) - 1
    more = f" (and {others} more)" if others else ""
    return f"{key}: {' or '.join(alternatives)}, got {given}; set {key} in the config{more}"


def _furthest(complaints: list[ErrorDetails], raw: Any) -> ErrorDetails:
    """The first complaint; of a value that may be of several types, that of the type which fits furthest down."""
    first = _key(complaints[0], raw)
    below = [complaint for complaint in complaints if _key(complaint, raw).startswith(f"{first}.")]
    is_one_of_several = len(complaints[0]["loc"]) > len(first.split("."))
    return below[0] if below and is_one_of_several else complaints[0]


def _said(complaint: ErrorDetails) -> str:
    if complaint["type"] in ("dict_type", "model_type"):
        return "input should be keys and values"
    return complaint["msg"][0].lower() + complaint["msg"][1:]


def _shown(value: Any) -> str:
    """A value as YAML spells it where Python spells it otherwise."""
    return {"None": "null", "True": "true", "False": "false"}.get(repr(value), repr(value))


def _key(complaint: ErrorDetails, raw: Any) -> str:
    """The key that a complaint is about: its location as far as `raw` has it, without pydantic's names of types."""
    parts: list[str] = []
    part: Any  # a mapping's key or a list's index
    for place, part in enumerate(complaint["loc"], 1):
        if (isinstance(raw, Mapping) and part in raw) or (isinstance(raw, list | tuple) and isinstance(part, int)):
            raw = raw[part]
        elif not (complaint["type"] == "missing" and place == len(complaint["loc"])):
            continue
        parts.append(str(part))
    return ".".join(parts)
