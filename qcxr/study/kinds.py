"""The kinds of data sets: each kind's section of the configuration, and the module that reads such a source.

How a further kind is added: `qcxr.study.source`; in a file of the user's own: `qcxr.plugins.data_kind`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from qcxr.study import plugged
from qcxr.study.fields import wrong
from qcxr.study.layouts import Mimic, Nih
from qcxr.study.preset import PRESETS
from qcxr.study.source import Source
from qcxr.study.table import Table


class Kind(NamedTuple):
    """A kind's section, and its reader: a module whose `read(**reader_options())` gives the manifest's frame."""

    section: type[Source]
    module: str


KINDS: dict[str, Kind] = {
    "nih": Kind(Nih, "qcxr.data.nih"),
    "mimic": Kind(Mimic, "qcxr.data.mimic"),
    **{kind: Kind(Table, "qcxr.data.table") for kind in ("table", *PRESETS)},
}


def section_of(kind: Any) -> type[Source] | None:
    """The section of a kind, ours or a plug-in's; None for what is none."""
    if not isinstance(kind, str):
        return None
    if found := plugged.find("data_kind", kind):
        return cast("type[Source]", found.section)
    return KINDS[kind].section if kind in KINDS else None


def modules(kind: str) -> tuple[str, ...]:
    """The modules of ours that read a kind; of a plug-in's none, whose code its source knows (`Source.decides`)."""
    return () if plugged.find("data_kind", kind) else (KINDS[kind].module,)


class OfItsKind:
    """Marks a data set in the configuration: its `kind` says by which section it is checked."""

    def check(self, given: Any) -> Source:
        """The section of the source's kind. Raises the section's `ValidationError`, or one that names the kinds."""
        if isinstance(given, Source):
            return given
        if not isinstance(given, Mapping):
            raise PydanticCustomError("must", "must be keys and values")
        if "kind" not in given:
            missing = InitErrorDetails(type="missing", loc=("kind",), input=given)
            raise ValidationError.from_exception_data("Source", [missing])
        if (section := section_of(given["kind"])) is None:
            raise wrong("kind", f"must be one of {', '.join((*KINDS, *plugged.names('data_kind')))}", given["kind"])
        _refuse_other_kinds_keys(given, section)
        return section.model_validate(given)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        sections = dict.fromkeys(kind.section for kind in KINDS.values())
        return {"anyOf": [handler(section.__pydantic_core_schema__) for section in sections]}


def _refuse_other_kinds_keys(given: Mapping[str, Any], section: type[Source]) -> None:
    own = section.model_fields
    for other, kind in KINDS.items():
        if alien := [key for key in given if key not in own and key in kind.section.model_fields]:
            must = (
                f"must not be there for kind {given['kind']}, it is a key of kind {other} (keys of a source of this "
                "name in config/config.yaml come along: take another name)"
            )
            raise wrong(alien[0], must, given[alien[0]])
