"""`heads:` in the configuration: what is compared, each by a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_serializer, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from qcxr.study import plugged
from qcxr.study.fields import Name, Section
from qcxr.study.heads import HEAD_NAMES

OVERRIDDEN = ("train", "augment", "backbone", "data")  # sections of which a head may have its own keys


class Entry(Section):
    """One head of the comparison: a kind, what it is told, and where its runs differ from the study's.

    Written as the name of a kind (`cdl`), or as a name of one's own with what it means
    (`deep: {kind: dqc, layers: 10, train: {learning_rate: 1.0e-3}}`): all keys but these are options of its kind.
    """

    name: Name = Field(description="Its name in folders, tables and figures.", examples=["deep"])
    kind: str = Field(
        description=f"What it is: {', '.join(HEAD_NAMES)}, or a plug-in's; without it, the head's name says so.",
        examples=["dqc"],
    )
    options: dict[str, Any] = Field(
        default={}, description="Options of its kind, laid over those under head.", examples=[{"layers": 10}]
    )
    train: dict[str, Any] = Field(
        default={}, description="Its own keys of train.", examples=[{"learning_rate": 1.0e-3}]
    )
    augment: dict[str, Any] = Field(default={}, description="Its own keys of augment.", examples=[{"rotation": 5}])
    backbone: dict[str, Any] = Field(
        default={}, description="Its own keys of backbone.", examples=[{"trainable": "last:1"}]
    )
    data: dict[str, Any] = Field(
        default={},
        description="Its own fraction and label_order of data; its films are the study's.",
        examples=[{"fraction": 0.1}],
    )

    @model_validator(mode="before")
    @classmethod
    def _is_a_name_or_a_named_head(cls, given: Any) -> Any:
        if isinstance(given, Entry):
            return given
        if isinstance(given, str):
            _known(given, given)
            return {"name": given, "kind": given}
        body = next(iter(given.values())) if isinstance(given, Mapping) and len(given) == 1 else None
        if not isinstance(body, Mapping):
            raise ValueError(
                "heads must be a list of kinds and of heads with names, like [cdl, deep: {kind: dqc, layers: 10}], got "
                f"{given!r} in it; correct heads in the config"
            )
        name = next(iter(given))
        kind = body.get("kind", name)
        _known(name, kind)
        sections = {key: body[key] or {} for key in OVERRIDDEN if key in body}
        for key, own in sections.items():
            if not isinstance(own, Mapping):
                raise ValueError(f"heads.{name}.{key} must be keys and values, got {own!r}; correct it in the config")
        options = {key: value for key, value in body.items() if key not in (*OVERRIDDEN, "kind")}
        return {"name": name, "kind": kind, "options": options, **sections}

    @model_serializer
    def _as_written(self) -> str | dict[str, Any]:
        sections = {key: own for key in OVERRIDDEN if (own := getattr(self, key))}
        if self.name == self.kind and not self.options and not sections:
            return self.name
        return {self.name: {"kind": self.kind, **self.options, **sections}}

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        whole = handler.resolve_ref_schema(handler(core))
        name = whole["properties"].pop("name")
        del whole["properties"]["options"]
        theirs = {"type": "string", "format": "a plug-in's"}
        kinds = {"anyOf": [{"enum": list(HEAD_NAMES), "type": "string"}, theirs]}
        whole["properties"]["kind"] = {
            **kinds,
            "default": None,
            **{key: whole["properties"]["kind"][key] for key in ("description", "examples")},
        }
        whole.pop("required", None)
        whole["additionalProperties"] = True  # options of the kind, which its own section checks
        return {"anyOf": [*kinds["anyOf"], {"type": "object", "patternProperties": {name["pattern"]: whole}}]}


def _known(name: Any, kind: Any) -> None:
    known = (*HEAD_NAMES, *plugged.names("head"))
    if kind in known:
        return
    if kind == name:
        raise ValueError(
            f"heads must be among {', '.join(known)}, or have a kind that is, got {name}; "
            f"correct heads in the config, or write {name}: {{kind: dqc}}"
        )
    raise ValueError(
        f"heads.{name}.kind must be one of {', '.join(known)}, got {kind}; set heads.{name}.kind in the config"
    )
