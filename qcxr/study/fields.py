"""What a value of the configuration may be: the types that the sections' keys share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema


def _number(value: Any) -> Any:
    """YAML 1.1 reads `1e-4` (no point) as text; everyone who writes it means a number."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _path(value: str) -> str:
    if not value or set(value) & set("{}"):
        raise PydanticCustomError("must", "must be a path without braces (Snakemake's wildcards) and not empty")
    return value


def wrong(key: str, must: str, given: Any) -> ValidationError:
    """What to raise in a section's validator when the value of one key is wrong; `must` begins with that word."""
    said = PydanticCustomError("must", "{must}", {"must": must})
    given = given.model_dump(exclude_unset=True) if isinstance(given, BaseModel) else given
    return ValidationError.from_exception_data(key, [InitErrorDetails(type=said, loc=(key,), input=given)])


AsNumber = BeforeValidator(_number)
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", json_schema_extra={"format": "name"})]
Path = Annotated[str, AfterValidator(_path), Field(json_schema_extra={"format": "path"})]
Fraction = Annotated[float, Field(ge=0, le=1), AsNumber]
Positive = Annotated[float, Field(gt=0), AsNumber]
NonNegative = Annotated[float, Field(ge=0), AsNumber]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration: immutable, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, given: Any) -> Any:
        for key in given if isinstance(given, Mapping) else ():
            if key not in cls.model_fields:
                allowed = ", ".join(cls.model_fields) or "none"
                raise PydanticCustomError("unknown", "unknown key", {"key": str(key), "allowed": allowed})
        return given


class Kept:
    """Marks a mapping that is passed on as it was written, without the defaults filled in, once `section` accepts it.

    What decides a result is compared as text (`qcxr.study.provenance`), and the text of such a mapping is the user's:
    an option that is new, or has another default, changes no finished run's. Text that is a number becomes one.
    """

    def __init__(self, section: type[Section]):
        self.section = section

    def accepting(self, before: Mapping[str, Any]) -> type[Section]:
        """The section that it is held to; `before` are the values of the keys that stand before it."""
        del before
        return self.section

    def check(self, written: dict[str, Any], info: Any) -> dict[str, Any]:
        """`written`, or the section's `ValidationError`; info: pydantic's, of the keys before it."""
        section = self.accepting(info.data or {})
        return _as_written(written, section.model_validate(written).model_dump(exclude_unset=True))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(self.section.__pydantic_core_schema__)


def _as_written(written: Any, checked: Any) -> Any:
    if isinstance(written, Mapping) and isinstance(checked, Mapping):
        return {key: _as_written(value, checked[key]) for key, value in written.items()}
    return checked if isinstance(written, str) else written
